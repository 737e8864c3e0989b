// A table whose columns the server declares: the page shows what the file says. Titles come in both languages, and
// of columns that hold one language each, only the reader's is shown.

import { make, panel, write } from "./dom.js";
import { downloads } from "./download.js";
import * as f from "./format.js";
import { blank } from "./states.js";
import { Table } from "./table.js";
import { lang, said, t } from "../shell/words.js";

const NUMERIC = new Set(["number", "signed", "decimal", "share", "minutes", "seconds"]);
// Cells of a look of their own; names of fields are long, and the only ones that go over two lines.
const CLASSES = { code: "code", field: "field" };
const CONTRACT = new Set(["status", "channel", "timeliness"]);
const WORK_DAY = 480;

/** What stands in a cell. `words` are the snapshot's `table_words`. */
export function text(column, value, words) {
  if (value == null || value === "") return column.kind === "field" && value === "" ? t("all_fields") : t("none");
  const { kind } = column;
  if (CONTRACT.has(kind)) return said(kind, value) || String(value);
  if (kind === "word" || kind === "field" || kind === "yes") return word(words, column, value);
  return SHOWN[kind]?.(value) ?? String(value);
}

const SHOWN = {
  number: f.number,
  signed: f.change,
  decimal: f.number,
  share: f.share,
  minutes: work,
  seconds: f.span,
  day: f.day,
  instant: (value) => `${f.date(value)} ${f.time(value).slice(0, 5)}`,
};

/** Working minutes: "2 giờ", "1,5 ngày làm việc". */
export function work(minutes) {
  if (minutes < WORK_DAY) return f.span(minutes * 60);
  return t("work_days", { n: f.number(Math.round((minutes / WORK_DAY) * 10) / 10) });
}

function word(words, { kind, words: name }, value) {
  return words?.[kind === "word" ? name : kind]?.[String(value)]?.[lang] ?? String(value);
}

const other = () => (lang === "vi" ? "en" : "vi");

/** The columns that a reader of this language sees. */
export function visible(columns, hidden = []) {
  const theirs = (key) => key === other() || key.endsWith(`_${other()}`);
  return columns.filter(({ key }) => !theirs(key) && !hidden.includes(key));
}

/** A titled panel with such a table. `hidden`: keys that only the file has; `more`: parameters of the file's link. */
export class Records {
  constructor(root, { name, title, className = "", hidden = [], phone = [], status, href, more = {}, note = "" }) {
    Object.assign(this, { name, hidden, phone, status, href });
    const made = panel(title, `records ${className}`);
    this.count = make("span", "note count");
    made.heading.append(" ", this.count);
    made.head.append(downloads(name, more));
    made.section.dataset.table = name;
    this.body = made.body;
    this.more = make("p", "note more");
    if (note) made.section.append(make("p", "note", note));
    made.section.append(this.more);
    this.title = title;
    root.append(made.section);
    this.#blank("loading");
  }

  draw({ parts, columns, table_words: words }, flash = false) {
    const part = parts[this.name];
    this.#drawCount(part);
    if (!part || part.loading) return this.#blank(part === null ? "absent" : "loading");
    if (!part.rows.length) return this.#blank("empty");
    this.words = words;
    if (!this.table) this.#make(columns[this.name]);
    this.table.draw(part.rows.map((row, place) => ({ ...row, place })), flash);
    return undefined;
  }

  #blank(kind) {
    this.table = null;
    if (this.shown !== kind) this.body.replaceChildren(blank(kind));
    this.shown = kind;
  }

  #make(columns) {
    this.shown = "table";
    this.body.replaceChildren();
    this.table = new Table(this.body, {
      columns: visible(columns, this.hidden).map((column, place) => this.#column(column, place)),
      caption: this.title,
      key: (row) => row.place,
    });
  }

  #column(column, place) {
    const numeric = NUMERIC.has(column.kind);
    return {
      key: column.key,
      title: column[lang],
      className: numeric ? "num" : (CLASSES[column.kind] ?? ""),
      text: (row) => text(column, row[column.key], this.words),
      hidden: this.phone.includes(column.key) ? "phone" : undefined,
      status: this.status?.[column.key],
      href: this.href?.[column.key],
      share: column.kind === "share" ? (row) => row[column.key] : undefined,
      flash: numeric,
      tie: place === 0,
    };
  }

  #drawCount(part) {
    write(this.count, part?.total ? f.number(part.total) : "");
    const cut = part?.rows && part.total > part.rows.length;
    write(this.more, cut ? t("rows_shown", { n: f.number(part.rows.length), all: f.number(part.total) }) : "");
    this.more.hidden = !cut;
  }
}
