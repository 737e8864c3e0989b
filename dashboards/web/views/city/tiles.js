// The city's seven figures of the day: each with its change from the same time yesterday, two weeks as a small
// line, and the week's and the whole time's figure.

import { Sparkline } from "../../parts/chart.js";
import { make, write } from "../../parts/dom.js";
import * as f from "../../parts/format.js";
import { t } from "../../shell/words.js";

const count = { text: f.number, change: (value) => f.change(value) };
const share = { text: f.share, change: (value) => t("points", { n: f.change(value * 100, 1) }) };

// `good` says which way is good: up, down, or neither.
const TILES = [
  { key: "received", ...count },
  { key: "resolved", ...count, good: 1 },
  { key: "returned", ...count, good: 1 },
  { key: "on_time_share", ...share, good: 1, note: (totals) => t("dossiers", { n: f.number(totals.in_time) }) },
  { key: "overdue", ...count, good: -1 },
  { key: "backlog", ...count },
  { key: "online_share", ...share, good: 1, note: (totals) => t("dossiers", { n: f.number(totals.online) }) },
];

export class Tiles {
  constructor(root) {
    this.root = make("section", "tiles figures");
    this.root.ariaLabel = t("totals");
    this.tiles = TILES.map((tile) => this.#add(tile));
    root.append(this.root);
  }

  draw({ totals, before, series }, flash) {
    for (const tile of this.tiles) drawTile(tile, totals, before, series, flash);
  }

  close() {
    for (const tile of this.tiles) tile.line.close();
  }

  #add(kind) {
    const root = make("article", "tile");
    root.dataset.key = kind.key;
    const tile = { ...kind, root, value: make("p", "value"), change: make("p", "change"), note: make("p", "note") };
    const figure = make("div", "spark");
    tile.week = make("dd");
    tile.all = make("dd");
    const list = make("dl");
    if (kind.key !== "backlog") list.append(make("dt", "", t("week")), tile.week, make("dt", "", t("all")), tile.all);
    root.append(make("h3", "", t(kind.key)), tile.value, tile.change, figure, list);
    tile.line = new Sparkline(figure, t("series_of", { name: t(kind.key) }));
    this.root.append(root);
    return tile;
  }
}

function drawTile(tile, totals, before, series, flash) {
  const { key, text } = tile;
  write(tile.value, text(totals.day?.[key]), flash);
  write(tile.week, text(totals.week?.[key]));
  write(tile.all, text(totals.all?.[key]));
  drawChange(tile, totals.day?.[key], before);
  if (series[key]) tile.line.draw(series[key]);
}

/** The change, and against what; why there is none, if nothing fair is known. */
function drawChange({ change, change: el, ...tile }, now, before) {
  const then = before?.day?.[tile.key];
  const difference = now == null || then == null ? null : now - then;
  write(el, difference == null ? t("no_change") : tile.change(difference));
}
