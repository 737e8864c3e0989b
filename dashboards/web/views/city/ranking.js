// The wards in a table: best and worst by any figure, with a minimum count, so that a ward with three dossiers is
// neither best nor worst.

import { pressable, tell } from "../../parts/chip.js";
import { later, make, panel } from "../../parts/dom.js";
import { downloads } from "../../parts/download.js";
import * as f from "../../parts/format.js";
import { Table } from "../../parts/table.js";
import { viewLink } from "../../shell/address.js";
import { t } from "../../shell/words.js";

// From worst to best; the order in which statuses are sorted and counted.
export const STATUSES = ["bad", "attention", "waiting", "unknown", "good"];
// Of shares, a ward is ranked by at least so many finished dossiers of the day.
const MINIMUM = 10;

const columns = () => [
  { key: "name", title: t("name"), className: "name", text: (row) => row.name, order: (row) => row.name, tie: true, href: (row) => viewLink("ward", { ward: row.ward }) },
  { key: "status", title: t("status"), className: "status", text: statusWord, order: (row) => STATUSES.indexOf(row.standing.status), status: (row) => row.standing.status },
  { key: "received", title: t("received"), className: "num", text: (row) => f.number(row.received), order: (row) => row.received, first: "down", flash: true },
  { key: "resolved", title: t("resolved"), className: "num", text: (row) => f.number(row.resolved), order: (row) => row.resolved, first: "down", flash: true, hidden: "phone" },
  { key: "on_time_share", title: t("on_time_share"), className: "num", text: (row) => f.share(row.on_time_share), order: ranked, share: (row) => row.on_time_share, flash: true },
  { key: "overdue", title: t("overdue"), className: "num", text: (row) => f.number(row.overdue), order: (row) => row.overdue, first: "down", flash: true },
  { key: "backlog", title: t("backlog"), className: "num", text: (row) => f.number(row.backlog), order: (row) => row.backlog, first: "down", flash: true },
];

/** The status in words: why, if it is not simply good. */
export function statusWord({ standing }) {
  const reason = standing.status === "good" ? "" : standing.reason;
  return reason ? t(`reason_${reason}`) : t(`status_${standing.status}`);
}

/** What a ward is ranked by; null (last) for too few dossiers. */
function ranked(row) {
  return row.finished >= MINIMUM ? row.on_time_share : null;
}

export class Ranking {
  constructor(root, { go, address }) {
    const { section, head, body } = panel(t("wards"), "ranking");
    this.chosen = "";
    this.filter = make("input");
    this.filter.type = "search";
    this.filter.ariaLabel = this.filter.placeholder = t("filter");
    this.filter.addEventListener("input", later(80, () => this.#show()));
    head.append(this.filter, downloads("city-wards"));
    const text = address().get("sort") || "status";
    this.table = new Table(body, {
      columns: columns(),
      caption: t("wards_caption"),
      key: (row) => row.ward,
      sort: { key: text.replace("-", ""), descending: text.startsWith("-") },
      onSort: ({ key, descending }) => go({ sort: descending ? `-${key}` : key }, { quiet: true }),
      search: (row) => `${row.ward} ${row.name}`,
    });
    this.chips = new Map(STATUSES.map((status) => [status, pressable(status, () => this.#press(status))]));
    const chips = make("div", "chips");
    chips.role = "group";
    chips.ariaLabel = t("by_status");
    chips.append(...this.chips.values());
    body.prepend(chips);
    root.append(section);
  }

  draw(rows, flash) {
    this.rows = [...rows];
    this.table.draw(this.rows, flash);
    this.#show();
  }

  #press(status) {
    this.chosen = this.chosen === status ? "" : status;
    this.#show();
  }

  #show() {
    const { chosen, filter } = this;
    const counts = Map.groupBy(this.rows, (row) => row.standing.status);
    for (const [status, button] of this.chips) {
      const count = counts.get(status)?.length ?? 0;
      tell(button, status, `${t(`status_${status}`)} ${f.number(count)}`);
      button.ariaPressed = String(status === chosen);
      // The chosen one stays even when it has become empty: it is the only way back.
      button.hidden = !count && status !== chosen;
    }
    this.table.show((row) => (!chosen || row.standing.status === chosen) && this.table.contains(row, filter.value));
  }
}
