// One ward, whole: figures, how it stands, what is missing, declared, corrected, late and difficult. It prints
// on one sheet of A4.

import { make } from "../../parts/dom.js";
import { Records } from "../../parts/records.js";
import { t } from "../../shell/words.js";
import { Days } from "./days.js";
import { Heading } from "./heading.js";
import { History } from "./history.js";
import { Pulse } from "./pulse.js";
import { Standing } from "./standing.js";
import { Tiles } from "./tiles.js";

export const dictionary = "ward";
export const style = "/web/views/ward/ward.css";

const severity = { severity: (row) => (row.ended ? "good" : row.severity === "critical" ? "bad" : "attention") };
const control = { state: (row) => ({ matched: "good", not_declared: "waiting" })[row.state] ?? "bad" };
const overdue = { step: (row) => (row.overdue ? "bad" : "attention") };

export class View {
  constructor(root, context) {
    this.context = context;
    this.heading = new Heading(root, context);
    this.tiles = new Tiles(root);
    const grid = make("div", "ward-grid");
    const [sync, days, work] = ["sync", "days", "work"].map((name) => grid.appendChild(make("div", `stack ${name}`)));
    root.append(grid);
    const file = (name) => fileOf(name, context.state);
    const records = (column, name, options = {}) =>
      new Records(column, { name, title: t(name.replace("-", "_")), more: file(name), ...options });
    this.parts = [
      new Standing(sync),
      new Pulse(sync, file("ward-pulse")),
      records(sync, "ward-alerts", { status: severity }),
      new History(sync, file("ward-history")),
      records(sync, "ward-holes", { hidden: ["epoch"] }),
      records(sync, "ward-control", { status: control, hidden: ["words_vi", "words_en"], phone: ["counted"] }),
      records(sync, "ward-corrections", { hidden: ["dossier"] }),
      new Days(days, file("ward-days")),
      records(days, "ward-statuses"),
      records(days, "ward-channels", { phone: ["received_day"] }),
      records(work, "ward-fields", { phone: ["received_day"] }),
      records(work, "ward-processing", { note: t("processing_note"), hidden: ["finished"], phone: ["median", "p90"] }),
      records(work, "ward-overdue", { hidden: ["procedure", "received_at", "status"], phone: ["field"] }),
      records(work, "ward-difficulties", { status: overdue, hidden: ["overdue", "reported_at"] }),
    ];
  }

  topic({ ward }) {
    return { ward };
  }

  title() {
    return this.name ?? "";
  }

  draw(snapshot, names) {
    if (!snapshot.ward) return;
    this.name = snapshot.ward.full_name;
    this.heading.draw(snapshot);
    if (!names || names.has("totals") || names.has("series")) this.tiles.draw(snapshot, names !== null);
    for (const part of this.parts) part.draw(snapshot, names !== null);
  }

  changed() {
    if (this.context.state.snapshot?.ward) this.heading.draw(this.context.state.snapshot);
  }

  close() {
    this.tiles.close();
  }
}

const DAILY = new Set(["ward-days", "ward-statuses", "ward-fields", "ward-channels", "ward-control"]);

/** What a file's link says beside the ward: the cut that the page shows, and the day only where it matters. */
function fileOf(name, state) {
  const own = DAILY.has(name) ? {} : { day: "" };
  return {
    ...own,
    get as_of() {
      return state.snapshot?.past ? "" : state.snapshot?.cut?.number;
    },
  };
}
