// From an answer's rows to what a chart draws: where each point lies across, and a series for each line or bar.
// Pure. At most so many series and bars as can be told apart; what is left out is said.

export const SERIES_MAX = 6;
export const BARS_MAX = 24;
const DAY_MS = 86_400_000;

/** { across: "time" | "number" | "name", points: [{ at, label }], series: [{ label, values }], left: { points, series } } or null. */
export function shape({ kind, x, y, series }, { columns, rows }, say) {
  const at = (name) => columns.findIndex((column) => column.name === name);
  const [across, upward, by] = [at(x), y.map(at).filter((i) => i >= 0), series ? at(series) : -1];
  if (across < 0 || !upward.length || rows.length < 2) return null;
  const column = columns[across];
  const way = { day: "time", instant: "time", number: "number", decimal: "number" }[column.kind] ?? "name";
  const points = positions(rows.map((row) => row[across]), way, (value) => say(column, value));
  const lines = by < 0 ? upward.map((i) => line(columns[i], rows, (row) => row[across], i)) : split({ rows, across, by, upward: upward[0] }, (value) => say(columns[by], value));
  return bounded({ across: way, points, lines, kind, unit: columns[upward[0]].kind });
}

function positions(values, way, label) {
  const known = [...new Set(values.filter((value) => value !== null))];
  const place = { time: (value) => Date.parse(value) / DAY_MS, number: Number }[way] ?? ((_, i) => i);
  const points = known.map((value, i) => ({ value, at: place(value, i), label: label(value) }));
  return way === "name" ? points : points.sort((a, b) => a.at - b.at);
}

const line = (column, rows, x, i) => ({ column, values: new Map(rows.map((row) => [x(row), row[i]])) });

/** A line for each value of a column; the largest first. */
function split({ rows, across, by, upward }, label) {
  const lines = [...Map.groupBy(rows, (row) => row[by])].map(([value, each]) => ({
    label: label(value),
    values: new Map(each.map((row) => [row[across], row[upward]])),
    size: each.reduce((sum, row) => sum + (row[upward] ?? 0), 0),
  }));
  return lines.sort((a, b) => b.size - a.size);
}

function bounded({ across, points, lines, kind, unit }) {
  const kept = lines.slice(0, SERIES_MAX);
  const most = kind === "bar" ? Math.max(6, Math.floor((BARS_MAX * 2) / (kept.length + 1))) : Infinity;
  // Of names the first, as the question orders them; of days the newest.
  const shown = across === "name" ? points.slice(0, most) : points.slice(-Math.min(most * 2, points.length));
  return {
    across,
    kind,
    unit,
    points: shown,
    series: kept.map(({ column, label, values }) => ({ column, label, values: shown.map(({ value }) => values.get(value) ?? null) })),
    left: { points: points.length - shown.length, series: lines.length - kept.length },
  };
}
