// The table's columns: title, text and order of each. A status has a shape beside its word and colour.

import * as f from "./format.js";
import { said, t } from "./words.js";

// From worst to best; the order in which statuses are sorted and counted.
export const STATUSES = ["missing", "silent", "behind", "none", "complete"];

const figure = (key, title) => ({
  key,
  title,
  className: "num",
  text: (row) => f.number(row.figures[key]),
  order: (row) => row.figures[key],
  flash: true,
});

export const COLUMNS = [
  { key: "code", title: () => t("code"), className: "code", text: (row) => row.ward, order: (row) => row.ward },
  { key: "name", title: () => t("name"), className: "name", text: (row) => row.name, order: (row) => row.name },
  {
    key: "kind",
    title: () => t("kind"),
    className: "kind",
    text: (row) => t(`kind_${row.kind}`),
    order: (row) => row.kind,
  },
  {
    key: "status",
    title: () => t("status"),
    className: "status",
    text: (row) => said("ward_status", row.status),
    order: (row) => STATUSES.indexOf(row.status),
  },
  figure("received", () => t("received_short")),
  figure("resolved", () => t("resolved_short")),
  {
    key: "in_time",
    title: () => t("in_time_short"),
    className: "num share",
    text: (row) => f.share(row.on_time_share),
    order: (row) => row.on_time_share ?? -1,
    flash: true,
  },
  figure("overdue", () => said("timeliness", "overdue")),
  {
    key: "backlog",
    title: () => t("backlog"),
    className: "num",
    text: (row) => f.number(row.backlog),
    order: (row) => row.backlog ?? -1,
    flash: true,
  },
  {
    key: "event_at",
    title: () => t("event_at"),
    className: "num when",
    text: (row) => f.moment(row.event_at),
    order: (row) => row.event_at ?? "",
  },
  {
    key: "completeness",
    title: () => t("completeness"),
    className: "num complete",
    text: completeness,
    order: (row) => row.missing,
  },
];

function completeness(row) {
  if (row.status === "none") return t("none");
  const parts = { n: f.number(row.contiguous), m: f.number(row.missing) };
  return t(row.missing ? "missing_after" : "complete_to", parts);
}

/** A comparison of rows by a column; equal rows stand by name. */
export function comparison(key, descending) {
  const { order } = COLUMNS.find((column) => column.key === key) ?? COLUMNS[0];
  const { compare } = f.collator();
  const by = (a, b) => (typeof a === "string" ? compare(a, b) : a - b);
  const sign = descending ? -1 : 1;
  return (a, b) => sign * by(order(a), order(b)) || compare(a.name, b.name);
}
