// The pipeline's own health: how old the newest cut is, how late events arrive, how many come, which processes run.

import { Sparkline } from "../../parts/chart.js";
import { chip } from "../../parts/chip.js";
import { make, panel, write } from "../../parts/dom.js";
import * as f from "../../parts/format.js";
import { fill } from "../../parts/states.js";
import { t } from "../../shell/words.js";

const STATES = { well: "good", ill: "attention", away: "bad" };

export class Pipeline {
  constructor(root) {
    const { section, body } = panel(t("pipeline"), "pipeline figures");
    this.figures = make("div", "pipes");
    this.processes = make("div", "chips");
    this.processes.role = "group";
    this.processes.ariaLabel = t("processes");
    body.append(this.figures, this.processes);
    root.append(section);
  }

  draw({ pipeline, processes }) {
    if (!pipeline) this.#absent(pipeline);
    else this.#draw(pipeline);
    const chips = (processes ?? []).map(({ name, state, note }) => {
      const made = chip(STATES[state], `${name} · ${t(`process_${state}`)}`);
      made.title = note;
      return made;
    });
    this.processes.replaceChildren(...chips);
    this.processes.hidden = !chips.length;
  }

  close() {
    for (const { line } of this.pipes ?? []) line?.close();
  }

  #absent(value) {
    this.close();
    this.pipes = null;
    fill(this.figures, value, () => {});
  }

  #draw(pipeline) {
    if (!this.pipes) this.#make();
    const seconds = pipeline.lag_ms.map((ms) => ms / 1000);
    const delay = (ms) => (ms == null ? t("none") : f.span(ms / 1000));
    const values = {
      lag: [f.span(seconds.at(-1)), seconds],
      rate: [f.number(pipeline.per_minute.at(-1)), pipeline.per_minute],
      delay: [delay(pipeline.delay_ms_p50)],
    };
    for (const pipe of this.pipes) {
      write(pipe.value, values[pipe.name][0]);
      if (pipe.name === "lag") late(pipe, pipeline.late_s);
      pipe.line?.draw(values[pipe.name][1]);
    }
    write(this.slow, t("delay_p99", { span: delay(pipeline.delay_ms_p99) }));
  }

  #make() {
    this.pipes = ["lag", "rate", "delay"].map((name) => {
      const root = make("div", "pipe");
      const value = make("p", "value");
      root.append(make("h3", "", t(name)), value);
      const figure = name === "delay" ? null : root.appendChild(make("div"));
      return { name, root, value, line: figure && new Sparkline(figure, t("series_cuts", { name: t(name) })) };
    });
    this.slow = this.pipes.at(-1).root.appendChild(make("p", "note"));
    this.figures.replaceChildren(...this.pipes.map(({ root }) => root));
  }
}

/** No new cut for longer than usual is what the operator must see, not how quick the last one was. */
function late({ root, value }, seconds) {
  root.classList.toggle("late", seconds != null);
  write(root.querySelector("h3"), t(seconds == null ? "lag" : "cut_late"));
  if (seconds != null) write(value, f.span(seconds));
}
