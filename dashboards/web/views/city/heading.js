// Which day is shown, what it is compared with, and the chooser of days.

import { make, write } from "../../parts/dom.js";
import * as f from "../../parts/format.js";
import { lang, t } from "../../shell/words.js";

export class Heading {
  constructor(root, { go, address }) {
    this.address = address;
    this.title = make("h2");
    this.note = make("p", "note");
    this.select = make("select");
    this.select.ariaLabel = t("day_choose");
    this.select.addEventListener("change", () => go({ day: this.select.value }));
    this.before = this.#step("day_before", "‹", 1, go);
    this.after = this.#step("day_after", "›", -1, go);
    const days = make("div", "days");
    days.append(this.before, this.select, this.after);
    const bar = make("div", "heading");
    bar.append(this.title, this.note, days);
    root.append(bar);
    this.drawn = "";
  }

  draw(snapshot) {
    const { day, today, before, days } = snapshot;
    this.snapshot = snapshot;
    const name = day ? `${f.weekday(day)} ${f.day(day)}` : t("none");
    write(this.title, t(day && day === today && !snapshot.past ? "today" : "that_day", { day: name }));
    write(this.note, compared(before));
    const drawn = JSON.stringify([days, this.address().day, snapshot.newest, lang]);
    if (drawn !== this.drawn) this.#fill(snapshot, this.address().day);
    this.drawn = drawn;
    this.select.disabled = !days.length;
    this.before.disabled = !this.#neighbour(1);
    this.after.disabled = !this.#neighbour(-1);
  }

  #step(label, sign, way, go) {
    const button = make("button", "", sign);
    button.type = "button";
    button.title = button.ariaLabel = t(label);
    button.addEventListener("click", () => {
      const day = this.#neighbour(way);
      if (day) go({ day: day === this.snapshot.newest ? "" : day });
    });
    return button;
  }

  #fill({ days, newest }, wanted) {
    const first = new Option(t("day_newest", { date: newest ? f.day(newest) : t("none") }), "");
    this.select.replaceChildren(first, ...months(days));
    if (wanted && !days.includes(wanted)) first.after(new Option(t("day_none", { date: f.day(wanted) }), wanted));
    this.select.value = wanted;
  }

  /** The next day with figures: 1 is back in time, -1 is forward. */
  #neighbour(step) {
    const { day, days } = this.snapshot ?? {};
    if (!day) return undefined;
    return step > 0 ? days.find((each) => each < day) : days.findLast((each) => each > day);
  }
}

/** With what the figures are compared, or why with nothing. */
function compared(before) {
  if (!before) return "";
  if (before.kind === "cut") return t("compared_cut", { time: f.time(before.at), date: f.date(before.at) });
  if (before.kind === "day") return t("compared_day", { date: f.day(before.at) });
  return t(`compared_${before.reason}`);
}

function months(days) {
  const groups = new Map();
  for (const day of days) {
    const month = day.slice(0, 7);
    if (!groups.has(month)) groups.set(month, Object.assign(make("optgroup"), { label: f.month(day) }));
    groups.get(month).append(new Option(`${f.weekday(day)} ${f.day(day)}`, day));
  }
  return groups.values();
}
