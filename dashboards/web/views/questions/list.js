// All questions, by whose they are. A search needs no diacritics; whose they are is a link.

import { later, make, write } from "../../parts/dom.js";
import * as f from "../../parts/format.js";
import { blank } from "../../parts/states.js";
import { link, viewLink } from "../../shell/address.js";
import { lang, t } from "../../shell/words.js";

export class List {
  constructor(root, context, { questions, audiences }) {
    Object.assign(this, { questions, audiences, find: "" });
    const heading = make("header", "q-heading");
    heading.append(make("h2", "", t("questions")), make("p", "note", t("questions_about")));
    const tools = make("div", "q-tools");
    tools.append(this.#search(), (this.filter = make("nav", "states")));
    this.filter.ariaLabel = t("audience_filter");
    this.said = make("p", "hidden");
    this.said.role = "status";
    this.groups = make("div", "q-groups");
    root.append(heading, tools, this.said, this.groups);
  }

  changed(address) {
    const wanted = address.get("audience");
    this.audience = this.audiences.includes(wanted) ? wanted : "";
    this.filter.replaceChildren(...["", ...this.audiences].map((name) => this.#choice(name)));
    this.#draw();
  }

  #search() {
    const box = make("label", "q-search");
    const input = make("input");
    input.type = "search";
    input.placeholder = t("search");
    input.addEventListener("input", later(80, () => this.#found(input.value)));
    box.append(make("span", "hidden", t("search")), input);
    return box;
  }

  #found(text) {
    this.find = f.plain(text.trim());
    this.#draw();
  }

  #choice(name) {
    const el = make("a", "", name ? t(`audience_${name}`) : t("audience_all"));
    el.href = link({ audience: name });
    if (name === this.audience) el.ariaCurrent = "true";
    return el;
  }

  #draw() {
    const shown = this.questions.filter((question) => this.#matches(question));
    const by = this.audience ? [this.audience] : this.audiences;
    const groups = by.map((name) => [name, shown.filter(({ audience }) => this.audience || audience[0] === name)]);
    const made = groups.filter(([, each]) => each.length).map(([name, each]) => group(name, each));
    this.groups.replaceChildren(...(made.length ? made : [blank("empty", t("no_question"))]));
    write(this.said, t("found", { n: f.number(shown.length) }));
  }

  #matches({ name, vi, en, audience }) {
    if (this.audience && !audience.includes(this.audience)) return false;
    return [name, vi, en].some((text) => f.plain(text).includes(this.find));
  }
}

function group(name, questions) {
  const section = make("section", "panel q-group");
  const head = make("h3", "", t(`audience_${name}`));
  head.append(" ", make("span", "note count", f.number(questions.length)));
  head.id = `audience-${name}`;
  section.setAttribute("aria-labelledby", head.id);
  const list = make("ul");
  list.append(...questions.map(item));
  section.append(head, list);
  return section;
}

function item(question) {
  const el = make("li");
  const anchor = make("a", "", question[lang]);
  anchor.href = viewLink("questions", {}, question.name);
  const note = make("span", "note", question.name);
  const marks = [question.chart && t("has_chart"), !question.travels && t("now_only")].filter(Boolean);
  if (marks.length) note.append(` · ${marks.join(" · ")}`);
  el.append(anchor, note);
  return el;
}
