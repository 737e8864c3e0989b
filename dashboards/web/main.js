// Wires the parts: address -> stream or past cut -> state -> view. Nothing else knows more than one of them.

import * as address from "./shell/address.js";
import { Freshness } from "./shell/freshness.js";
import { past } from "./shell/past.js";
import { State } from "./shell/state.js";
import { Stream } from "./shell/stream.js";
import { TimeBar } from "./shell/timebar.js";
import { Top } from "./shell/top.js";
import { correction, viewer } from "./shell/viewer.js";
import * as views from "./shell/views.js";
import * as words from "./shell/words.js";

const root = document.getElementById("view");
const state = new State();
const freshness = new Freshness();
const bar = new Top();
const time = new TimeBar(document.getElementById("time"), { go });
const stream = new Stream({ onSnapshot: replaced, onDelta: changed, onTick: ticked, onLost: lost });

const looking = viewer();
let shown = {};
let view = null;
let turn = 0;

/** Change the address, and show what it then says. `quiet` changes replace the present entry of the history. */
function go(changes, { quiet = false } = {}) {
  address.set(changes, quiet);
  return show();
}

async function show() {
  const mine = ++turn;
  const who = await looking;
  const corrected = correction(who, address.read());
  if (corrected) address.set(corrected, true);
  const wanted = address.read();
  document.documentElement.dataset.theme = wanted.theme;
  const { View, dictionary, style } = await views.load(wanted.view);
  await words.load(wanted.lang, ["shell", dictionary]);
  if (mine !== turn) return;
  const same = view && ["view", "lang", "theme", "ward"].every((name) => wanted[name] === shown[name]);
  const before = shown;
  shown = wanted;
  bar.draw(wanted, who);
  if (!same) await mount(View, style, before, who);
  else view.changed?.(wanted);
  time.topic = () => ({ view: shown.view, day: shown.day, cut: shown.cut, ...view.topic?.(shown) });
  time.draw(shown, state.snapshot);
  await follow(time.topic(), mine);
}

async function mount(View, style, before, who) {
  view?.close?.();
  await views.dress(style);
  root.replaceChildren();
  root.className = `view-${shown.view}`;
  view = new View(root, { go, address: () => shown, state, who });
  if (before.view !== shown.view || before.ward !== shown.ward) state.clear();
  draw(null);
}

/** Show a topic: a past cut is read once, anything else is streamed. */
async function follow(topic, mine) {
  const query = address.query(topic);
  if (query === follow.query && (state.snapshot || !topic.cut)) return;
  follow.query = query;
  state.switching = !(topic.cut && state.snapshot?.past);
  freshness.draw(state);
  if (!topic.cut) {
    stream.open(query);
    return;
  }
  stream.close();
  const body = await past(query);
  if (mine === turn) body.code ? refused(body) : replaced(body);
}

function replaced(body) {
  words.learn(body.words);
  state.replace(body);
  draw(null);
}

function changed(body) {
  draw(state.change(body));
}

function ticked(body) {
  state.heard(body);
  freshness.draw(state);
}

function lost() {
  state.lost = true;
  freshness.draw(state);
}

function refused(problem) {
  state.refuse(problem);
  freshness.draw(state);
}

/** `names`: the members that changed; null when everything may have. */
function draw(names) {
  freshness.draw(state);
  if (!names || names.has("cut")) time.draw(shown, state.snapshot);
  if (state.known) view?.draw(state.snapshot, names);
  document.title = ["Đồng Bộ", view?.title?.()].filter(Boolean).join(" · ");
}

function followLinks(event) {
  const link = event.target.closest?.("a[href]");
  if (!link || !address.leadsHere(link.getAttribute("href")) || event.defaultPrevented || event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
  event.preventDefault();
  address.open(link.getAttribute("href"));
  const moved = link.closest("#view") || link.closest("nav");
  show().then(() => moved && link.closest("#view") && root.focus({ preventScroll: true }));
}

document.addEventListener("click", followLinks);
addEventListener("popstate", show);
// Before anything is painted, so that a dark wall does not flash.
document.documentElement.dataset.theme = address.read().theme;
await show();
// From now on there are words to say it with.
setInterval(() => freshness.draw(state), 1000);
