// Asking: the address of an answer in each form, and the answer itself. What was asked before is not waited for.

import { lang } from "../../shell/words.js";

export const FILES = ["csv", "xlsx", "parquet", "json"];
const SPOKEN = new Set(["csv", "xlsx"]);

/** The link of an answer as a file; `cut` is the one that is shown, so that the file says the same. */
export function fileLink(name, ending, values, cut) {
  const query = new URLSearchParams(given(values));
  if (cut) query.set("as_of", cut);
  if (SPOKEN.has(ending)) query.set("lang", lang);
  const text = query.toString();
  return `/questions/${name}.${ending}${text ? `?${text}` : ""}`;
}

const given = (values) => Object.entries(values).filter(([, value]) => value !== "");

export class Asker {
  /** The answer, {code, vi, en} if there is none, or null if something else was asked meanwhile. */
  async ask(name, values, cut) {
    this.stop();
    const mine = (this.under = new AbortController());
    try {
      const answer = await fetch(fileLink(name, "json", values, cut), { signal: mine.signal });
      const body = await answer.json();
      return mine === this.under ? body : null;
    } catch {
      const away = { code: "away", vi: "Máy chủ không trả lời; hãy hỏi lại", en: "The server does not answer; ask again" };
      return mine === this.under ? away : null;
    }
  }

  stop() {
    this.under?.abort();
    this.under = null;
  }
}
