// The city's seven figures of the day: each with its change, two weeks as a small line, and the week's and the
// whole time's figure with theirs. A count of a week or of all time can only grow: what it grew by since the
// same time yesterday is told, but is neither good nor bad. A share of them can fall, and keeps its judgement.

import { Sparkline } from "../../parts/chart.js";
import { make, write } from "../../parts/dom.js";
import * as f from "../../parts/format.js";
import { t } from "../../shell/words.js";

const count = { text: f.number, change: (value) => f.change(value), least: 0.5, grows: true };
const points = (value) => f.change(value * 100, 1);
const share = { text: f.share, change: (value) => t("points", { n: points(value) }), least: 0.0005 };

// `good` says which way is good: 1 up, -1 down; without it neither.
const TILES = [
  { key: "received", ...count },
  { key: "resolved", ...count, good: 1 },
  { key: "returned", ...count, good: 1 },
  { key: "on_time_share", ...share, good: 1 },
  { key: "overdue", ...count, good: -1 },
  { key: "backlog", ...count, single: true },
  { key: "online_share", ...share, good: 1 },
];

export class Tiles {
  constructor(root) {
    this.root = make("section", "tiles figures");
    this.root.ariaLabel = t("totals");
    this.tiles = TILES.map((kind) => this.#add(kind));
    root.append(this.root);
  }

  draw({ totals, before, series }, flash) {
    for (const tile of this.tiles) {
      write(tile.value, tile.text(totals.day?.[tile.key]), flash);
      drawChange(tile, tile.change_, totals.day, before?.day);
      for (const { name, value, kind, change, unit } of tile.spans) {
        write(value, tile.text(totals[name]?.[tile.key]));
        drawChange(kind, change, totals[name], before?.[name]);
        unit.hidden = !change.textContent;
      }
      if (series[tile.key]) tile.line.draw(series[tile.key]);
    }
  }

  close() {
    for (const tile of this.tiles) tile.line.close();
  }

  #add(kind) {
    const root = make("article", "tile");
    root.dataset.key = kind.key;
    const tile = { ...kind, value: make("p", "value"), change_: make("p", "change"), spans: [] };
    const figure = make("div");
    const list = make("dl");
    for (const name of kind.single ? [] : ["week", "all"]) {
      const span = longer(name, kind);
      const told = make("dd");
      told.append(span.change, span.unit);
      list.append(make("dt", "", t(name)), span.value, told);
      tile.spans.push(span);
    }
    root.append(make("h3", "", t(kind.key)), tile.value, tile.change_, figure, kind.single ? make("p", "note", t("backlog_note")) : list);
    tile.line = new Sparkline(figure, t("series_of", { name: t(kind.key) }));
    this.root.append(root);
    return tile;
  }
}

/** A figure of a longer time. The unit of a share's change is read out, not shown: the share stands right above. */
function longer(name, kind) {
  const own = kind.grows ? { ...kind, good: 0 } : { ...kind, change: points };
  const unit = make("span", "hidden", kind.grows ? "" : t("points", { n: "" }));
  return { name, kind: own, value: make("dd", "amount"), change: make("span", "change"), unit };
}

/** The change with an arrow and a sign; nothing where nothing fair is known (the heading says why). */
function drawChange({ key, change, good, least }, el, now, then) {
  const difference = now?.[key] == null || then?.[key] == null ? null : now[key] - then[key];
  write(el, difference == null ? "" : change(difference));
  const way = difference == null || Math.abs(difference) < least ? 0 : Math.sign(difference);
  el.dataset.way = ["down", "same", "up"][way + 1];
  el.dataset.good = !way || !good ? "" : way === good ? "yes" : "no";
}
