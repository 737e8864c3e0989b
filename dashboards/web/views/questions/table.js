// The answer's rows, as they come, until the reader sorts them. A code stands there as its word, a ward as a link.

import { text } from "../../parts/records.js";
import { blank } from "../../parts/states.js";
import { Table } from "../../parts/table.js";
import { viewLink } from "../../shell/address.js";
import { lang, t } from "../../shell/words.js";

const NUMERIC = new Set(["number", "signed", "decimal", "share", "minutes", "seconds"]);
const SPOKEN = new Set(["field", "channel", "timeliness", "status", "word"]);
// A browser is slow with more; the files have all.
const ROWS_MAX = 500;

const other = () => (lang === "vi" ? "en" : "vi");

/** What stands in a cell of an answer. */
export function say(column, value, words) {
  if (Array.isArray(value)) return value.length ? value.join(", ") : t("none");
  if (value !== null && typeof value === "object") return Object.entries(value).map(([name, each]) => `${name}: ${each}`).join(", ") || t("none");
  return text(column, value, words);
}

export class AnswerTable {
  constructor(root, caption, words) {
    Object.assign(this, { root, caption, words });
  }

  /** Returns how many rows are shown. */
  draw({ columns, rows }) {
    this.root.replaceChildren();
    if (!rows.length) {
      this.root.append(blank("empty", t("no_rows")));
      return 0;
    }
    const shown = rows.slice(0, ROWS_MAX).map((values, place) => ({ values, place }));
    this.ward = columns.findIndex(({ name }) => name === "ward");
    new Table(this.root, {
      columns: this.#columns(columns),
      caption: this.caption,
      key: (row) => row.place,
      sort: { key: "", descending: false },
    }).draw(shown);
    return shown.length;
  }

  /** Of columns that hold one language each, only the reader's; none beside a code that is shown as its word. */
  #columns(columns) {
    const coded = new Set(columns.filter(({ kind }) => SPOKEN.has(kind)).map(({ name }) => name));
    const theirs = ({ name }) => name === other() || name.endsWith(`_${other()}`) || coded.has(/^(\w+)_(vi|en)$/.exec(name)?.[1]);
    return columns
      .map((column, at) => ({ column, at }))
      .filter(({ column }) => !theirs(column))
      .map(({ column, at }, place) => this.#column(column, at, place));
  }

  #column(column, at, place) {
    const numeric = NUMERIC.has(column.kind);
    const ward = /^ward(_name)?$/.test(column.name) && this.ward >= 0;
    return {
      key: column.name,
      title: column[lang],
      className: numeric ? "num" : column.kind === "code" ? "code" : column.kind === "text" ? "words" : "",
      text: (row) => say(column, row.values[at], this.words),
      order: (row) => this.#order(column, row.values[at]),
      first: numeric ? "down" : undefined,
      href: ward ? (row) => viewLink("ward", { ward: row.values[this.ward] }) : undefined,
      share: column.kind === "share" ? (row) => row.values[at] : undefined,
      tie: place === 0,
    };
  }

  #order(column, value) {
    if (value == null || typeof value === "number" || column.kind === "day" || column.kind === "instant") return value;
    return say(column, value, this.words);
  }
}
