// One question: what it asks, the form, as of when it is answered, the chart, the table, the files, the SQL.

import { make, panel, write } from "../../parts/dom.js";
import * as f from "../../parts/format.js";
import { blank } from "../../parts/states.js";
import { viewLink } from "../../shell/address.js";
import { lang, sentence, t } from "../../shell/words.js";
import { Asker, FILES, fileLink } from "./ask.js";
import { AnswerChart } from "./chart.js";
import { copier } from "./copy.js";
import { Form } from "./form.js";
import { AnswerTable } from "./table.js";

export class One {
  constructor(root, context, question, found) {
    Object.assign(this, { context, question, found, asker: new Asker() });
    // Into the address, which is then asked; the same again is asked anew.
    this.form = new Form(question, found, context.who, (values) => context.go(values));
    this.root = make("div", "q-one");
    this.root.append(this.#heading(), this.#asking(), this.#answer(), this.#source());
    root.append(this.root);
  }

  /** Ask what the address says. */
  async changed(address) {
    await this.#show(this.form.show(address.get), address.cut);
  }

  close() {
    this.asker.stop();
    this.chart?.close();
  }

  #heading() {
    const { question } = this;
    const heading = make("header", "q-heading");
    const back = make("a", "q-back", t("all_questions"));
    back.href = viewLink("questions");
    const other = lang === "vi" ? "en" : "vi";
    const second = make("p", "note", question[other]);
    second.lang = other;
    heading.append(back, make("h2", "", question[lang]), second);
    return heading;
  }

  /** Nothing to choose, nothing to show. */
  #asking() {
    const section = make("section", "panel q-asking");
    section.ariaLabel = t("parameters");
    section.hidden = !this.question.parameters.length;
    section.append(this.form.root);
    return section;
  }

  #answer() {
    const { section, head, heading, body } = panel(t("answer"), "q-answer");
    this.count = make("span", "note count");
    heading.append(" ", this.count);
    this.files = make("span", "downloads");
    const again = make("button", "again", t("ask_again"));
    again.type = "button";
    again.addEventListener("click", () => this.changed(this.context.address()));
    head.append(again, copier(t("copy_link"), () => this.#permalink()), this.files);
    this.facts = make("p", "q-facts");
    this.said = make("p", "hidden");
    this.said.role = "status";
    this.figure = make("figure", "q-figure");
    this.rows = make("div", "q-rows");
    this.more = make("p", "note more");
    this.answer = section;
    body.append(this.facts, this.said, this.figure, this.rows, this.more);
    return section;
  }

  #source() {
    const { question } = this;
    const details = make("details", "panel q-source");
    details.append(make("summary", "", t("sql")));
    const code = make("pre");
    code.tabIndex = 0;
    code.append(make("code", "", question.sql));
    const views = make("p", "note", `${t("reads")} `);
    for (const view of question.views) {
      const anchor = make("a", "", view);
      anchor.href = viewLink("dictionary", { find: view });
      views.append(anchor, " ");
    }
    const foot = make("div", "q-source-foot");
    foot.append(copier(t("copy_sql"), () => question.sql), views);
    details.append(code, foot);
    return details;
  }

  async #show(values, cut) {
    this.#busy(true);
    const body = await this.asker.ask(this.question.name, values, this.question.travels ? cut : "");
    if (!body) return;
    this.#busy(false);
    if (body.code) this.#refused(body);
    else this.#draw(body, values);
  }

  #busy(on) {
    this.answer.ariaBusy = String(on);
    if (on) write(this.said, t("asking"));
    if (on && !this.rows.childElementCount) this.rows.replaceChildren(blank("loading", t("asking")));
  }

  #draw(body, values) {
    this.shown = { values, cut: body.as_of };
    const n = body.total == null ? t("over", { n: f.number(body.rows.length) }) : f.number(body.total);
    write(this.count, t("rows", { n }));
    write(this.said, t("rows", { n }));
    this.#drawFacts(body);
    this.#drawFiles(values, body.as_of);
    this.chart ??= new AnswerChart(this.figure, this.question, this.found.table_words);
    this.chart.draw(body);
    const shown = new AnswerTable(this.rows, this.question[lang], this.found.table_words).draw(body);
    const left = body.rows.length > shown || body.truncated;
    write(this.more, left ? t("rows_shown", { n: f.number(shown), all: n }) : "");
    this.more.hidden = !left;
  }

  /** As of when, what is counted, and what it rests on. */
  #drawFacts({ cut, asked_at: asked }) {
    const first = make("span", "q-as-of");
    if (cut) {
      const at = cut.complete_at ?? cut.at;
      sentence(first, "as_of_cut", { time: f.time(at), date: f.date(at), covered: f.number(cut.covered), total: f.number(cut.wards_total), n: cut.number });
    } else {
      sentence(first, "as_of_now", { time: f.time(asked), date: f.date(asked) });
    }
    const { unit, basis } = this.question;
    const more = [unit && !this.question.chart && t("unit", { unit: unit[lang] }), basis && t("basis", { basis: basis[lang] })].filter(Boolean);
    this.facts.replaceChildren(first, ...more.map((text) => make("span", "", text)));
  }

  #drawFiles(values, cut) {
    const links = FILES.map((ending) => {
      const link = make("a", "download", ending === "parquet" ? "Parquet" : ending.toUpperCase());
      link.href = fileLink(this.question.name, ending, values, cut);
      link.setAttribute("aria-label", t("download", { kind: link.textContent }));
      if (ending !== "json") link.download = "";
      return link;
    });
    this.files.replaceChildren(...links);
  }

  #refused(problem) {
    write(this.count, "");
    this.chart?.clear();
    this.facts.replaceChildren();
    this.files.replaceChildren();
    this.more.hidden = true;
    const code = make("p", "note", t("code", { code: problem.code }));
    const box = make("div", "refused");
    box.append(blank("error", problem[lang]), code);
    this.rows.replaceChildren(box);
    write(this.said, "");
  }

  /** With the cut that is shown, so that whoever opens it sees the same figures. */
  #permalink() {
    const query = new URLSearchParams(location.search);
    for (const [name, value] of Object.entries(this.shown?.values ?? {})) if (value) query.set(name, value);
    if (this.shown?.cut) query.set("cut", this.shown.cut);
    return `${location.origin}${location.pathname}?${query}`;
  }
}
