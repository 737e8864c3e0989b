// How many wards have which status; pressing one shows only those.

import { make, write } from "./dom.js";
import { STATUSES } from "./columns.js";
import { number } from "./format.js";
import { said } from "./words.js";

export class Chips {
  constructor({ root, onChoose }) {
    this.root = root;
    this.chosen = "";
    this.chips = new Map(STATUSES.map((status) => [status, this.#add(status, onChoose)]));
  }

  draw(rows) {
    const counts = Object.groupBy([...rows], (row) => row.status);
    for (const [status, { button, text }] of this.chips) {
      const count = counts[status]?.length ?? 0;
      write(text, `${said("ward_status", status)} ${number(count)}`);
      button.ariaPressed = String(status === this.chosen);
      // The chosen one stays even when it has become empty: it is the only way back.
      button.hidden = !count && status !== this.chosen;
    }
  }

  #add(status, onChoose) {
    const button = make("button", "chip");
    const shape = make("i", "shape");
    const text = make("span");
    shape.ariaHidden = "true";
    button.type = "button";
    button.dataset.status = status;
    button.append(shape, text);
    button.addEventListener("click", () => {
      this.chosen = this.chosen === status ? "" : status;
      onChoose();
    });
    this.root.append(button);
    return { button, text };
  }
}
