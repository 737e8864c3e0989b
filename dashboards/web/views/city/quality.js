// The four figures of the data's quality, by the names of the state's guidance: đúng, đủ, sạch, sống.

import { tell } from "../../parts/chip.js";
import { make, panel, shape, write } from "../../parts/dom.js";
import * as f from "../../parts/format.js";
import { fill } from "../../parts/states.js";
import { t } from "../../shell/words.js";

// Each with the count of what speaks against it.
const NAMES = { accurate: "rejected", complete: "missing", clean: "unclean", live: "untimely" };
// Below these a figure wants attention, or is bad. They are ours: no source sets limits.
const LIMITS = [0.999, 0.98];

export class Quality {
  constructor(root) {
    const { section, head, body } = panel(t("quality"), "quality figures");
    this.day = make("span", "note");
    head.append(this.day);
    this.root = make("div", "four");
    body.append(this.root);
    root.append(section);
  }

  draw({ quality }) {
    write(this.day, quality ? t("quality_day", { day: f.day(quality.day) }) : "");
    if (!quality) {
      this.items = null;
      fill(this.root, quality, () => {});
      return;
    }
    this.items ??= this.#make();
    for (const { name, value, state, note } of this.items) {
      const share = quality[name];
      write(value, f.share(share));
      tell(state, grade(share), t(`grade_${grade(share)}`));
      write(note, t(`quality_${name}_note`, { n: f.number(quality[NAMES[name]]) }));
    }
  }

  #make() {
    const items = Object.keys(NAMES).map((name) => {
      const item = { name, root: make("div", "one"), value: make("p", "value"), state: make("p", "state"), note: make("p", "note") };
      item.state.append(shape(), make("span", "word"));
      item.root.append(make("h3", "", t(`quality_${name}`)), item.value, item.state, item.note);
      return item;
    });
    this.root.replaceChildren(...items.map(({ root }) => root));
    return items;
  }
}

function grade(share) {
  if (share == null) return "unknown";
  return share >= LIMITS[0] ? "good" : share >= LIMITS[1] ? "attention" : "bad";
}
