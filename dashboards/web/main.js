// Wires the parts: address -> stream -> state -> views. Nothing else knows more than one of them.

import { Chips } from "./chips.js";
import { Days } from "./days.js";
import { later, write } from "./dom.js";
import { number } from "./format.js";
import { Freshness } from "./freshness.js";
import { State } from "./state.js";
import { Stream } from "./stream.js";
import { Table } from "./table.js";
import { Tiles } from "./tiles.js";
import * as url from "./url.js";
import * as words from "./words.js";

const at = (id) => document.getElementById(id);
const state = new State();
const tiles = new Tiles(at("tiles"));
const freshness = new Freshness({ asOf: at("as-of"), live: at("live"), notice: at("notice") });
const table = new Table({ head: at("head"), body: at("rows"), onSort: sorted });
const chips = new Chips({ root: at("chips"), onChoose: drawFilter });
const days = new Days({ select: at("day"), before: at("day-before"), after: at("day-after"), onChoose: chooseDay });
const stream = new Stream({ onSnapshot: replaced, onDelta: changed, onLost: lost });

const rows = () => state.snapshot?.rows.values() ?? [];

function replaced(body) {
  const flash = state.snapshot?.day === body.day;
  words.learn(body.words);
  state.replace(body);
  drawAll(flash);
}

function changed(body) {
  const moved = state.change(body);
  table.draw(moved, true);
  if (moved.length) {
    table.arrange(rows());
    drawFilter();
  }
  drawCity(true);
}

function lost() {
  state.lost = true;
  freshness.draw(state);
}

function drawAll(flash) {
  table.titles();
  table.draw(rows(), flash);
  table.order(rows());
  drawFilter();
  drawCity(flash);
}

function drawCity(flash) {
  tiles.draw(state.snapshot, flash);
  days.draw(state.snapshot, url.day());
  freshness.draw(state);
}

function drawFilter() {
  if (!state.snapshot) return;
  chips.draw(rows());
  const count = table.filter(rows(), at("filter").value, chips.chosen);
  write(at("count"), words.t("count", { n: number(count) }));
  write(at("blank"), words.t("no_match"));
  at("blank").hidden = count > 0;
}

function sorted() {
  const { key, descending } = table.sort;
  url.set({ sort: descending ? `-${key}` : key });
  if (state.snapshot) table.order(rows());
}

function chooseDay(day) {
  url.set({ day });
  drawLanguageLink();
  state.switching = true;
  freshness.draw(state);
  stream.open(day);
}

function drawLanguageLink() {
  const other = words.lang === "vi" ? "en" : "vi";
  const link = at("lang");
  link.textContent = other === "en" ? "English" : "Tiếng Việt";
  link.lang = link.hreflang = other;
  link.href = url.withChanges({ lang: other === "en" ? "en" : "" });
}

async function speak(lang) {
  await words.load(lang);
  words.label(document);
  drawLanguageLink();
  if (state.snapshot) drawAll(false);
  else freshness.draw(state);
}

function followLanguageLink(event) {
  if (event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  const lang = at("lang").hreflang;
  url.set({ lang: lang === "en" ? "en" : "" });
  speak(lang);
}

const wantedSort = url.get("sort");
if (wantedSort) table.sort = { key: wantedSort.replace("-", ""), descending: wantedSort.startsWith("-") };
at("lang").addEventListener("click", followLanguageLink);
at("filter").addEventListener("input", later(80, drawFilter));
await speak(url.get("lang"));
setInterval(() => freshness.draw(state), 1000);
stream.open(url.day());
