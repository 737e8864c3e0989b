// A button that puts a text into the clipboard, and says so.

import { make, write } from "../../parts/dom.js";
import { t } from "../../shell/words.js";

const SAID_MS = 2000;

export function copier(word, text) {
  const button = make("button", "copy", word);
  button.type = "button";
  button.ariaLive = "polite";
  button.addEventListener("click", async () => {
    const done = await copy(text());
    write(button, t(done ? "copied" : "not_copied"));
    setTimeout(() => write(button, word), SAID_MS);
  });
  return button;
}

/** A page that came without TLS has no clipboard of its own; the old way works there. */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = make("textarea", "hidden");
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}
