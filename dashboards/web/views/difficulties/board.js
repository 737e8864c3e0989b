// The 25 groups, one line each: how many are open, by age, how many past their due time. The darker, the more;
// the number stands in every cell. While the city's own names are not loaded, one notice says so for all.

import { make, panel, shape, write } from "../../parts/dom.js";
import { downloads } from "../../parts/download.js";
import * as f from "../../parts/format.js";
import { blank } from "../../parts/states.js";
import { link } from "../../shell/address.js";
import { lang, t } from "../../shell/words.js";

const AGES = ["week", "month", "older"];
const RAMP = [0, 1, 3, 8, 20];

export class Board {
  constructor(root, context, file) {
    const { section, head, body } = panel(t("groups"), "board");
    section.dataset.table = "difficulty-groups";
    head.append(downloads("difficulty-groups", file));
    this.body = body;
    this.context = context;
    body.append(blank("loading"));
    root.append(section);
  }

  draw({ parts }) {
    const part = parts["difficulty-groups"];
    const chosen = this.context.address().get("group");
    const drawn = JSON.stringify([part, lang, location.search]);
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    if (!part?.rows?.length) {
      this.body.replaceChildren(blank(part === null ? "absent" : part?.loading ? "loading" : "empty"));
      return;
    }
    this.body.replaceChildren(...notes(part.rows), this.#table(part.rows, chosen));
  }

  #table(rows, chosen) {
    const region = make("div", "scroll");
    region.tabIndex = 0;
    region.role = "region";
    region.ariaLabel = t("groups_table");
    const table = make("table", "figures");
    table.createCaption().textContent = t("groups");
    table.caption.className = "hidden";
    const head = table.createTHead().insertRow();
    // As long as nobody is known to be responsible, there is no column for it.
    const owned = rows.some(responsible);
    const titles = ["group", ...(owned ? ["responsible"] : []), "open_now", ...AGES, "overdue", "oldest"];
    head.append(...titles.map((name) => th(t(`col_${name}`), name)));
    const body = make("tbody");
    body.append(...rows.map((row) => line(row, String(row.number) === chosen, owned)));
    table.append(body);
    region.append(table);
    return region;
  }
}

function notes(rows) {
  const found = rows.filter((row) => row.placeholder).length;
  return found ? [make("p", "note placeholder-note", t("placeholder_note", { n: found, all: rows.length }))] : [];
}

function th(text, name) {
  const cell = make("th", ["group", "responsible"].includes(name) ? "" : "num", text);
  cell.scope = "col";
  if (name === "responsible") cell.dataset.hidden = "phone";
  return cell;
}

function line(row, chosen, owned) {
  const el = make("tr");
  el.dataset.group = row.number;
  if (chosen) el.ariaCurrent = "true";
  const name = make("th", "group-name");
  name.scope = "row";
  const anchor = make("a", "", title(row));
  anchor.href = link({ group: String(row.number), owner: "", state: "" });
  name.append(anchor);
  el.append(name, ...(owned ? [owner(row)] : []), number(row, "open_now", ""), ...AGES.map((age) => heat(row[age])), late(row), oldest(row));
  return el;
}

function responsible({ placeholder, responsible }) {
  return placeholder ? "" : responsible;
}

function owner(row) {
  const cell = make("td", "dim", responsible(row) || t("none"));
  cell.dataset.hidden = "phone";
  return cell;
}

/** A placeholder's words say no more than its number does. */
function title(row) {
  return row.placeholder ? t("of_group", { group: row.number }) : `${row.number}. ${lang === "vi" ? row.vi : row.en}`;
}

function number(row, key, state) {
  const cell = make("td", "num");
  const anchor = make("a", "", f.number(row[key]));
  anchor.href = link({ group: String(row.number), owner: "", state });
  anchor.ariaLabel = t("open_list", { n: f.number(row[key]), group: row.number });
  cell.append(row[key] ? anchor : f.number(row[key]));
  return cell;
}

function heat(value) {
  const cell = make("td", "num heat", f.number(value));
  cell.dataset.level = RAMP.findLastIndex((least) => value >= least);
  return cell;
}

function late(row) {
  const cell = number(row, "overdue_now", "overdue");
  if (row.overdue_now) {
    cell.dataset.status = "bad";
    cell.prepend(shape());
    const anchor = cell.querySelector("a");
    anchor.ariaLabel = t("overdue_list", { n: f.number(row.overdue_now), group: row.number });
  }
  return cell;
}

function oldest(row) {
  const cell = make("td", "num");
  write(cell, row.open_now ? t("days", { n: f.number(row.oldest_days) }) : t("none"));
  return cell;
}
