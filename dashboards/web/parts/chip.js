// A status: colour, shape and word together. Its look is set by data-status in parts.css.

import { make, shape, write } from "./dom.js";

/** A chip that only tells. */
export function chip(status = "", word = "") {
  const el = make("span", "chip");
  el.append(shape(), make("span", "word"));
  tell(el, status, word);
  return el;
}

/** A chip that can be pressed; `onPress` is called with nothing. */
export function pressable(status, onPress) {
  const el = make("button", "chip");
  el.type = "button";
  el.ariaPressed = "false";
  el.append(shape(), make("span", "word"));
  el.dataset.status = status;
  el.addEventListener("click", onPress);
  return el;
}

/** Change what a chip says. */
export function tell(el, status, word) {
  if (el.dataset.status !== status) el.dataset.status = status;
  write(el.querySelector(".word"), word);
}
