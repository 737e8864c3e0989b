// What uPlot is told: positions across are numbers, and every label stands at a point that is there.

const LINE_HEIGHT = 260;
const BAR_HEIGHT = 18;
const DASHES = [[], [7, 4], [2, 3], [10, 3, 2, 3], [4, 4], [1, 4]];
const POINTS_MAX = 45;
// A line ends where more than so many of its smallest steps are missing; months are not equally long.
const GAP_STEPS = 3;

/** Lines over time or numbers; a name stands at its place. */
export function lines(Plot, { points, series }, look) {
  const [low, high] = room(points.map(({ at }) => at));
  return {
    data: broken(points, series),
    options: {
      ...frame(look, LINE_HEIGHT, half(points, look)),
      scales: { x: { time: false, range: [low, high] }, y: { range: fromZero } },
      axes: [across(points, look, [low, high]), upward(look)],
      series: [{}, ...series.map(({ label }, i) => ({ label, stroke: look.ink(`series-${i + 1}`), width: 2, dash: DASHES[i], points: { show: points.length <= POINTS_MAX, size: 5, fill: look.ink(`series-${i + 1}`) } }))],
    },
  };
}

/** Bars: upright over time, lying for names. Those of one point stand side by side. */
export function bars(Plot, shape, look) {
  const { points, series, across: way } = shape;
  const lying = way === "name";
  const step = lying ? 1 : least(points.map(({ at }) => at));
  const share = (step * 0.78) / series.length;
  const offset = (i) => (i - (series.length - 1) / 2) * share;
  const slots = points.flatMap(({ at }, p) => series.map((_, i) => ({ x: at + offset(i), p, i }))).sort((a, b) => a.x - b.x);
  const values = series.map((each, i) => slots.map((slot) => (slot.i === i ? each.values[slot.p] : null)));
  const height = lying ? Math.max(90, points.length * Math.max(BAR_HEIGHT + 6, series.length * 11 + 8) + 40) : LINE_HEIGHT;
  const [low, high] = [points[0].at - step * 0.6, points.at(-1).at + step * 0.6];
  const stroke = (i) => look.ink(`series-${i + 1}`);
  const paths = Plot.paths.bars({ size: [series.length > 1 ? 0.9 : 0.8, 60], gap: 1 });
  return {
    data: [slots.map(({ x }) => x), ...values],
    options: {
      ...frame(look, height, lying ? 14 : half(points, look)),
      scales: { x: { time: false, range: [low, high], ...(lying && { ori: 1, dir: -1 }) }, y: { range: fromZero, ...(lying && { ori: 0, dir: 1 }) } },
      axes: lying ? [names(points, look), along(look)] : [across(points, look, [low, high]), upward(look)],
      series: [{}, ...series.map(({ label }, i) => ({ label, stroke: stroke(i), fill: stroke(i), width: 0, paths, points: { show: false } }))],
    },
  };
}

const frame = ({ width }, height, last) => ({ width, height, legend: { show: false }, cursor: { show: false }, padding: [8, last, 0, 4] });

/** Room for the right half of the last label. */
const half = (points, look) => Math.max(12, measure(points.at(-1).label, look) / 2 + 4);

const fromZero = (_, low, high) => [Math.min(0, low ?? 0), (high || 1) * 1.05];

function room(xs) {
  const more = (xs.at(-1) - xs[0] || 1) * 0.02;
  return [xs[0] - more, xs.at(-1) + more];
}

/** Data whose lines end where points are missing: a line across months without a figure would tell of some. */
function broken(points, series) {
  const gap = GAP_STEPS * least(points.map(({ at }) => at));
  const rows = points.flatMap(({ at }, i) => {
    const row = [at, ...series.map(({ values }) => values[i])];
    const next = points[i + 1]?.at;
    return next - at > gap ? [row, [(at + next) / 2, ...series.map(() => null)]] : [row];
  });
  return [0, ...series.map((_, i) => i + 1)].map((column) => rows.map((row) => row[column]));
}

const least = (xs) => Math.min(...xs.slice(1).map((x, i) => x - xs[i]), Infinity) || 1;

const plain = (look) => ({ stroke: look.ink("soft"), font: look.font, ticks: { show: false }, gap: 8 });
const grid = (look) => ({ stroke: look.ink("line"), width: 1 });

const upward = (look) => ({ ...plain(look), grid: grid(look), size: 66, values: (_, at) => at.map(look.say) });

/** Values below lying bars. */
const along = (look) => ({ ...plain(look), grid: grid(look), side: 2, size: 32, space: 90, values: (_, at) => at.map(look.say) });

/** Labels of points, as many as have room where they stand. */
function across(points, look, [low, high]) {
  const widest = Math.max(...points.map(({ label }) => measure(label, look)));
  const apart = ((widest + 14) * (high - low)) / Math.max(1, look.width - 80);
  const shown = [];
  for (const point of points) if (!shown.length || point.at - shown.at(-1).at >= apart) shown.push(point);
  return { ...plain(look), grid: { show: false }, size: 32, splits: () => shown.map(({ at }) => at), values: () => shown.map(({ label }) => label) };
}

/** Names beside lying bars; a long one is cut, the table has it whole. */
function names(points, look) {
  const most = Math.min(260, look.width * 0.4);
  const said = points.map(({ label }) => cut(label, most, look));
  const size = Math.max(...said.map((label) => measure(label, look))) + 14;
  return { ...plain(look), grid: { show: false }, side: 3, size, splits: () => points.map(({ at }) => at), values: () => said };
}

function cut(label, most, look) {
  if (measure(label, look) <= most) return label;
  let end = label.length;
  while (end > 1 && measure(`${label.slice(0, end)}…`, look) > most) end--;
  return `${label.slice(0, end).trimEnd()}…`;
}

let pen;

function measure(text, { font }) {
  pen ??= document.createElement("canvas").getContext("2d");
  pen.font = font;
  return pen.measureText(text).width;
}
