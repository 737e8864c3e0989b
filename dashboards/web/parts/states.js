// What a panel shows instead of figures: loading, nothing there, not available yet, failed.

import { make } from "./dom.js";
import { t } from "../shell/words.js";

/** kind: loading, empty, absent or error; `text` replaces the usual words. */
export function blank(kind, text = "") {
  const el = make("p", `blank blank-${kind}`, text || t(`blank_${kind}`));
  if (kind === "error") el.role = "alert";
  return el;
}

/** Put figures or a blank into a panel: `value` undefined is loading, null is not available, else draw(). */
export function fill(root, value, draw) {
  if (value === undefined) root.replaceChildren(blank("loading"));
  else if (value === null) root.replaceChildren(blank("absent"));
  else draw(value);
}
