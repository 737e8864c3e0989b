// How a day is replayed: frame by frame a second each, and in a minute also where reading one takes longer.

export const FRAMES = 60;
export const FRAME_MS = 1000;
export const REPLAY_MS = FRAMES * FRAME_MS;

/** How many frames on from one that took `tookMs`, with `left` behind it and `restMs` until the end; at most to the last. */
export function stride(left, tookMs, restMs) {
  const wanted = Math.ceil((left * Math.max(tookMs, FRAME_MS)) / Math.max(restMs, 1));
  return Math.min(left, Math.max(1, wanted));
}
