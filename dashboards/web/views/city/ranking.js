// The wards in a table, best and worst by any figure. A minimum count keeps a ward with three dossiers from being
// the best: below it a share is shown, but not ranked. Unasked, the worst status stands first, and within a status
// the lowest share on time: what a wall shows without scrolling are the wards that matter.

import { pressable, tell } from "../../parts/chip.js";
import { later, make, panel } from "../../parts/dom.js";
import { downloads } from "../../parts/download.js";
import * as f from "../../parts/format.js";
import { Table } from "../../parts/table.js";
import { viewLink } from "../../shell/address.js";
import { t } from "../../shell/words.js";

// From worst to best; the order in which statuses are sorted and counted.
export const STATUSES = ["bad", "attention", "waiting", "unknown", "good"];
const MINIMA = [0, 5, 10, 20, 50, 100];
const MINIMUM = 10;
// The reader's three ways to look, as orders of the table.
const ORDERS = { all: "status", worst: "on_time_share", best: "-on_time_share" };

const number = (key, more = {}) => ({
  key,
  title: t(key),
  className: "num",
  text: (row) => f.number(row[key]),
  order: (row) => row[key],
  first: "down",
  flash: true,
  ...more,
});

/** The status in words: why, if it is not simply good. */
export function statusWord({ standing }) {
  const reason = standing.status === "good" || standing.status === "unknown" ? "" : standing.reason;
  return reason ? t(`reason_${reason}`) : t(`status_${standing.status}`);
}

export class Ranking {
  constructor(root, { go, address }) {
    Object.assign(this, { go, address, chosen: "", rows: [] });
    const { section, head, body } = panel(t("wards"), "ranking");
    head.append(this.#orders(), this.#minimum(), downloads("city-wards"));
    body.append(this.#filters());
    this.table = new Table(body, {
      columns: this.#columns(),
      caption: t("wards_caption"),
      key: (row) => row.ward,
      sort: this.#sort(),
      onSort: ({ key, descending }) => go({ sort: descending ? `-${key}` : key }, { quiet: true }),
      search: (row) => `${row.ward} ${row.name}`,
    });
    root.append(section);
  }

  draw({ rows }, flash) {
    this.rows = [...rows.values()];
    this.table.draw(this.rows, flash);
    this.#show();
  }

  changed() {
    this.table.choose(this.#sort());
    this.#show();
  }

  #columns() {
    const status = { key: "status", title: t("status"), className: "status", clip: true, text: statusWord, order: (row) => this.#concern(row), status: (row) => row.standing.status };
    return [
      { key: "name", title: t("name"), className: "name", text: (row) => row.name, order: (row) => row.name, tie: true, href: (row) => viewLink("ward", { ward: row.ward }) },
      status,
      number("received"),
      number("resolved", { hidden: "narrow" }),
      { key: "on_time_share", title: t("on_time_share"), className: "num", text: (row) => f.share(row.on_time_share), order: (row) => this.#ranked(row), share: (row) => row.on_time_share, flash: true },
      number("overdue"),
      number("backlog", { hidden: "small", title: t("backlog_short") }),
    ];
  }

  /** The status, worst first, and the ranked share within it; wards without one stand last there. */
  #concern(row) {
    return STATUSES.indexOf(row.standing.status) + (this.#ranked(row) ?? 1) * 0.99;
  }

  /** What a ward is ranked by; null, which stands last, for too few dossiers. */
  #ranked(row) {
    return row.finished >= this.#least() ? row.on_time_share : null;
  }

  #least() {
    const text = this.address().get("min");
    return MINIMA.includes(Number(text)) && text !== "" ? Number(text) : MINIMUM;
  }

  #sort() {
    const text = this.address().get("sort") || "status";
    return { key: text.replace("-", ""), descending: text.startsWith("-") };
  }

  #orders() {
    const group = make("span", "segments");
    group.role = "group";
    group.ariaLabel = t("order_label");
    this.orders = Object.entries(ORDERS).map(([name, sort]) => {
      const button = make("button", "", t(`order_${name}`));
      button.type = "button";
      button.addEventListener("click", () => this.go({ sort: sort === "status" ? "" : sort }, { quiet: true }));
      group.append(button);
      return { sort, button };
    });
    return group;
  }

  #minimum() {
    this.minimum = make("select");
    this.minimum.ariaLabel = t("minimum_label");
    this.minimum.append(...MINIMA.map((n) => new Option(t("minimum", { n: f.number(n) }), String(n))));
    this.minimum.addEventListener("change", () => this.go({ min: this.minimum.value }, { quiet: true }));
    return this.minimum;
  }

  #filters() {
    const bar = make("div", "filters");
    this.filter = make("input");
    this.filter.type = "search";
    this.filter.autocomplete = "off";
    this.filter.ariaLabel = this.filter.placeholder = t("filter");
    this.filter.addEventListener("input", later(80, () => this.#show()));
    const chips = make("div", "chips");
    chips.role = "group";
    chips.ariaLabel = t("filter_status");
    this.chips = new Map(STATUSES.map((status) => [status, pressable(status, () => this.#press(status))]));
    chips.append(...this.chips.values());
    bar.append(this.filter, chips);
    return bar;
  }

  #press(status) {
    this.chosen = this.chosen === status ? "" : status;
    this.#show();
  }

  #show() {
    const { key, descending } = this.table.sort;
    const now = (descending ? "-" : "") + key;
    for (const { sort, button } of this.orders) button.ariaPressed = String(sort === now);
    this.minimum.value = String(this.#least());
    this.#count();
    const ranking = key === "on_time_share";
    this.table.show(
      (row) =>
        (!this.chosen || row.standing.status === this.chosen) &&
        (!ranking || this.#ranked(row) !== null) &&
        this.table.contains(row, this.filter.value),
    );
  }

  #count() {
    const counts = Map.groupBy(this.rows, (row) => row.standing.status);
    for (const [status, button] of this.chips) {
      const count = counts.get(status)?.length ?? 0;
      tell(button, status, `${t(`status_${status}`)} ${f.number(count)}`);
      button.ariaPressed = String(status === this.chosen);
      // The chosen one stays even when it has become empty: it is the only way back.
      button.hidden = !count && status !== this.chosen;
    }
  }
}
