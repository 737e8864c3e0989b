// The table of wards: one row element a ward for the page's whole life, so that an update never loses
// scroll, focus or selection; sorting moves elements, filtering hides them.

import { COLUMNS, comparison } from "./columns.js";
import { make, write } from "./dom.js";
import { plain } from "./format.js";

const NUMBERS_FIRST_DOWN = new Set(["received", "resolved", "overdue", "backlog", "event_at", "completeness"]);

export class Table {
  constructor({ head, body, onSort }) {
    this.head = head;
    this.body = body;
    this.onSort = onSort;
    this.lines = new Map();
    this.sort = { key: "status", descending: false };
    this.#makeHead();
  }

  /** Write the titles in the reader's language and mark the sorted one. */
  titles() {
    for (const [i, column] of COLUMNS.entries()) {
      const cell = this.head.children[i];
      const sorted = column.key === this.sort.key;
      write(cell.querySelector(".title"), column.title());
      cell.ariaSort = sorted ? (this.sort.descending ? "descending" : "ascending") : "none";
    }
  }

  /** Draw rows; with `flash`, show which cells changed. */
  draw(rows, flash) {
    for (const row of rows) this.#drawRow(row, flash);
  }

  arrange(rows) {
    // A row that moves under the pointer is read wrongly; the order waits until the pointer has left.
    if (matchMedia("(hover: hover)").matches && this.body.matches(":hover")) return;
    this.order(rows);
  }

  order(rows) {
    const sorted = [...rows].sort(comparison(this.sort.key, this.sort.descending));
    let place = this.body.firstElementChild;
    for (const row of sorted) {
      const { element } = this.lines.get(row.ward);
      if (element === place) place = place.nextElementSibling;
      else this.body.insertBefore(element, place);
    }
  }

  /** Hide what does not match; returns how many rows are left. */
  filter(rows, text, status) {
    const wanted = plain(text.trim());
    let count = 0;
    for (const row of rows) {
      const line = this.lines.get(row.ward);
      const match = (!status || row.status === status) && line.plain.includes(wanted);
      line.element.hidden = !match;
      count += match;
    }
    return count;
  }

  #makeHead() {
    for (const column of COLUMNS) {
      const cell = make("th", column.className);
      const button = make("button");
      cell.scope = "col";
      button.type = "button";
      button.dataset.key = column.key;
      button.append(make("span", "title"), make("span", "arrow"));
      button.addEventListener("click", () => this.#choose(column.key));
      cell.append(button);
      this.head.append(cell);
    }
  }

  #choose(key) {
    const again = key === this.sort.key;
    this.sort = { key, descending: again ? !this.sort.descending : NUMBERS_FIRST_DOWN.has(key) };
    this.titles();
    this.onSort();
  }

  #drawRow(row, flash) {
    const line = this.lines.get(row.ward) ?? this.#addRow(row);
    for (const [i, column] of COLUMNS.entries()) write(line.cells[i], column.text(row), flash && column.flash);
    line.element.dataset.status = row.status;
    line.share.style.setProperty("--share", row.on_time_share ?? 0);
    line.element.classList.toggle("idle", row.figures.received + row.figures.resolved === 0);
  }

  #addRow(row) {
    const element = make("tr");
    const holders = COLUMNS.map((column) => make(column.key === "name" ? "th" : "td", column.className));
    const cells = holders.map((holder) => holder.appendChild(make("span")));
    const at = (key) => COLUMNS.findIndex((column) => column.key === key);
    const shape = make("i", "shape");
    shape.ariaHidden = "true";
    holders[at("name")].scope = "row";
    holders[at("status")].prepend(shape);
    element.dataset.ward = row.ward;
    element.append(...holders);
    this.body.append(element);
    const words = plain(`${row.ward} ${row.kind} ${row.name}`);
    const line = { element, cells, share: holders[at("in_time")], plain: words };
    this.lines.set(row.ward, line);
    return line;
  }
}
