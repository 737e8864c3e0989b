// The city at a glance.

import { Ranking } from "./ranking.js";
import { Tiles } from "./tiles.js";
import { t } from "../../shell/words.js";

export const dictionary = "city";
export const style = "/web/views/city/city.css";

export class View {
  constructor(root, context) {
    this.tiles = new Tiles(root);
    this.ranking = new Ranking(root, context);
  }

  title() {
    return t("city");
  }

  draw(snapshot, names) {
    this.tiles.draw(snapshot, names !== null);
    if (!names || names.has("rows")) this.ranking.draw(snapshot.rows.values(), names !== null);
  }

  close() {
    this.tiles.close();
  }
}
