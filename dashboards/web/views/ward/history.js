// How the status went, newest first: from when to when, which status, why.

import { chip } from "../../parts/chip.js";
import { make, panel, write } from "../../parts/dom.js";
import { downloads } from "../../parts/download.js";
import * as f from "../../parts/format.js";
import { blank } from "../../parts/states.js";
import { lang, t } from "../../shell/words.js";

export class History {
  constructor(root, more) {
    const { section, head, heading, body } = panel(t("ward_history"), "history");
    head.append(downloads("ward-history", more));
    section.dataset.table = "ward-history";
    this.count = make("span", "note count");
    heading.append(" ", this.count);
    this.body = body;
    body.append(blank("loading"));
    root.append(section);
  }

  draw({ parts, table_words: words }) {
    const part = parts["ward-history"];
    const drawn = JSON.stringify([part, lang]);
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    write(this.count, part?.total ? f.number(part.total) : "");
    if (!part?.rows?.length) {
      this.body.replaceChildren(blank(part === null ? "absent" : part?.loading ? "loading" : "empty"));
      return;
    }
    const list = make("ol", "timeline figures");
    list.append(...part.rows.map((row) => item(row, words)));
    this.body.replaceChildren(list);
  }
}

function item(row, words) {
  const el = make("li");
  const span = make("span", "when", `${f.date(row.first_at)} ${f.time(row.first_at).slice(0, 5)} – ${until(row)}`);
  const reason = lang === "vi" ? row.reason_vi : row.reason_en;
  el.append(chip(row.status, words.state?.[row.status]?.[lang] ?? row.status), span, make("span", "why", reason));
  return el;
}

function until({ first_at: first, last_at: last }) {
  const time = f.time(last).slice(0, 5);
  return f.date(first) === f.date(last) ? time : `${f.date(last)} ${time}`;
}
