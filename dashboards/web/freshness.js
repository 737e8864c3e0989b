// How far the figures can be trusted: as of when, from how many wards, read how long ago; and in words when
// they are old. A timestamp alone does not say whether anything still moves, so the age counts on by itself.

import { write } from "./dom.js";
import * as f from "./format.js";
import { lang, sentence, t } from "./words.js";

const OLD_S = 5;

/** loading, live, empty or stale, with the reason. */
export function condition(state) {
  const { snapshot, lost, switching, age } = state;
  if (lost) return { name: "stale", why: t("stale_stream") };
  if (!snapshot || switching) return { name: "loading" };
  if (snapshot.error) return { name: "stale", why: snapshot.error[lang] };
  if (age == null || age > OLD_S) return { name: "stale", why: t("stale_old") };
  return { name: snapshot.day ? "live" : "empty" };
}

export class Freshness {
  constructor({ asOf, live, notice }) {
    Object.assign(this, { asOf, live, notice });
  }

  draw(state) {
    const { name, why } = condition(state);
    document.body.dataset.state = name;
    this.#drawAsOf(state.snapshot);
    write(this.live.querySelector(".word"), this.#liveWord(name, state));
    const text = this.#noticeText(name, why, state.snapshot);
    write(this.notice, text);
    this.notice.hidden = !text;
    this.notice.dataset.kind = name === "stale" ? "warning" : "information";
  }

  #drawAsOf(snapshot) {
    this.asOf.hidden = !snapshot?.as_of;
    if (!snapshot?.as_of) return;
    const parts = {
      time: f.time(snapshot.as_of),
      date: f.date(snapshot.as_of),
      covered: f.number(snapshot.covered),
      total: f.number(snapshot.wards_total),
    };
    sentence(this.asOf, "as_of", parts);
  }

  #liveWord(name, { age }) {
    if (name === "loading") return t("loading_short");
    if (age == null) return t("stale_word_never");
    return t(name === "stale" ? "stale_word" : "live", { age: f.number(Math.round(age)) });
  }

  #noticeText(name, why, snapshot) {
    if (name === "stale") {
      const since = snapshot?.read_at ? t("stale_since", { time: f.time(snapshot.read_at) }) : "";
      return `${why}. ${since}`.trim();
    }
    if (name === "empty") return t("empty");
    const known = !snapshot?.day || snapshot.days.includes(snapshot.day);
    const withData = known || [...snapshot.rows.values()].some((row) => row.figures.received + row.figures.resolved);
    return withData ? "" : t("day_without_data", { date: f.day(snapshot.day) });
  }
}
