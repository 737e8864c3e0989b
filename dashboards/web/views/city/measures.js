// By what the map can be coloured: the status, or a figure in five steps.

import * as f from "../../parts/format.js";

export const STEPS = 5;

const whole = { text: f.number };
const share = { text: f.share };

// `value` is null for a ward of which there is nothing to say.
export const MEASURES = {
  status: null,
  on_time_share: { ...share, value: (row) => row.on_time_share },
  online_share: { ...share, value: (row) => row.online_share },
  received: { ...whole, value: (row) => row.received },
  overdue: { ...whole, value: (row) => row.overdue },
  backlog: { ...whole, value: (row) => row.backlog },
  missing: { ...whole, value: (row) => (row.standing.status === "unknown" ? null : row.standing.missing) },
  delay: { text: (ms) => f.span(ms / 1000), value: (row) => row.standing.delay_ms_p50 },
};

/** Upper bounds of up to five steps, so that different values spread over them, however many wards share one. */
export function bounds(values) {
  const sorted = [...new Set(values.filter((value) => value != null))].sort((a, b) => a - b);
  const steps = Math.min(STEPS, sorted.length);
  return Array.from({ length: steps }, (_, i) => sorted[Math.ceil(((i + 1) * sorted.length) / steps) - 1]);
}

/** The step of a value: the colour of the ramp, darkest for the highest. */
export function step(value, limits) {
  const found = limits.findIndex((limit) => value <= limit);
  const at = found < 0 ? limits.length - 1 : found;
  return limits.length === 1 ? STEPS - 1 : Math.round((at * (STEPS - 1)) / (limits.length - 1));
}
