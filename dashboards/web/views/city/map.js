// The 126 wards as a map: coloured by status or by a figure, with a legend; hover and focus tell a ward, Enter
// opens it, arrow keys go to the neighbour in that direction, + and - zoom.

import { chip } from "../../parts/chip.js";
import { draw as svg, make, panel, write } from "../../parts/dom.js";
import * as f from "../../parts/format.js";
import { viewLink } from "../../shell/address.js";
import { t } from "../../shell/words.js";
import { Camera } from "./camera.js";
import { MEASURES, bounds, step } from "./measures.js";
import { STATUSES, statusWord } from "./ranking.js";

// Shapes of the statuses, one unit wide: the same as beside the words.
const MARKS = {
  bad: "M0-6 6.5 5.5h-13z",
  attention: "M0-6.5 6.5 0 0 6.5-6.5 0z",
  waiting: "M0-4.5a4.5 4.5 0 1 0 .01 0zm0 2.2a2.3 2.3 0 1 1-.01 0z",
};
const STEPS_OF_KEYS = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };

let file;
const shapes = () => (file ??= fetch("/web/map.json").then((answer) => answer.json()));

export class CityMap {
  constructor(root, { go, address }) {
    const { section, head, body } = panel(t("map"), "map figures");
    this.go = go;
    this.address = address;
    this.select = make("select");
    this.select.ariaLabel = t("map_by");
    this.select.append(...Object.keys(MEASURES).map((key) => new Option(t(`by_${key}`), key)));
    this.select.addEventListener("change", () => go({ by: this.select.value === "status" ? "" : this.select.value }, { quiet: true }));
    head.append(this.select, this.#zooms());
    this.stage = make("div", "stage");
    this.legend = make("div", "legend");
    this.tip = make("div", "tip");
    this.tip.hidden = true;
    this.tip.ariaHidden = "true";
    this.stage.append(this.tip);
    body.append(this.stage, this.legend);
    root.append(section);
    this.ready = shapes().then((found) => this.#build(found));
  }

  async draw({ rows }) {
    this.rows = rows;
    await this.ready;
    this.#paint();
  }

  changed() {
    this.ready.then(() => {
      if (this.rows) this.#paint();
      this.camera.show(this.address().get("zoom") === "centre" ? "centre" : "all");
    });
  }

  close() {
    this.camera?.close();
  }

  #zooms() {
    const box = make("span", "zooms");
    const button = (label, text, press) => {
      const el = make("button", "", text);
      el.type = "button";
      el.title = el.ariaLabel = t(label);
      el.addEventListener("click", press);
      box.append(el);
      return el;
    };
    this.all = button("zoom_all", t("zoom_all_short"), () => this.#zoom(""));
    this.centre = button("zoom_centre", t("zoom_centre_short"), () => this.#zoom("centre"));
    button("zoom_in", "+", () => this.camera?.scale(1 / 1.5));
    button("zoom_out", "−", () => this.camera?.scale(1.5));
    return box;
  }

  #zoom(name) {
    if (this.address().get("zoom") === name) this.camera?.show(name || "all");
    else this.go({ zoom: name }, { quiet: true });
  }

  #build({ size, centre, wards }) {
    this.svg = svg("svg", { class: "wards", role: "group", "aria-label": t("map_label") });
    const [areas, names, marks] = ["areas", "names", "marks"].map((name) => svg("g", { class: name }));
    names.setAttribute("aria-hidden", "true");
    marks.setAttribute("aria-hidden", "true");
    this.wards = new Map(Object.entries(wards).map(([code, ward]) => [code, this.#ward(code, ward, areas, names, marks)]));
    this.svg.append(areas, names, marks);
    this.stage.prepend(this.svg);
    this.camera = new Camera(this.svg, { all: [0, 0, ...size], centre });
    this.camera.show(this.address().get("zoom") === "centre" ? "centre" : "all", false);
    this.svg.addEventListener("keydown", (event) => this.#key(event));
    this.svg.addEventListener("pointerover", (event) => this.#tell(event.target.closest("a")));
    this.svg.addEventListener("pointerleave", () => this.#tell(null));
    this.svg.addEventListener("focusin", (event) => this.#focused(event.target.closest("a")));
    this.svg.addEventListener("focusout", () => this.#tell(null));
    this.#rove([...this.wards.keys()][0]);
  }

  #ward(code, { d, at }, areas, names, marks) {
    const area = svg("a", { "data-ward": code, tabindex: -1 });
    area.append(svg("path", { d }));
    areas.append(area);
    const name = svg("text", { x: at[0], y: at[1] });
    const mark = svg("path", { class: "mark" });
    mark.style.setProperty("--x", `${at[0]}px`);
    mark.style.setProperty("--y", `${at[1]}px`);
    names.append(name);
    marks.append(mark);
    return { area, name, mark, at };
  }

  #paint() {
    const by = this.address().get("by") in MEASURES ? this.address().get("by") : "status";
    const measure = MEASURES[by];
    this.select.value = by;
    const limits = measure ? bounds([...this.rows.values()].map(measure.value)) : [];
    for (const [code, row] of this.rows) this.#paintWard(this.wards.get(code), row, measure, limits);
    this.#drawLegend(measure, limits);
    const centre = this.address().get("zoom") === "centre";
    this.all.ariaPressed = String(!centre);
    this.centre.ariaPressed = String(centre);
  }

  #paintWard({ area, name, mark }, row, measure, limits) {
    const { status } = row.standing;
    const value = measure?.value(row);
    area.dataset.status = status;
    area.dataset.step = measure ? (value == null ? "none" : step(value, limits)) : "status";
    area.setAttribute("href", viewLink("ward", { ward: row.ward }));
    const said = measure ? `${this.select.selectedOptions[0].text} ${value == null ? t("none") : measure.text(value)}` : statusWord(row);
    area.setAttribute("aria-label", `${t(`kind_${row.kind}`)} ${row.name}: ${said}`);
    write(name, row.name);
    mark.setAttribute("d", measure ? "" : (MARKS[status] ?? ""));
    mark.dataset.status = status;
  }

  #drawLegend(measure, limits) {
    const counts = Map.groupBy(this.rows.values(), (row) => row.standing.status);
    const items = measure
      ? ramp(measure, limits, [...this.rows.values()].map(measure.value))
      : STATUSES.filter((status) => counts.has(status)).map((status) => chip(status, `${t(`status_${status}`)} · ${f.number(counts.get(status).length)}`));
    this.legend.replaceChildren(...items);
  }

  #key(event) {
    const code = event.target.closest("a")?.dataset.ward;
    const way = STEPS_OF_KEYS[event.key];
    if (event.key === "+" || event.key === "-") this.camera.scale(event.key === "+" ? 1 / 1.5 : 1.5, this.wards.get(code)?.at);
    if (event.key === "Escape") this.#tell(null);
    if (!way || !code) return;
    event.preventDefault();
    const next = neighbour(this.wards, code, way);
    if (next) this.wards.get(next).area.focus({ preventScroll: true });
  }

  #focused(area) {
    this.#rove(area.dataset.ward);
    this.camera.include(this.wards.get(area.dataset.ward).at);
    if (area.matches(":focus-visible")) this.#tell(area);
  }

  /** One ward of the map is a stop of the Tab key; arrows move it. */
  #rove(code) {
    this.wards.get(this.stop)?.area.setAttribute("tabindex", -1);
    this.stop = code;
    this.wards.get(code).area.setAttribute("tabindex", 0);
  }

  #tell(area) {
    this.tip.hidden = !area || !this.rows;
    if (this.tip.hidden) return;
    const row = this.rows.get(area.dataset.ward);
    const facts = ["received", "resolved", "on_time_share", "overdue", "backlog"].map((key) => fact(key, row));
    const list = make("dl");
    list.append(...facts.flat());
    this.tip.replaceChildren(make("strong", "", `${t(`kind_${row.kind}`)} ${row.name}`), chip(row.standing.status, statusWord(row)), list);
    this.#place(area.getBoundingClientRect(), this.stage.getBoundingClientRect());
  }

  #place(area, stage) {
    const right = area.left + area.width / 2 < stage.left + stage.width / 2;
    const x = right ? area.right - stage.left + 8 : area.left - stage.left - this.tip.offsetWidth - 8;
    const y = area.top - stage.top + area.height / 2 - this.tip.offsetHeight / 2;
    const within = (value, most) => Math.max(4, Math.min(value, most - 4));
    this.tip.style.left = `${within(x, stage.width - this.tip.offsetWidth)}px`;
    this.tip.style.top = `${within(y, stage.height - this.tip.offsetHeight)}px`;
  }
}

function fact(key, row) {
  return [make("dt", "", t(key)), make("dd", "", key.endsWith("share") ? f.share(row[key]) : f.number(row[key]))];
}

/** The ward that lies nearest in a direction, a little preferring straight ahead. */
function neighbour(wards, code, [dx, dy]) {
  const [x, y] = wards.get(code).at;
  let [best, least] = [null, Infinity];
  for (const [other, { at }] of wards) {
    const [along, aside] = [(at[0] - x) * dx + (at[1] - y) * dy, Math.abs((at[0] - x) * dy) + Math.abs((at[1] - y) * dx)];
    const cost = along + 2.5 * aside;
    if (other !== code && along > aside * 0.5 && cost < least) [best, least] = [other, cost];
  }
  return best;
}

/** The steps of the ramp with their ranges, and what has no figure. */
function ramp(measure, limits, values) {
  const known = values.filter((value) => value != null);
  const items = limits.map((limit, i) => {
    const low = i ? limits[i - 1] : Math.min(...known);
    const text = low === limit ? measure.text(limit) : `${i ? "> " : ""}${measure.text(low)} – ${measure.text(limit)}`;
    return swatch(step(limit, limits), text);
  });
  return known.length < values.length ? [...items, swatch("none", t("no_figure"))] : items;
}

function swatch(at, text) {
  const el = make("span", "swatch");
  const box = make("i");
  box.dataset.step = at;
  el.append(box, text);
  return el;
}
