// The data dictionary: every view and reference table, what its columns mean, which members of events they are made
// of, and which questions use it. `find` in the address is what was searched for.

import { later, make, write } from "../../parts/dom.js";
import * as f from "../../parts/format.js";
import { blank } from "../../parts/states.js";
import { lang, t } from "../../shell/words.js";
import { Entry } from "./entry.js";

export const dictionary = "dictionary";
export const style = "/web/views/dictionary/dictionary.css";

export class View {
  constructor(root, context) {
    Object.assign(this, { root, context });
    const heading = make("header", "d-heading");
    heading.append(make("h2", "", t("dictionary")), make("p", "note", t("dictionary_about")));
    this.list = make("div", "d-list");
    this.list.append(blank("loading"));
    root.append(heading, this.#search(), this.list);
    this.#load();
  }

  topic() {
    const { role, ward } = this.context.who;
    return { view: "questions", day: "", ward: role === "ward" ? ward : "" };
  }

  title() {
    return t("dictionary");
  }

  draw() {}

  changed(address) {
    if (this.input.value !== address.get("find")) this.input.value = address.get("find");
    this.#find();
  }

  #search() {
    const box = make("div", "d-tools");
    const label = make("label", "d-search");
    this.input = make("input");
    this.input.type = "search";
    this.input.placeholder = t("search_dictionary");
    this.input.value = this.context.address().get("find");
    // Quietly into the address: a link to what was found, but not a step back for each letter.
    this.input.addEventListener("input", later(150, () => this.context.go({ find: this.input.value.trim() }, { quiet: true })));
    label.append(make("span", "hidden", t("search_dictionary")), this.input);
    this.count = make("p", "note");
    this.count.role = "status";
    box.append(label, this.count);
    return box;
  }

  async #load() {
    const found = await read();
    if (found.code) return this.#refused(found);
    this.entries = found.objects.map((each) => new Entry(each, found));
    this.list.replaceChildren(...this.entries.map(({ root }) => root), (this.none = blank("empty", t("no_object"))));
    return this.#find();
  }

  #find() {
    if (!this.entries) return;
    const text = f.plain(this.input.value.trim());
    const shown = this.entries.filter((entry) => entry.find(text));
    const exact = shown.find(({ name }) => name === text);
    for (const entry of shown) entry.open(text !== "" && (exact ? entry === exact : shown.length <= 3));
    // Whoever looks for one view by its name finds it first.
    if (exact) exact.root.parentNode.prepend(exact.root);
    this.none.hidden = shown.length > 0;
    write(this.count, t("found", { n: f.number(shown.length) }));
  }

  #refused(problem) {
    const again = make("button", "", t("again"));
    again.type = "button";
    again.addEventListener("click", () => this.#load());
    this.list.replaceChildren(blank("error", problem[lang]), again);
  }
}

async function read() {
  try {
    return await (await fetch("/api/dictionary")).json();
  } catch {
    return { code: "away", vi: "Không đọc được từ điển; hãy thử lại", en: "The dictionary cannot be read; try again" };
  }
}
