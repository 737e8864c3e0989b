// Series over time, drawn by uPlot (vendored), which is fetched when the first chart is wanted.
// A chart is a picture with a name: what it shows also stands as figures beside it.

import { make } from "./dom.js";

let library;

export function uplot() {
  library ??= new Promise((done, failed) => {
    const script = make("script");
    script.src = "/web/vendor/uplot/uPlot.iife.min.js";
    script.addEventListener("load", () => done(globalThis.uPlot));
    script.addEventListener("error", failed);
    document.head.append(script);
  });
  return library;
}

/** A colour of the page by its name, as the canvas wants it. */
export function colour(root, name) {
  const probe = make("i");
  probe.style.color = `var(--${name})`;
  root.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

/** A small line without axes. draw(values): numbers, null is a gap; the last one is marked. */
export class Sparkline {
  constructor(root, label, ink = "accent") {
    this.root = root;
    this.ink = ink;
    root.role = "img";
    root.ariaLabel = label;
    root.classList.add("sparkline");
  }

  async draw(values) {
    const drawn = JSON.stringify(values);
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    const data = [values.map((_, i) => i), values];
    const Plot = await uplot();
    if (this.plot) this.plot.setData(data);
    else this.plot = new Plot(this.#options(), data, this.root);
  }

  close() {
    this.watch?.disconnect();
    this.plot?.destroy();
  }

  #options() {
    const { width, height } = this.#size();
    this.watch = new ResizeObserver(() => this.plot?.setSize(this.#size()));
    this.watch.observe(this.root);
    const stroke = colour(this.root, this.ink);
    const last = (u) => [u.data[1].findLastIndex((value) => value != null)];
    return {
      width,
      height,
      legend: { show: false },
      cursor: { show: false },
      axes: [{ show: false }, { show: false }],
      padding: [3, 4, 3, 4],
      scales: { x: { time: false }, y: { range: (_, low, high) => range(low, high) } },
      // A line over days without figures: it joins what is known, and claims nothing between.
      series: [{}, { stroke, width: 1.5, spanGaps: true, fill: faint(stroke), points: { show: true, size: 5, fill: stroke, filter: last } }],
    };
  }

  #size() {
    return { width: Math.max(20, this.root.clientWidth), height: Math.max(16, this.root.clientHeight) };
  }
}

const faint = (stroke) => `color-mix(in srgb, ${stroke} 12%, transparent)`;

function range(low, high) {
  if (low == null) return [0, 1];
  const room = (high - low || Math.abs(high) || 1) * 0.08;
  return [low - room, high + room];
}

/** Columns or lines with axes. series: [{ label, ink, values, kind: "line" | "bars" }]; x: days or instants. */
export class Chart {
  constructor(root, { label, format = String, x = String }) {
    Object.assign(this, { root, format, x });
    root.role = "img";
    root.ariaLabel = label;
    root.classList.add("chart");
  }

  async draw(labels, series) {
    const drawn = JSON.stringify([labels, series]);
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    const Plot = await uplot();
    const data = [labels.map((_, i) => i), ...series.map(({ values }) => values)];
    this.labels = labels;
    if (this.plot) this.plot.setData(data);
    else this.plot = new Plot(this.#options(Plot, series), data, this.root);
  }

  close() {
    this.watch?.disconnect();
    this.plot?.destroy();
  }

  #options(Plot, series) {
    const size = () => ({ width: Math.max(80, this.root.clientWidth), height: Math.max(60, this.root.clientHeight) });
    this.watch = new ResizeObserver(() => this.plot?.setSize(size()));
    this.watch.observe(this.root);
    const ink = colour(this.root, "soft");
    const grid = { stroke: colour(this.root, "line"), width: 1 };
    const font = `${Math.round(parseFloat(getComputedStyle(this.root).fontSize) * 0.8)}px ${getComputedStyle(this.root).fontFamily}`;
    const axis = { stroke: ink, grid, ticks: { show: false }, font };
    return {
      ...size(),
      legend: { show: false },
      cursor: { show: false },
      scales: { x: { time: false, range: (_, low, high) => [low - 0.6, high + 0.6] }, y: { range: (_, low, high) => [Math.min(0, low ?? 0), (high || 1) * 1.08] } },
      axes: [
        { ...axis, grid: { show: false }, values: (_, at) => at.map((i) => (Number.isInteger(i) && this.labels[i] != null ? this.x(this.labels[i]) : "")) },
        { ...axis, size: 56, values: (_, at) => at.map(this.format) },
      ],
      series: [{}, ...series.map((each) => style(Plot, this.root, each))],
    };
  }
}

function style(Plot, root, { label, ink, kind }) {
  const stroke = colour(root, ink);
  if (kind === "bars") return { label, stroke, fill: stroke, paths: Plot.paths.bars({ size: [0.7, 40] }), points: { show: false } };
  return { label, stroke, width: 2, points: { show: false } };
}
