// The last month day by day: columns of what was received and resolved, and the same as a table.

import { draw, make, write } from "../../parts/dom.js";
import * as f from "../../parts/format.js";
import { Records } from "../../parts/records.js";
import { t } from "../../shell/words.js";

const DAYS = 31;
const SLOT = 20;
const HEIGHT = 100;

export class Days {
  constructor(root, more) {
    this.records = new Records(root, { name: "ward-days", title: t("ward_days"), className: "wide", hidden: ["changed_at"], phone: ["returned", "online_share"], more });
    this.figure = make("figure", "columns");
    this.caption = make("figcaption", "legend");
    this.records.body.before(this.figure);
  }

  draw(snapshot, flash) {
    this.records.draw(snapshot, flash);
    const rows = snapshot.parts["ward-days"]?.rows ?? [];
    const drawn = JSON.stringify([rows, snapshot.day]);
    this.figure.hidden = !rows.length;
    if (drawn === this.drawn || !rows.length) return;
    this.drawn = drawn;
    this.figure.replaceChildren(columns(rows, snapshot.day), this.#legend(rows));
  }

  #legend(rows) {
    const most = Math.max(...rows.map((row) => Math.max(row.received, row.resolved)));
    this.caption.replaceChildren(key("received"), key("resolved"), make("span", "note", t("most", { n: f.number(most) })));
    return this.caption;
  }
}

function key(name) {
  const item = make("span", `key ${name}`);
  item.append(make("i"), t(name));
  return item;
}

function columns(rows, last) {
  const most = Math.max(1, ...rows.map((row) => Math.max(row.received, row.resolved)));
  const svg = draw("svg", { viewBox: `0 0 ${DAYS * SLOT} ${HEIGHT + 2}`, preserveAspectRatio: "none", role: "img" });
  svg.setAttribute("aria-label", t("days_label", { n: f.number(rows.length), day: f.day(last) }));
  svg.append(draw("line", { x1: 0, y1: HEIGHT, x2: DAYS * SLOT, y2: HEIGHT, class: "base" }));
  const end = Date.parse(last);
  for (const row of rows) {
    const place = DAYS - 1 - Math.round((end - Date.parse(row.day)) / 86_400_000);
    if (place < 0) continue;
    svg.append(bar(row, "received", place * SLOT + 2, most), bar(row, "resolved", place * SLOT + SLOT / 2, most));
  }
  return svg;
}

function bar(row, name, x, most) {
  const height = (Math.max(0, row[name]) / most) * HEIGHT;
  const el = draw("rect", { x, y: HEIGHT - height, width: SLOT / 2 - 2, height, class: name });
  const title = draw("title");
  write(title, `${f.day(row.day)} · ${t(name)} ${f.number(row[name])}`);
  el.append(title);
  return el;
}
