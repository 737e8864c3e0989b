// The day chooser: the days that have figures, newest first, in months; "newest" follows the calendar.

import { make } from "./dom.js";
import * as f from "./format.js";
import { lang, t } from "./words.js";

export class Days {
  constructor({ select, before, after, onChoose }) {
    Object.assign(this, { select, before, after, onChoose });
    this.drawn = "";
    select.addEventListener("change", () => onChoose(select.value));
    before.addEventListener("click", () => this.#step(1));
    after.addEventListener("click", () => this.#step(-1));
  }

  /** `wanted` is the day in the address; empty to follow the newest. */
  draw({ days, day, newest }, wanted) {
    this.days = days;
    this.day = day;
    this.newest = newest;
    const drawn = JSON.stringify([days, wanted, newest, lang]);
    if (drawn !== this.drawn) this.#fill(wanted);
    this.drawn = drawn;
    this.select.disabled = !days.length;
    this.before.disabled = !this.#neighbour(1);
    this.after.disabled = !this.#neighbour(-1);
  }

  #fill(wanted) {
    const newest = new Option(t("day_newest", { date: this.newest ? f.day(this.newest) : t("none") }), "");
    this.select.replaceChildren(newest, ...this.#months());
    if (wanted && !this.days.includes(wanted)) {
      newest.after(new Option(t("day_none", { date: f.day(wanted) }), wanted));
    }
    this.select.value = wanted;
  }

  #months() {
    const groups = new Map();
    for (const day of this.days) {
      const month = day.slice(0, 7);
      if (!groups.has(month)) groups.set(month, this.#group(day));
      groups.get(month).append(new Option(`${f.weekday(day)} ${f.day(day)}`, day));
    }
    return groups.values();
  }

  #group(day) {
    const group = make("optgroup");
    group.label = f.month(day);
    return group;
  }

  /** The next day with figures: 1 is back in time, -1 is forward. */
  #neighbour(step) {
    if (!this.day || !this.days.length) return undefined;
    if (step > 0) return this.days.find((day) => day < this.day);
    return this.days.findLast((day) => day > this.day);
  }

  #step(step) {
    const day = this.#neighbour(step);
    if (day) this.onChoose(day === this.newest ? "" : day);
  }
}
