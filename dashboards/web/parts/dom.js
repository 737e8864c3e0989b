// The few things that every view does with elements.

const calm = matchMedia("(prefers-reduced-motion: reduce)");

export function make(tag, className = "", text = "") {
  const el = document.createElement(tag);
  if (className) el.className = className;
  if (text) el.textContent = text;
  return el;
}

const SVG = "http://www.w3.org/2000/svg";

/** An SVG element with attributes. */
export function draw(tag, attributes = {}) {
  const el = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) el.setAttribute(name, value);
  return el;
}

/** The shape that stands beside a word: never colour alone. */
export function shape() {
  const el = make("i", "shape");
  el.ariaHidden = "true";
  return el;
}

/** A panel: a titled section of a view; returns { section, head, body }. */
export function panel(title, className = "") {
  const section = make("section", `panel ${className}`);
  const head = make("div", "panel-head");
  const heading = make("h2", "", title);
  heading.id = `h-${++panels}`;
  section.setAttribute("aria-labelledby", heading.id);
  head.append(heading);
  const body = make("div", "panel-body");
  section.append(head, body);
  return { section, head, heading, body };
}

let panels = 0;

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
