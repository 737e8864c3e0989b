// The few things that every view does with elements.

const calm = matchMedia("(prefers-reduced-motion: reduce)");

export function make(tag, className = "", text = "") {
  const el = document.createElement(tag);
  if (className) el.className = className;
  if (text) el.textContent = text;
  return el;
}

/** Put text into an element if it differs; with `flash`, show that it changed. */
export function write(el, text, flash = false) {
  if (el.textContent === text) return;
  const first = el.textContent === "";
  el.textContent = text;
  if (flash && !first) glow(el);
}

function glow(el) {
  if (calm.matches) return;
  const style = getComputedStyle(el);
  const colour = style.getPropertyValue("--glow");
  el.animate([{ backgroundColor: colour }, { backgroundColor: "transparent" }], { duration: 1400, easing: "ease-out" });
}

/** Call `run` when things have been quiet for `ms`. */
export function later(ms, run) {
  let timer;
  return (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => run(...args), ms);
  };
}
