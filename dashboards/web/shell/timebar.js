// Time travel: a slider over the cuts of a day, for every view. Any past cut can be looked at, and a day be
// replayed in a minute. The address keeps the cut.

import { make, write } from "../parts/dom.js";
import * as f from "../parts/format.js";
import { past } from "./past.js";
import { FRAMES, FRAME_MS, REPLAY_MS, stride } from "./replay.js";
import * as address from "./address.js";
import { lang, t } from "./words.js";

// A cut is a step of ten seconds since the beginning of 2025 in Hanoi.
const BEGINNING_MS = Date.UTC(2024, 11, 31, 17);
const STEP_MS = 10_000;
const DAY_STEPS = 8640;
// Today's cuts grow: the list is asked for again after so long.
const OLD_MS = 30_000;

const instant = (cut) => new Date(BEGINNING_MS + cut * STEP_MS);
const dayOf = (cut) => new Date(BEGINNING_MS + cut * STEP_MS + 7 * 3_600_000).toISOString().slice(0, 10);
const firstOf = (day) => Math.round((Date.parse(`${day}T00:00:00+07:00`) - BEGINNING_MS) / STEP_MS);

export class TimeBar {
  constructor(root, { go }) {
    Object.assign(this, { root, go });
    this.loadedMs = 0;
    this.days = [];
    this.runs = [];
  }

  /** Draw for an address and the snapshot shown. */
  draw(now, snapshot) {
    this.now = now;
    this.latest = snapshot?.past ? this.latest : (snapshot?.cut?.number ?? this.latest);
    if (this.lang !== lang) this.#build();
    const day = now.cut ? dayOf(Number(now.cut)) : (this.day ?? (this.latest ? dayOf(this.latest) : ""));
    if (day && (day !== this.day || Date.now() - this.loadedMs > OLD_MS)) this.#load(day);
    this.#show();
  }

  #build() {
    this.lang = lang;
    this.root.ariaLabel = t("time");
    this.select = make("select");
    this.select.ariaLabel = t("time_day");
    this.select.addEventListener("change", () => this.#chooseDay(this.select.value));
    this.play = this.#button("play", () => (this.playing ? this.stop() : this.#replay()));
    this.back = this.#button("back", () => this.#step(-1));
    this.on = this.#button("on", () => this.#step(1));
    this.live = this.#button("to_live", () => this.#live());
    this.slider = make("input");
    this.slider.type = "range";
    this.slider.step = 1;
    this.slider.ariaLabel = t("time_slider");
    this.slider.addEventListener("input", () => this.#dragged());
    this.slider.addEventListener("change", () => this.#chosen());
    this.gaps = make("div", "gaps");
    const track = make("div", "track");
    track.append(this.gaps, this.slider);
    this.output = make("output", "moment");
    this.root.replaceChildren(make("span", "time-title", t("time_short")), this.select, this.play, this.back, track, this.on, this.output, this.live);
    this.drawnDays = "";
  }

  #button(name, press) {
    const button = make("button", `time-${name}`);
    button.type = "button";
    button.append(make("i", `icon icon-${name}`), make("span", name === "back" || name === "on" ? "hidden" : "", t(`time_${name}`)));
    button.title = t(`time_${name}`);
    button.addEventListener("click", press);
    return button;
  }

  async #load(day) {
    this.day = day;
    this.loadedMs = Date.now();
    try {
      const answer = await fetch(`/api/cuts?day=${day}`);
      if (!answer.ok || day !== this.day) return;
      Object.assign(this, await answer.json());
      this.#show();
    } catch {
      // The page says elsewhere that the server is away; the list is asked for again.
    }
  }

  #show() {
    const first = this.day ? firstOf(this.day) : 0;
    const last = this.runs.at(-1)?.[1] ?? first;
    const cut = Number(this.now.cut) || last;
    this.root.hidden = !this.days.length;
    this.slider.min = first;
    this.slider.max = first + DAY_STEPS - 1;
    if (!this.dragging) this.slider.value = cut;
    this.slider.disabled = !this.runs.length;
    this.#tell(Number(this.slider.value));
    this.live.hidden = !this.now.cut;
    this.play.disabled = this.runs.length === 0;
    this.back.disabled = !this.#near(cut, -1);
    this.on.disabled = !this.now.cut || !this.#near(cut, 1);
    this.#drawDays();
    this.#drawRuns(first);
  }

  #tell(cut) {
    const live = !this.now.cut && !this.dragging;
    const text = this.runs.length ? f.time(instant(this.#nearest(cut))) : t("time_no_cuts");
    write(this.output, live && this.runs.length ? t("time_now", { time: text }) : text);
    this.slider.ariaValueText = `${text}, ${this.day ? f.day(this.day) : ""}`;
  }

  #drawDays() {
    const days = this.day && !this.days.includes(this.day) ? [...this.days, this.day] : this.days;
    const drawn = JSON.stringify([days, this.day]);
    if (drawn === this.drawnDays) return;
    this.drawnDays = drawn;
    this.select.replaceChildren(...[...days].reverse().map((day) => new Option(`${f.weekday(day)} ${f.day(day)}`, day)));
    this.select.value = this.day;
  }

  /** Where the day has cuts: the rest of the track is empty. */
  #drawRuns(first) {
    const parts = this.runs.map(([from, to]) => {
      const part = make("i");
      part.style.left = `${((from - first) / DAY_STEPS) * 100}%`;
      part.style.width = `${Math.max(0.15, ((to - from + 1) / DAY_STEPS) * 100)}%`;
      return part;
    });
    this.gaps.replaceChildren(...parts);
  }

  async #chooseDay(day) {
    this.stop();
    await this.#load(day);
    const last = this.runs.at(-1)?.[1];
    if (last) this.go({ cut: String(last) });
  }

  #dragged() {
    this.dragging = true;
    this.#tell(Number(this.slider.value));
  }

  #chosen() {
    this.dragging = false;
    this.stop();
    this.go({ cut: String(this.#aimed(Number(this.slider.value))) });
  }

  /** The cut that the slider means. One step of a key into a gap means the gap's other side, not back again. */
  #aimed(wanted) {
    const [cut, found] = [Number(this.now.cut), this.#nearest(wanted)];
    return found === cut && wanted > cut ? (this.#following(cut) ?? cut) : found;
  }

  /** The first cut of the next run. */
  #following(cut) {
    return this.runs.find(([from]) => from > cut)?.[0];
  }

  #step(way) {
    this.stop();
    const cut = this.#near(Number(this.now.cut) || this.runs.at(-1)?.[1], way);
    if (cut) this.go({ cut: String(cut) }, { quiet: true });
  }

  #live() {
    this.stop();
    this.day = this.latest ? dayOf(this.latest) : undefined;
    this.loadedMs = 0;
    this.go({ cut: "" });
  }

  /** The newest cut not after one; the first if there is none. */
  #nearest(cut) {
    for (const [from, to] of [...this.runs].reverse()) if (from <= cut) return Math.min(cut, to);
    return this.runs[0]?.[0] ?? cut;
  }

  /** The cut a minute before or after; the day's end on that side if that is nearer. */
  #near(cut, way) {
    if (!this.runs.length || !cut) return null;
    const wanted = this.#nearest(cut + way * 6);
    if (wanted !== cut && Math.sign(wanted - cut) === way) return wanted;
    return this.runs.flat().find((each) => way > 0 && each > cut) ?? null;
  }

  /** The day from its first cut, or from the one shown, to its last, in a minute. */
  async #replay() {
    const [begin, end] = [this.runs[0][0], this.runs.at(-1)[1]];
    const from = this.now.cut && Number(this.now.cut) < end ? Number(this.now.cut) : begin;
    const wanted = Array.from({ length: FRAMES }, (_, i) => this.#nearest(Math.round(from + ((end - from) * i) / (FRAMES - 1))));
    const frames = [...new Set(wanted)];
    const [mine, started] = [(this.playing = {}), performance.now()];
    this.#playing(true);
    for (let i = 0, next = 0; i < frames.length; i = next) {
      const begun = performance.now();
      await this.go({ cut: String(frames[i]) }, { quiet: true });
      if (this.playing !== mine) return;
      const [now, left] = [performance.now(), frames.length - 1 - i];
      next = i + (left ? stride(left, now - begun, REPLAY_MS - (now - started)) : 1);
      if (frames[next]) past(address.query({ ...this.topic?.(), cut: String(frames[next]) }));
      await new Promise((done) => setTimeout(done, Math.max(0, FRAME_MS - (now - begun))));
      if (this.playing !== mine) return;
    }
    this.stop();
  }

  stop() {
    this.playing = null;
    this.#playing(false);
  }

  #playing(on) {
    this.play.dataset.on = String(on);
    write(this.play.lastChild, t(on ? "time_pause" : "time_play"));
    this.play.title = this.play.lastChild.textContent;
  }
}
