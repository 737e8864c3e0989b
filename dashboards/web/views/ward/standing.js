// How the ward stands: alive, complete, reconciled; how far its events are here, how late they come.

import { make, panel, write } from "../../parts/dom.js";
import * as f from "../../parts/format.js";
import { blank } from "../../parts/states.js";
import { lang, t } from "../../shell/words.js";

const word = (kind) => (standing, words) => words[kind]?.[standing[kind]]?.[lang] ?? standing[kind];
const ms = (value) => (value == null ? t("none") : f.span(Math.abs(value) / 1000));

const FACTS = [
  ["alive", word("alive")],
  ["complete", word("complete")],
  ["reconciled", word("reconciled")],
  ["contiguous", (s) => t("of_highest", { n: f.number(s.contiguous), highest: f.number(s.highest) })],
  ["missing", (s) => f.number(s.missing)],
  ["pending", (s) => f.number(s.pending)],
  ["event_at", (s) => when(s.event_at)],
  ["heartbeat_at", (s) => when(s.heartbeat_at)],
  ["delay", (s) => t("delay_of", { p50: ms(s.delay_ms_p50), p99: ms(s.delay_ms_p99) })],
  ["skew", (s) => ms(s.skew_ms)],
  ["rejected", (s) => f.number(s.rejected)],
  ["conflicts", (s) => f.number(s.conflicts)],
];

function when(iso) {
  return iso ? `${f.time(iso)} ${f.date(iso)}` : t("none");
}

export class Standing {
  constructor(root) {
    const { section, body } = panel(t("standing"), "standing");
    this.body = body;
    root.append(section);
    this.draw({});
  }

  draw({ standing, table_words: words }) {
    if (!standing || standing.loading) {
      this.list = null;
      this.body.replaceChildren(blank(standing === null ? "absent" : "loading"));
      return;
    }
    if (!this.list) this.#make();
    for (const [key, text] of FACTS) write(this.list.get(key), text(standing, words));
  }

  #make() {
    const list = make("dl", "facts figures");
    this.list = new Map();
    for (const [key] of FACTS) {
      const value = make("dd");
      const pair = make("div");
      pair.append(make("dt", "", t(`fact_${key}`)), value);
      list.append(pair);
      this.list.set(key, value);
    }
    this.body.replaceChildren(list);
  }
}
