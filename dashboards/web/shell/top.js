// The bar at the top: tabs of the views, language and theme. Each is a link that can be sent.

import { make } from "../parts/dom.js";
import * as address from "./address.js";
import { tabsOf } from "./views.js";
import { t } from "./words.js";

const at = (id) => document.getElementById(id);

export class Top {
  draw(now, viewer) {
    at("skip").textContent = t("skip");
    at("tabs").setAttribute("aria-label", t("tabs"));
    at("tabs").replaceChildren(...tabsOf(viewer).map((name) => tab(name, now, viewer)));
    at("leave").hidden = !viewer.login;
    at("leave").querySelector("button").textContent = t("log_out");
    drawLanguage(now);
    drawTheme(now);
  }
}

function tab(name, now, { ward }) {
  const link = make("a", "", t(`tab_${name}`));
  link.href = address.viewLink(name, name === "ward" ? { ward } : {});
  if (name === now.view || (name === "city" && now.view === "ward" && !ward)) link.ariaCurrent = "page";
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
