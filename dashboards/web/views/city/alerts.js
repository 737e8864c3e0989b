// The live feed of alerts: what is open, worst and newest first, then what ended lately.

import { tell } from "../../parts/chip.js";
import { make, panel, shape, write } from "../../parts/dom.js";
import { downloads } from "../../parts/download.js";
import * as f from "../../parts/format.js";
import { blank } from "../../parts/states.js";
import { viewLink } from "../../shell/address.js";
import { lang, t } from "../../shell/words.js";

export class Alerts {
  constructor(root) {
    const { section, head, body } = panel(t("alerts"), "alerts figures");
    this.count = make("span", "chip");
    this.count.append(shape(), make("span", "word"));
    head.append(this.count, downloads("alerts"));
    this.list = make("ul", "feed");
    this.scroll = make("div", "scroll");
    this.scroll.tabIndex = 0;
    this.scroll.role = "group";
    this.scroll.ariaLabel = t("alerts");
    this.scroll.append(this.list);
    // New alerts are read out; the feed itself is not, it would never end.
    this.news = make("p", "hidden");
    this.news.ariaLive = "polite";
    body.append(this.scroll, this.news);
    this.items = new Map();
    root.append(section);
  }

  draw({ alerts }, flash) {
    this.count.hidden = alerts === null;
    if (!alerts) {
      this.list.replaceChildren(make("li"));
      this.list.firstChild.append(blank("absent"));
      this.items.clear();
      return;
    }
    const rows = [...alerts.values()].sort(comparison);
    const open = rows.filter((row) => row.open);
    const worst = open.some((row) => row.severity === "critical") ? "bad" : open.length ? "attention" : "good";
    tell(this.count, worst, open.length ? t("alerts_open", { n: f.number(open.length) }) : t("alerts_none"));
    this.#list(rows, flash);
  }

  #list(rows, flash) {
    const kept = new Map();
    for (const row of rows) {
      const known = this.items.get(row.id);
      const item = known ?? this.#item(row);
      if (!known && flash && row.open) write(this.news, `${row[`title_${lang}`]}: ${row[`what_${lang}`]}`);
      update(item, row);
      kept.set(row.id, item);
    }
    this.items = kept;
    if (rows.length) this.list.replaceChildren(...[...kept.values()].map(({ root }) => root));
    else this.list.replaceChildren(Object.assign(make("li"), { textContent: t("alerts_empty"), className: "blank" }));
  }

  #item(row) {
    const root = make("li", "alert");
    const item = { root, title: make("strong"), when: make("span", "note"), what: make("p"), more: make("dl") };
    const line = make("p", "line");
    line.append(shape(), make("span", "hidden", `${t(`severity_${row.severity}`)}: `), item.title, item.when);
    const details = make("details");
    details.append(make("summary", "", t("alert_more")), item.more);
    for (const name of ["impact", "next"]) item.more.append(make("dt", "", t(`alert_${name}`)), make("dd", "", row[`${name}_${lang}`]));
    root.append(line, item.what);
    if (row.ward) root.append(wardLink(row));
    root.append(details);
    return item;
  }
}

function wardLink(row) {
  const link = make("a", "", t("alert_ward", { name: row.ward_name }));
  link.href = viewLink("ward", { ward: row.ward });
  return link;
}

function update({ root, title, when, what }, row) {
  root.dataset.status = row.open ? (row.severity === "critical" ? "bad" : "attention") : "good";
  root.classList.toggle("ended", !row.open);
  root.firstChild.dataset.status = root.dataset.status;
  write(title, row[`title_${lang}`]);
  write(what, row[`what_${lang}`]);
  const ended = row.ended ? t("alert_ended", { time: f.moment(row.ended) }) : "";
  write(when, [t("alert_since", { time: f.moment(row.since) }), ended, row.acked_by && t("alert_acked", { by: row.acked_by })].filter(Boolean).join(" · "));
}

function comparison(one, other) {
  const rank = (row) => (row.open ? 0 : 2) + (row.severity === "critical" ? 0 : 1);
  return rank(one) - rank(other) || (one.started_at < other.started_at ? 1 : -1);
}
