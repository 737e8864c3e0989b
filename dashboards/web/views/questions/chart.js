// The answer as a picture: lines, upright bars over time, lying bars for names, which can then be read. Each series
// has a colour and, as a line, a dash of its own. The figures stand in the table below.

import { colour, uplot } from "../../parts/chart.js";
import { later, make, write } from "../../parts/dom.js";
import * as f from "../../parts/format.js";
import { lang, t } from "../../shell/words.js";
import { bars, lines } from "./plot.js";
import { shape } from "./shape.js";
import { say } from "./table.js";

// On paper the ground is white, and the sheet so wide.
const PRINT_PX = 660;

export class AnswerChart {
  constructor(root, question, words) {
    Object.assign(this, { root, question, words });
    this.caption = make("figcaption");
    this.legend = make("ul", "q-legend");
    this.canvas = make("div", "q-chart");
    this.canvas.role = "img";
    this.canvas.ariaLabel = t("chart_of", { question: question[lang] });
    this.note = make("p", "note");
    root.append(this.caption, this.legend, this.canvas, this.note);
    root.hidden = true;
    this.dark = matchMedia("(prefers-color-scheme: dark)");
    this.again = () => this.#plot();
    this.print = () => this.#onPaper(true);
    this.printed = () => this.#onPaper(false);
    this.dark.addEventListener("change", this.again);
    addEventListener("beforeprint", this.print);
    addEventListener("afterprint", this.printed);
    this.watch = new ResizeObserver(later(100, () => this.canvas.clientWidth !== this.width && this.#plot()));
    this.watch.observe(this.canvas);
  }

  /** Draw an answer; without a chart, or with nothing to compare, there is none. */
  async draw(answer) {
    const { chart, unit } = this.question;
    this.shape = chart && shape(chart, answer, (column, value) => say(column, value, this.words));
    this.root.hidden = !this.shape;
    if (!this.shape) return this.clear();
    for (const each of this.shape.series) each.label ??= each.column[lang];
    write(this.caption, unit ? t("chart_unit", { unit: unit[lang] }) : "");
    this.#drawLegend();
    this.#drawNote();
    this.Plot = await uplot();
    return this.#plot();
  }

  clear() {
    this.shape = null;
    this.root.hidden = true;
    this.plot?.destroy();
    this.plot = null;
  }

  close() {
    this.watch.disconnect();
    this.dark.removeEventListener("change", this.again);
    removeEventListener("beforeprint", this.print);
    removeEventListener("afterprint", this.printed);
    this.clear();
  }

  #drawLegend() {
    const { kind, series } = this.shape;
    const items = series.map(({ label }, i) => {
      const el = make("li", "", label);
      const key = make("i", `key key-${kind} key-${i + 1}`);
      key.ariaHidden = "true";
      el.prepend(key);
      return el;
    });
    this.legend.replaceChildren(...items);
  }

  #drawNote() {
    const { points, series } = this.shape.left;
    const parts = [points && t("chart_points", { n: f.number(this.shape.points.length), all: f.number(this.shape.points.length + points) })];
    parts.push(series && t("chart_series", { n: f.number(this.shape.series.length), all: f.number(this.shape.series.length + series) }));
    write(this.note, parts.filter(Boolean).join(" "));
    this.note.hidden = !this.note.textContent;
  }

  #plot(width = this.canvas.clientWidth) {
    if (!this.shape || !this.Plot || !width) return;
    this.plot?.destroy();
    this.width = width;
    const look = {
      width,
      ink: (name) => colour(this.canvas, name),
      font: `${Math.round(parseFloat(getComputedStyle(this.root).fontSize) * 0.85)}px ${getComputedStyle(this.root).fontFamily}`,
      say: this.shape.unit === "share" ? f.share : f.number,
    };
    const made = (this.shape.kind === "bar" ? bars : lines)(this.Plot, this.shape, look);
    this.plot = new this.Plot(made.options, made.data, this.canvas);
  }

  #onPaper(on) {
    const { dataset } = document.documentElement;
    if (on) {
      this.theme = dataset.theme;
      dataset.theme = "light";
    } else {
      dataset.theme = this.theme ?? "";
    }
    this.#plot(on ? Math.min(PRINT_PX, this.canvas.clientWidth) : undefined);
  }
}
