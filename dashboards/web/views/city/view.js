// The city at a glance. Each panel draws itself again only when a member that it shows has changed.

import { make } from "../../parts/dom.js";
import * as f from "../../parts/format.js";
import { t } from "../../shell/words.js";
import { Alerts } from "./alerts.js";
import { Heading } from "./heading.js";
import { CityMap } from "./map.js";
import { Pipeline } from "./pipeline.js";
import { Quality } from "./quality.js";
import { Ranking } from "./ranking.js";
import { Tiles } from "./tiles.js";

export const dictionary = "city";
export const style = "/web/views/city/city.css";

const USES = {
  heading: ["day", "days", "newest", "today", "before", "cut"],
  tiles: ["totals", "before", "series"],
  map: ["rows"],
  ranking: ["rows"],
  alerts: ["alerts"],
  quality: ["quality"],
  pipeline: ["pipeline", "processes", "cut"],
};

export class View {
  constructor(root, context) {
    const overview = make("div", "overview");
    const side = make("div", "side");
    root.append(overview, side);
    this.parts = {
      heading: new Heading(overview, context),
      tiles: new Tiles(overview),
      map: new CityMap(root, context),
      ranking: new Ranking(root, context),
      alerts: new Alerts(side),
      quality: new Quality(side),
      pipeline: new Pipeline(side),
    };
    root.append(side);
  }

  title() {
    return this.day ? `${t("city")} ${f.day(this.day)}` : t("city");
  }

  /** `names`: the members that changed; null for all. */
  draw(snapshot, names) {
    this.day = snapshot.day;
    for (const [name, part] of Object.entries(this.parts)) {
      if (!names || USES[name].some((member) => names.has(member))) part.draw(snapshot, names !== null);
    }
  }

  changed(address) {
    this.parts.map.changed(address);
    this.parts.ranking.changed(address);
  }

  close() {
    for (const part of Object.values(this.parts)) part.close?.();
  }
}
