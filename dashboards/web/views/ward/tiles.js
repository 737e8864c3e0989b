// The ward's figures of the day, each with the week's and the whole time's, and two weeks as a small line.

import { Sparkline } from "../../parts/chart.js";
import { make, write } from "../../parts/dom.js";
import * as f from "../../parts/format.js";
import { t } from "../../shell/words.js";

const TILES = [
  { key: "received", text: f.number },
  { key: "resolved", text: f.number },
  { key: "returned", text: f.number },
  { key: "on_time_share", text: f.share },
  { key: "overdue", text: f.number },
  { key: "backlog", text: f.number, single: true },
  { key: "online_share", text: f.share },
];

export class Tiles {
  constructor(root) {
    this.root = make("section", "ward-tiles figures");
    this.root.ariaLabel = t("totals");
    this.tiles = TILES.map((kind) => this.#add(kind));
    root.append(this.root);
  }

  draw({ totals, series }, flash) {
    for (const tile of this.tiles) {
      write(tile.value, tile.text(totals.day?.[tile.key]), flash);
      for (const { name, value } of tile.spans) write(value, tile.text(totals[name]?.[tile.key]));
      if (series[tile.key]) tile.line.draw(series[tile.key]);
    }
  }

  close() {
    for (const tile of this.tiles) tile.line.close();
  }

  #add(kind) {
    const root = make("article", "ward-tile");
    root.dataset.key = kind.key;
    const tile = { ...kind, value: make("p", "value"), spans: [] };
    const figure = make("div");
    const list = make("dl");
    for (const name of kind.single ? [] : ["week", "all"]) {
      const value = make("dd");
      list.append(make("dt", "", t(name)), value);
      tile.spans.push({ name, value });
    }
    const last = kind.single ? make("p", "note", t("backlog_note")) : list;
    root.append(make("h3", "", t(kind.key)), tile.value, figure, last);
    tile.line = new Sparkline(figure, t("series_of", { name: t(kind.key) }));
    this.root.append(root);
    return tile;
  }
}
