// Saved questions: the list of them, or one with its parameters, its answer, its chart and its files. An answer
// is as of a cut and does not change by itself: the reader asks again.

import { make } from "../../parts/dom.js";
import { blank } from "../../parts/states.js";
import { lang, t } from "../../shell/words.js";
import { catalogue } from "./catalogue.js";
import { List } from "./list.js";
import { One } from "./one.js";

export const dictionary = "questions";
export const style = "/web/views/questions/questions.css";

export class View {
  constructor(root, context) {
    Object.assign(this, { root, context });
    root.replaceChildren(blank("loading"));
    this.changed(context.address());
  }

  /** A ward's viewer is told of its own ward only. */
  topic() {
    const { role, ward } = this.context.who;
    return { view: "questions", day: "", ward: role === "ward" ? ward : "" };
  }

  title() {
    return this.question?.[lang] ?? t("questions");
  }

  draw() {}

  async changed(address) {
    const mine = (this.turn = {});
    const found = await catalogue();
    if (mine !== this.turn) return;
    if (found.code) this.#refused(found, address);
    else this.#show(found, address);
  }

  close() {
    this.turn = null;
    this.page?.close?.();
  }

  #show(found, address) {
    const question = found.questions.find(({ name }) => name === address.item);
    const shown = address.item ? question?.name : "";
    if (this.page && this.shown === shown) return this.page.changed(address);
    this.page?.close?.();
    this.shown = shown;
    this.question = question;
    this.root.replaceChildren();
    if (shown === undefined) return this.#missing();
    this.page = question ? new One(this.root, this.context, question, found) : new List(this.root, this.context, found);
    document.title = `Đồng Bộ · ${this.title()}`;
    return this.page.changed(address);
  }

  #missing() {
    this.page = null;
    this.root.append(blank("error", t("no_such_question")));
  }

  #refused(problem, address) {
    const again = make("button", "", t("again"));
    again.type = "button";
    again.addEventListener("click", () => this.changed(address));
    const box = make("div", "refused");
    box.append(blank("error", problem[lang]), again);
    this.root.replaceChildren(box);
  }
}
