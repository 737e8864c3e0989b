// The city's seven figures of the day: each with its change, two weeks as a small line, and the week's and the
// whole time's figure with theirs.

import { Sparkline } from "../../parts/chart.js";
import { make, write } from "../../parts/dom.js";
import * as f from "../../parts/format.js";
import { t } from "../../shell/words.js";

const count = { text: f.number, change: (value) => f.change(value), least: 0.5 };
const share = { text: f.share, change: (value) => t("points", { n: f.change(value * 100, 1) }), least: 0.0005 };

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
      for (const span of tile.spans) {
        write(span.value, tile.text(totals[span.name]?.[tile.key]));
        drawChange(tile, span.change, totals[span.name], before?.[span.name]);
        // Where there is no room for the change, it is said on the figure itself.
        span.value.title = span.change.textContent;
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
      const span = { name, value: make("dd", "amount"), change: make("dd", "change") };
      list.append(make("dt", "", t(name)), span.value, span.change);
      tile.spans.push(span);
    }
    root.append(make("h3", "", t(kind.key)), tile.value, tile.change_, figure, kind.single ? make("p", "note", t("backlog_note")) : list);
    tile.line = new Sparkline(figure, t("series_of", { name: t(kind.key) }));
    this.root.append(root);
    return tile;
  }
}

/** The change with an arrow and a sign; nothing where nothing fair is known (the heading says why). */
function drawChange({ key, change, good, least }, el, now, then) {
  const difference = now?.[key] == null || then?.[key] == null ? null : now[key] - then[key];
  write(el, difference == null ? "" : change(difference));
  const way = difference == null || Math.abs(difference) < least ? 0 : Math.sign(difference);
  el.dataset.way = ["down", "same", "up"][way + 1];
  el.dataset.good = !way || !good ? "" : way === good ? "yes" : "no";
}
