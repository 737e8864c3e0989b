// One view or table of the dictionary: folded; its columns are drawn when it is first opened.

import { make } from "../../parts/dom.js";
import * as f from "../../parts/format.js";
import { viewLink } from "../../shell/address.js";
import { lang, t } from "../../shell/words.js";

export class Entry {
  constructor(object, { members, questions }) {
    Object.assign(this, { object, members, questions, name: object.name });
    this.columns = object.columns.map((column) => ({ ...column, text: f.plain(`${column.name} ${column.vi} ${column.en}`) }));
    this.text = f.plain(`${object.name} ${object.vi} ${object.en}`);
    this.root = make("details", "panel d-entry");
    this.root.dataset.name = object.name;
    this.root.append(this.#summary());
    this.root.addEventListener("toggle", () => this.root.open && this.#fill());
  }

  /** Whether it holds a text; of columns only those that do are shown, unless the whole table is meant. */
  find(text) {
    const whole = this.text.includes(text);
    this.matching = this.columns.filter((column) => whole || column.text.includes(text));
    this.root.hidden = !this.matching.length && !whole;
    if (this.filled) this.#drawRows();
    return !this.root.hidden;
  }

  open(on) {
    this.root.open = on;
  }

  #summary() {
    const { name, columns } = this.object;
    const summary = make("summary");
    const code = make("code", "", name);
    summary.append(code, make("span", "d-says", this.object[lang]), make("span", "note", t("columns", { n: f.number(columns.length) })));
    return summary;
  }

  #fill() {
    if (this.filled) return;
    this.filled = true;
    this.root.append(...this.#facts(), this.#table());
    this.#drawRows();
  }

  #facts() {
    const facts = [];
    if (this.object.travels) facts.push(make("p", "note", t("travels", { name: this.name })));
    const used = this.object.questions.filter((name) => name in this.questions);
    if (used.length) {
      const line = make("p", "note d-used", `${t("used_by")} `);
      line.append(...used.flatMap((name, i) => [...(i ? [" · "] : []), anchor(this.questions[name][lang], viewLink("questions", {}, name))]));
      facts.push(line);
    }
    return facts;
  }

  #table() {
    const region = make("div", "scroll");
    region.tabIndex = 0;
    region.role = "region";
    region.ariaLabel = t("table_of", { name: this.name });
    const table = make("table");
    table.createCaption().textContent = t("table_of", { name: this.name });
    table.caption.className = "hidden";
    const head = table.createTHead().insertRow();
    for (const name of ["column", "type", "meaning", "from"]) {
      const cell = make("th", "", t(name));
      cell.scope = "col";
      if (name === "type") cell.dataset.hidden = "phone";
      head.append(cell);
    }
    this.rows = make("tbody");
    table.append(this.rows);
    region.append(table);
    return region;
  }

  #drawRows() {
    this.rows.replaceChildren(...this.matching.map((column) => this.#row(column)));
  }

  #row(column) {
    const row = make("tr");
    const name = make("th");
    name.scope = "row";
    name.append(make("code", "", column.name));
    const from = make("td", "d-from");
    const made = column.members.length ? column.members : column.taken;
    from.append(...made.map((member) => make("span", "", this.members[member]?.[lang] ?? member)));
    const type = make("td", "d-type", column.type);
    type.dataset.hidden = "phone";
    row.append(name, type, make("td", "d-meaning", column[lang]), from);
    return row;
  }
}

function anchor(text, href) {
  const el = make("a", "", text);
  el.href = href;
  return el;
}
