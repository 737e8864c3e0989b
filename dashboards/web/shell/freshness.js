// How far the figures can be trusted: as of when, from how many wards, read how long ago; and in words when
// they are old. A timestamp alone does not say whether anything still moves, so the age counts on by itself.

import { make, write } from "../parts/dom.js";
import * as f from "../parts/format.js";
import { lang, sentence, t } from "./words.js";

const OLD_S = 5;
const at = (id) => document.getElementById(id);

/** loading, live, past, empty or stale, with the reason. */
export function condition(state) {
  const { snapshot, lost, switching, refused, age } = state;
  if (refused) return { name: "stale", why: refused[lang] };
  if (lost) return { name: "stale", why: t("stale_stream") };
  if (!snapshot || switching) return { name: "loading" };
  if (snapshot.past) return { name: "past" };
  if (snapshot.error) return { name: "stale", why: snapshot.error[lang] };
  if (age == null || age > OLD_S) return { name: "stale", why: t("stale_old") };
  return { name: snapshot.day === null ? "empty" : "live" };
}

export class Freshness {
  draw(state) {
    const { name, why } = condition(state);
    document.body.dataset.state = name;
    this.#drawCut(state.snapshot);
    write(at("live").querySelector(".word"), liveWord(name, state));
    // It is never hidden, only emptied: screen readers announce a change in a region that was there before.
    write(at("notice"), noticeText(name, why, state));
    at("notice").dataset.kind = name === "stale" ? "warning" : name;
  }

  #drawCut(snapshot) {
    const button = at("as-of");
    button.hidden = !snapshot;
    if (!snapshot) return;
    const drawn = JSON.stringify([snapshot.cut, lang]);
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    button.disabled = !snapshot.cut;
    if (!snapshot.cut) button.textContent = t("no_cut");
    else sentence(button, snapshot.cut.complete_at ? "as_of" : "as_of_none", asOf(snapshot.cut));
    drawLeftOut(snapshot.cut);
  }
}

function asOf(cut) {
  return {
    time: f.time(cut.complete_at ?? cut.at),
    date: f.date(cut.complete_at ?? cut.at),
    covered: f.number(cut.covered),
    total: f.number(cut.wards_total),
  };
}

/** Which wards the cut leaves out, and why, by reason. */
function drawLeftOut(cut) {
  const box = at("left-out");
  if (!cut) return;
  const title = make("h2", "", t(cut.left_out.length ? "left_out" : "left_out_none"));
  const number = make("p", "note", t("cut_number", { n: cut.number, time: f.time(cut.at) }));
  const groups = Map.groupBy(cut.left_out, (each) => each.reason);
  box.replaceChildren(title, ...[...groups].map(([reason, each]) => group(reason, each)), number);
}

function group(reason, wards) {
  const part = make("section");
  const names = wards.map(({ ward, name }) => name ?? ward).sort(f.collator().compare);
  part.append(make("h3", "", `${t(`reason_${reason}`)} · ${f.number(wards.length)}`), make("p", "", names.join(", ")));
  return part;
}

function liveWord(name, { age }) {
  if (name === "loading") return t("loading_short");
  if (name === "past") return t("past_word");
  if (age == null) return t("stale_word_never");
  return t(name === "stale" ? "stale_word" : "live", { age: f.number(Math.round(age)) });
}

function noticeText(name, why, { snapshot, readAt }) {
  if (name === "past") return t("past", { time: f.time(snapshot.cut.at), date: f.date(snapshot.cut.at) });
  if (name === "empty") return t("empty");
  if (name !== "stale") return "";
  const since = readAt == null ? "" : t("stale_since", { time: f.time(readAt) });
  return `${why}. ${since}`.trim();
}
