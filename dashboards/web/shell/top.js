// The bar at the top: tabs of the views, language and theme. Each is a link that can be sent.

import { make } from "../parts/dom.js";
import * as address from "./address.js";
import { TABS, exists } from "./views.js";
import { t } from "./words.js";

const at = (id) => document.getElementById(id);

export class Top {
  draw(now, viewer) {
    at("skip").textContent = t("skip");
    at("tabs").setAttribute("aria-label", t("tabs"));
    const tabs = viewer.role === "city" ? TABS.filter(exists) : [];
    at("tabs").replaceChildren(...tabs.map((name) => tab(name, now)));
    at("tabs").hidden = !tabs.length;
    at("leave").hidden = !viewer.login;
    at("leave").querySelector("button").textContent = t("log_out");
    drawLanguage(now);
    drawTheme(now);
  }
}

function tab(name, now) {
  const link = make("a", "", t(`tab_${name}`));
  link.href = address.viewLink(name);
  if (name === now.view || (name === "city" && now.view === "ward")) link.ariaCurrent = "page";
  return link;
}

function drawLanguage(now) {
  const other = now.lang === "vi" ? "en" : "vi";
  const link = at("lang");
  link.textContent = other === "en" ? "English" : "Tiếng Việt";
  link.lang = link.hreflang = other;
  link.href = address.link({ lang: other === "en" ? "en" : "" });
}

function drawTheme(now) {
  const wall = now.theme === "wall";
  at("theme").textContent = t(wall ? "theme_light" : "theme_wall");
  at("theme").href = address.link({ theme: wall ? "light" : "wall" });
}
