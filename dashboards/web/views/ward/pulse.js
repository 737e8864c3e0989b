// Twenty-four hours in quarters: heard or not, in heights and shapes as well as colours, and in words below.

import { draw, make, panel } from "../../parts/dom.js";
import { downloads } from "../../parts/download.js";
import * as f from "../../parts/format.js";
import { blank } from "../../parts/states.js";
import { lang, t } from "../../shell/words.js";

const QUARTER_MS = 900_000;
const QUARTERS = 96;
const WIDTH = 10;
const HEIGHT = 40;
// From the top, in shares of the height: the worse, the less of a bar; silence is a mark of its own.
const FILLED = { active: 1, quiet: 0.75, closed: 0.25, behind: 0.5, silent: 1, never: 0.12 };
const STATUS = { active: "good", quiet: "good", closed: "waiting", behind: "attention", silent: "bad", never: "unknown" };

export class Pulse {
  constructor(root, more) {
    const { section, head, body } = panel(t("ward_pulse"), "pulse");
    head.append(downloads("ward-pulse", more));
    section.dataset.table = "ward-pulse";
    this.body = body;
    body.append(blank("loading"));
    root.append(section);
  }

  draw({ parts, table_words: words, cut }) {
    const part = parts["ward-pulse"];
    const drawn = JSON.stringify([part, lang]);
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    if (!part?.rows?.length) {
      this.body.replaceChildren(blank(part === null ? "absent" : part?.loading ? "loading" : "empty"));
      return;
    }
    this.#drawStrip(part.rows, words.alive, cut);
  }

  #drawStrip(rows, words) {
    const known = new Map(rows.map((row) => [Date.parse(row.bucket_at), row]));
    const last = Math.max(...known.keys());
    const first = last - (QUARTERS - 1) * QUARTER_MS;
    const strip = draw("svg", { viewBox: `0 0 ${QUARTERS * WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", class: "strip", role: "img" });
    for (let place = 0; place < QUARTERS; place++) strip.append(...cell(known.get(first + place * QUARTER_MS), place, words));
    const legend = counts(rows, QUARTERS, words);
    strip.setAttribute("aria-label", `${t("ward_pulse")}: ${legend.map(({ text }) => text).join("; ")}`);
    this.body.replaceChildren(strip, hours(first), list(legend));
  }
}

function cell(row, place, words) {
  if (!row) return [];
  const height = FILLED[row.alive] * HEIGHT;
  const x = place * WIDTH;
  const points = row.alive === "silent" ? `${x},${HEIGHT} ${x + WIDTH / 2},0 ${x + WIDTH},${HEIGHT}` : `${x + 0.8},${HEIGHT} ${x + 0.8},${HEIGHT - height} ${x + WIDTH - 0.8},${HEIGHT - height} ${x + WIDTH - 0.8},${HEIGHT}`;
  const mark = draw("polygon", { points, "data-status": STATUS[row.alive] ?? "unknown" });
  const title = draw("title");
  title.textContent = `${f.time(row.bucket_at).slice(0, 5)} · ${words[row.alive]?.[lang] ?? row.alive} · ${t("beats", { n: f.number(row.heartbeats) })}`;
  mark.append(title);
  return [mark];
}

/** How long which, the longest first; what has no cut is said as well. */
function counts(rows, all, words) {
  const groups = [...Map.groupBy(rows, (row) => row.alive)].map(([alive, each]) => ({ alive, n: each.length }));
  const made = groups.map(({ alive, n }) => ({ status: STATUS[alive], text: `${words[alive]?.[lang] ?? alive}: ${f.span(n * 900)}` }));
  const gap = all - rows.length;
  return gap > 0 ? [...made, { status: "unknown", text: t("no_cuts", { span: f.span(gap * 900) }) }] : made;
}

function list(legend) {
  const root = make("ul", "legend");
  for (const { status, text } of legend) {
    const item = make("li", "", "");
    const shape = make("i", "shape");
    shape.ariaHidden = "true";
    item.dataset.status = status;
    item.append(shape, text);
    root.append(item);
  }
  return root;
}

function hours(first) {
  const root = make("p", "hours");
  root.ariaHidden = "true";
  for (let place = 0; place <= QUARTERS; place += 24) {
    root.append(make("span", "", f.time(new Date(first + place * QUARTER_MS)).slice(0, 5)));
  }
  return root;
}
