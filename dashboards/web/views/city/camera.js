// What part of the map is seen: named frames, zoom about a point, dragging; moves calmly, or at once for readers
// who want no motion. `--k` on the map is the size of a screen's pixel, so marks keep theirs.

const calm = matchMedia("(prefers-reduced-motion: reduce)");
const TIME_MS = 350;
const NEAREST = 260;

export class Camera {
  constructor(svg, frames) {
    this.svg = svg;
    this.frames = frames;
    this.box = frames.all;
    this.watch = new ResizeObserver(() => this.#set(this.box));
    this.watch.observe(svg);
    svg.addEventListener("pointerdown", (event) => this.#drag(event));
    svg.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
  }

  close() {
    this.watch.disconnect();
    cancelAnimationFrame(this.frame);
  }

  show(name, moving = true) {
    this.#go(this.frames[name], moving);
  }

  /** Zoom by a factor about a point (the middle without one). */
  scale(factor, [x, y] = middle(this.box)) {
    const [, , width, height] = this.frames.all;
    const wide = Math.max(NEAREST, Math.min(width, this.box[2] * factor));
    const real = wide / this.box[2];
    const high = Math.min(height, this.box[3] * real);
    this.#go(this.#inside([x - (x - this.box[0]) * real, y - (y - this.box[1]) * real, wide, high]), true);
  }

  /** Move so that a point is seen. */
  include([x, y]) {
    const [left, top, width, height] = this.box;
    if (x > left && x < left + width && y > top && y < top + height) return;
    this.#go(this.#inside([x - width / 2, y - height / 2, width, height]), true);
  }

  #inside([x, y, width, height]) {
    const [, , w, h] = this.frames.all;
    return [Math.max(0, Math.min(x, w - width)), Math.max(0, Math.min(y, h - height)), width, height];
  }

  #go(box, moving) {
    cancelAnimationFrame(this.frame);
    if (!moving || calm.matches) {
      this.#set(box);
      return;
    }
    const [from, begun] = [this.box, performance.now()];
    const turn = (now) => {
      const part = Math.min(1, Math.max(0, (now - begun) / TIME_MS));
      const eased = 1 - (1 - part) ** 3;
      this.#set(from.map((value, i) => value + (box[i] - value) * eased));
      if (part < 1) this.frame = requestAnimationFrame(turn);
    };
    this.frame = requestAnimationFrame(turn);
  }

  #set(box) {
    this.box = box;
    this.svg.setAttribute("viewBox", box.map((value) => Math.round(value * 10) / 10).join(" "));
    const per = Math.max(box[2] / (this.svg.clientWidth || 1), box[3] / (this.svg.clientHeight || 1));
    this.svg.style.setProperty("--k", per.toFixed(3));
    this.svg.classList.toggle("near", per < 2.2);
  }

  #drag(down) {
    if (down.button || this.box[2] >= this.frames.all[2]) return;
    const from = this.box;
    const per = Number(this.svg.style.getPropertyValue("--k"));
    let moved = false;
    const move = (event) => {
      const [dx, dy] = [event.clientX - down.clientX, event.clientY - down.clientY];
      moved ||= Math.hypot(dx, dy) > 5;
      if (moved) this.#set(this.#inside([from[0] - dx * per, from[1] - dy * per, from[2], from[3]]));
    };
    const stop = () => {
      removeEventListener("pointermove", move);
      // A drag is no click on the ward under the pointer.
      if (moved) addEventListener("click", (event) => event.preventDefault(), { capture: true, once: true });
    };
    addEventListener("pointermove", move);
    addEventListener("pointerup", stop, { once: true });
  }

  /** The wheel zooms with Ctrl, as in maps elsewhere; without it the page scrolls. */
  #wheel(event) {
    if (!event.ctrlKey) return;
    event.preventDefault();
    const rect = this.svg.getBoundingClientRect();
    const per = Number(this.svg.style.getPropertyValue("--k"));
    const [cx, cy] = middle(this.box);
    const at = [cx + (event.clientX - rect.left - rect.width / 2) * per, cy + (event.clientY - rect.top - rect.height / 2) * per];
    this.scale(event.deltaY < 0 ? 1 / 1.25 : 1.25, at);
  }
}

function middle([x, y, width, height]) {
  return [x + width / 2, y + height / 2];
}
