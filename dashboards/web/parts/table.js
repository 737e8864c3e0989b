// A table that people sort, filter and take away. One row element a key for its whole life, so that an update
// never loses scroll, focus or selection; sorting moves elements, filtering hides them.
//
// A column: { key, title, text(row), order(row), className, flash, href(row), status(row), share(row), first }
//   text    what stands in the cell       order   a number or text to sort by; without it no sorting
//   href    the cell is a link            status  a shape before the text, by data-status
//   share   0..1, a bar under the figure  first   "down": the first press sorts descending
//   clip    cut long text; its whole is the title
//   flash   show when the text changed    hidden  "phone": not on narrow screens

import { make, shape, write } from "./dom.js";
import { collator, plain } from "./format.js";
import { blank } from "./states.js";
import { t } from "../shell/words.js";

export class Table {
  /** `key(row)` names a row; `sort`: { key, descending }, without a key: as the rows come, until the reader sorts; `onSort(sort)` when the reader chose another. */
  constructor(root, { columns, caption, key, sort, onSort, rowStatus, search }) {
    Object.assign(this, { root, columns, key, sort, onSort, rowStatus, search });
    this.lines = new Map();
    this.region = make("div", "scroll");
    this.region.tabIndex = 0;
    this.region.role = "region";
    this.region.ariaLabel = caption;
    this.table = make("table", "figures");
    this.body = make("tbody");
    this.#makeHead(caption);
    this.table.append(this.body);
    this.blank = blank("empty");
    this.region.append(this.table, this.blank);
    root.append(this.region);
  }

  /** Draw all rows; those that are not given any more go. With `flash`, show which cells changed. */
  draw(rows, flash = false) {
    this.rows = [...rows];
    const kept = new Set();
    for (const row of this.rows) {
      kept.add(String(this.key(row)));
      this.#drawRow(row, flash);
    }
    for (const [key, line] of this.lines) if (!kept.has(key)) this.#drop(key, line);
    this.#arrange(flash);
    this.show(this.match ?? (() => true));
  }

  /** Show only rows that match; returns how many. */
  show(match) {
    this.match = match;
    let count = 0;
    for (const row of this.rows) {
      const visible = match(row);
      this.lines.get(String(this.key(row))).element.hidden = !visible;
      count += visible;
    }
    this.blank.hidden = count > 0;
    this.blank.textContent = t(this.rows.length ? "no_match" : "blank_empty");
    return count;
  }

  order() {
    const sorted = this.sort?.key ? this.rows.sort(this.#comparison()) : this.rows;
    let place = this.body.firstElementChild;
    for (const row of sorted) {
      const { element } = this.lines.get(String(this.key(row)));
      if (element === place) place = place.nextElementSibling;
      else this.body.insertBefore(element, place);
    }
  }

  /** Whether a row's text contains what was typed; needs no diacritics. */
  contains(row, text) {
    return plain(this.search(row)).includes(plain(text.trim()));
  }

  choose(sort) {
    this.sort = sort;
    this.#titles();
    this.order();
  }

  #arrange(flash) {
    // A row that moves under the pointer is read wrongly; the order waits until the pointer has left.
    if (flash && matchMedia("(hover: hover)").matches && this.body.matches(":hover")) return;
    this.order();
  }

  #comparison() {
    const { order } = this.columns.find((column) => column.key === this.sort.key) ?? this.columns[0];
    const { compare } = collator();
    const last = this.columns.find((column) => column.tie)?.order;
    const sign = this.sort.descending ? -1 : 1;
    const by = (a, b) => (typeof a === "string" ? compare(a, b) : a - b);
    // What has no figure stands last, whichever way is sorted.
    return (one, other) => {
      const [a, b] = [order(one), order(other)];
      if (a == null || b == null) return (a == null) - (b == null) || (last ? by(last(one), last(other)) : 0);
      return sign * by(a, b) || (last ? by(last(one), last(other)) : 0);
    };
  }

  #makeHead(caption) {
    const head = this.table.createTHead().insertRow();
    this.table.createCaption().textContent = caption;
    this.table.caption.className = "hidden";
    this.heads = this.columns.map((column) => {
      const cell = make("th", column.className);
      cell.scope = "col";
      if (column.hidden) cell.dataset.hidden = column.hidden;
      cell.append(column.order && this.sort ? this.#button(column) : make("span", "title", column.title));
      head.append(cell);
      return cell;
    });
    this.#titles();
  }

  #button(column) {
    const button = make("button");
    button.type = "button";
    button.dataset.key = column.key;
    button.append(make("span", "title", column.title), make("span", "arrow"));
    button.addEventListener("click", () => this.#press(column));
    return button;
  }

  #press(column) {
    const again = column.key === this.sort.key;
    this.choose({ key: column.key, descending: again ? !this.sort.descending : column.first === "down" });
    this.onSort?.(this.sort);
  }

  #titles() {
    for (const [i, column] of this.columns.entries()) {
      if (!column.order || !this.sort) continue;
      const sorted = column.key === this.sort.key;
      this.heads[i].ariaSort = sorted ? (this.sort.descending ? "descending" : "ascending") : "none";
    }
  }

  #drawRow(row, flash) {
    const line = this.lines.get(String(this.key(row))) ?? this.#addRow(row);
    for (const [i, column] of this.columns.entries()) {
      const { cell, holder } = line.cells[i];
      write(cell, column.text(row), flash && column.flash);
      if (column.clip) cell.title = cell.textContent;
      if (column.href) cell.href = column.href(row);
      if (column.status) holder.dataset.status = column.status(row);
      if (column.share) holder.style.setProperty("--share", column.share(row) ?? 0);
    }
    if (this.rowStatus) line.element.dataset.status = this.rowStatus(row);
  }

  #addRow(row) {
    const element = make("tr");
    element.dataset.key = this.key(row);
    const cells = this.columns.map((column) => {
      const holder = make(column.tie ? "th" : "td", column.className);
      if (column.tie) holder.scope = "row";
      if (column.hidden) holder.dataset.hidden = column.hidden;
      if (column.status) holder.append(shape());
      if (column.share) holder.classList.add("share");
      const cell = holder.appendChild(make(column.href ? "a" : "span"));
      element.append(holder);
      return { holder, cell };
    });
    this.body.append(element);
    const line = { element, cells };
    this.lines.set(String(this.key(row)), line);
    return line;
  }

  #drop(key, line) {
    line.element.remove();
    this.lines.delete(key);
  }
}
