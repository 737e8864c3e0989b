// The difficulties behind a number: of a group, of an owner, open or overdue, as the address says.

import { make, write } from "../../parts/dom.js";
import { Records } from "../../parts/records.js";
import { link, viewLink } from "../../shell/address.js";
import { t } from "../../shell/words.js";

// As an owner in the address: not assigned to anybody.
export const NOBODY = "-";
const STATES = ["open", "overdue", "all"];

export class List {
  constructor(root, context, file) {
    this.context = context;
    const chosen = () => this.#chosen();
    const more = {
      ...file,
      get as_of() {
        return file.as_of;
      },
      get group() {
        return chosen().group;
      },
      get owner() {
        return chosen().owner;
      },
      get state() {
        return chosen().state;
      },
    };
    this.records = new Records(root, {
      name: "difficulties",
      title: t("list"),
      className: "list",
      hidden: ["changed_at", "open", "overdue", "reported_at"],
      phone: ["step", "owner"],
      status: { step: (row) => (row.overdue ? "bad" : row.open ? "attention" : "good") },
      href: { difficulty: (row) => viewLink("ward", { ward: row.ward }) },
      more,
    });
    this.states = make("nav", "states");
    this.states.ariaLabel = t("states");
    this.filter = make("p", "note filter");
    this.records.body.before(this.states, this.filter);
  }

  /** A link to another list. */
  linkTo(changes) {
    return link(changes);
  }

  draw(snapshot, flash) {
    const { group, owner, state } = this.#chosen();
    const part = snapshot.parts.difficulties;
    this.#drawStates(state);
    write(this.filter, [group && t("of_group", { group }), owner && t("of_owner", { owner })].filter(Boolean).join(" · "));
    this.filter.hidden = !group && !owner;
    if (!part?.rows) return this.records.draw(snapshot, flash);
    const rows = part.rows.filter((row) => matches(row, group, owner, state));
    const shown = { rows, total: rows.length };
    return this.records.draw({ ...snapshot, parts: { difficulties: shown } }, flash);
  }

  #chosen() {
    const address = this.context.address();
    const state = address.get("state");
    return { group: address.get("group"), owner: address.get("owner"), state: STATES.includes(state) ? state : "open" };
  }

  #drawStates(state) {
    const drawn = `${state}${location.search}`;
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    this.states.replaceChildren(...STATES.map((name) => choice(name, state)), ...this.#back());
  }

  #back() {
    const { group, owner } = this.#chosen();
    if (!group && !owner) return [];
    const back = make("a", "back", t("all_groups"));
    back.href = link({ group: "", owner: "", state: "" });
    return [back];
  }
}

function choice(name, state) {
  const el = make("a", "", t(`state_${name}`));
  el.href = link({ state: name === "open" ? "" : name });
  if (name === state) el.ariaCurrent = "true";
  return el;
}

function matches(row, group, owner, state) {
  if (group && String(row.difficulty_group) !== group) return false;
  if (owner && row.owner !== (owner === NOBODY ? "" : owner)) return false;
  return state === "all" || (state === "open" ? row.open : row.overdue);
}
