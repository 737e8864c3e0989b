// Which ward, how it stands, its neighbours, and which day is shown. All of it are links.

import { chip, tell } from "../../parts/chip.js";
import { make, write } from "../../parts/dom.js";
import * as f from "../../parts/format.js";
import { link, viewLink } from "../../shell/address.js";
import { lang, t } from "../../shell/words.js";

export class Heading {
  constructor(root, { go }) {
    this.root = make("header", "ward-heading");
    this.title = make("h2");
    this.status = chip("unknown", "");
    this.reason = make("p", "reason");
    const first = make("div", "ward-name");
    first.append(this.title, this.status, this.reason);
    this.before = make("a", "step before");
    this.after = make("a", "step after");
    this.beside = make("p", "beside");
    this.days = make("select");
    this.days.ariaLabel = t("day_choose");
    this.days.addEventListener("change", () => go({ day: this.days.value }));
    this.sheet = make("p", "sheet");
    const print = make("button", "print", t("print"));
    print.type = "button";
    print.addEventListener("click", () => globalThis.print());
    const steps = make("nav", "steps");
    steps.ariaLabel = t("other_wards");
    steps.append(this.before, this.after, this.beside);
    const tools = make("div", "tools");
    tools.append(this.days, print);
    this.root.append(first, steps, tools, this.sheet);
    root.append(this.root);
  }

  draw({ ward, before, after, neighbours, standing, cut, day, days, newest }) {
    write(this.title, `${ward.full_name} · ${ward.code}`);
    this.#drawStanding(standing);
    step(this.before, before, "‹ {name}", "ward_before");
    step(this.after, after, "{name} ›", "ward_after");
    this.#drawNeighbours(neighbours);
    this.#drawDays(day, days, newest);
    write(this.sheet, cut ? t("sheet", { n: cut.number, time: f.time(cut.at), date: f.date(cut.at) }) : t("sheet_none"));
  }

  #drawStanding(standing) {
    const known = standing && !standing.loading;
    tell(this.status, known ? standing.status : "unknown", t(`status_${known ? standing.status : "unknown"}`));
    const reason = known ? (lang === "vi" ? standing.reason_vi : standing.reason_en) : "";
    write(this.reason, reason ?? "");
  }

  #drawNeighbours(neighbours) {
    const drawn = JSON.stringify([neighbours, location.search]);
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    const links = neighbours.flatMap(({ ward, name }) => [anchor(name, ward), ", "]).slice(0, -1);
    this.beside.replaceChildren(`${t("neighbours")}: `, ...links);
  }

  #drawDays(day, days, newest) {
    const wanted = new URLSearchParams(location.search).get("day") ?? "";
    const drawn = JSON.stringify([day, days, newest, wanted]);
    if (drawn === this.drawnDays) return;
    this.drawnDays = drawn;
    const first = new Option(t("day_newest", { date: newest ? f.day(newest) : t("none") }), "");
    const listed = days.includes(wanted) || !wanted ? days : [wanted, ...days];
    this.days.replaceChildren(first, ...listed.map((each) => new Option(`${f.weekday(each)} ${f.day(each)}`, each)));
    this.days.value = wanted;
  }
}

function step(el, { ward, name }, pattern, label) {
  write(el, pattern.replace("{name}", name));
  el.href = link({ ward });
  el.ariaLabel = t(label, { name });
}

function anchor(name, ward) {
  const el = make("a", "", name);
  el.href = viewLink("ward", { ward });
  return el;
}
