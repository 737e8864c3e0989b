// The city at a glance: six figures of the chosen day, each with the week's and the whole time's beside it.

import { make, write } from "./dom.js";
import * as f from "./format.js";
import { said, t } from "./words.js";

const count = (key) => (totals) => f.number(totals?.figures[key]);

const TILES = [
  { key: "received", title: () => said("status", 2) || t("received_short"), value: count("received") },
  { key: "resolved", title: () => said("status", 9) || t("resolved_short"), value: count("resolved") },
  {
    key: "in_time",
    title: () => t("in_time"),
    value: (totals) => f.share(totals?.on_time_share),
    note: ({ figures }) => t("dossiers", { n: f.number(figures.early + figures.on_time) }),
  },
  {
    key: "overdue",
    title: () => said("timeliness", "overdue"),
    value: count("overdue"),
    note: ({ figures, on_time_share: kept }) =>
      figures.overdue ? t("overdue_of", { share: f.share(1 - kept) }) : "",
  },
  {
    key: "online",
    title: () => said("channel", "online"),
    value: (totals) => f.share(totals?.online_share),
    note: ({ figures }) => t("dossiers", { n: f.number(figures.online) }),
  },
];

export class Tiles {
  constructor(root) {
    this.tiles = new Map();
    for (const { key } of TILES) this.#add(root, key);
    this.#add(root, "backlog");
  }

  draw(snapshot, flash) {
    const { day, week, all } = snapshot.totals;
    for (const { key, title, value, note } of TILES) {
      const tile = this.tiles.get(key);
      write(tile.title, title());
      write(tile.value, value(day), flash);
      write(tile.note, day && note ? note(day) : "");
      write(tile.week, value(week));
      write(tile.all, value(all));
      write(tile.weekTitle, t("week"));
      write(tile.allTitle, t("all"));
    }
    const backlog = this.tiles.get("backlog");
    write(backlog.title, t("backlog"));
    write(backlog.value, f.number(snapshot.backlog), flash);
    write(backlog.note, t("backlog_now"));
  }

  #add(root, key) {
    const tile = make("article", `tile ${key}`);
    const parts = { title: make("h3"), value: make("p", "value"), note: make("p", "note") };
    tile.append(parts.title, parts.value, parts.note);
    if (key !== "backlog") {
      const list = make("dl");
      for (const name of ["week", "all"]) {
        parts[`${name}Title`] = make("dt");
        parts[name] = make("dd");
        list.append(parts[`${name}Title`], parts[name]);
      }
      tile.append(list);
    }
    tile.dataset.key = key;
    root.append(tile);
    this.tiles.set(key, parts);
  }
}
