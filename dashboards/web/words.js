// The page's words, in the reader's language. Words of the domain (statuses, channels) come with the snapshot.

let own = {};
let domain = {};
export let lang = "vi";

export async function load(wanted) {
  lang = wanted === "en" ? "en" : "vi";
  const answer = await fetch(`/web/words.${lang}.json`, { cache: "no-cache" });
  own = await answer.json();
  document.documentElement.lang = lang;
}

export function learn(words) {
  domain = words;
}

/** A word of the page; {name} is replaced by parts.name. */
export function t(key, parts = {}) {
  const text = own[key];
  if (text === undefined) throw new Error(`no word for ${key}`);
  return text.replace(/\{(\w+)\}/g, (_, name) => parts[name]);
}

/** A word of the domain, as the server says it. */
export function said(kind, code) {
  return domain[kind]?.[code]?.[lang] ?? "";
}

/** Put the words into the static parts of the page. */
export function label(root) {
  for (const el of root.querySelectorAll("[data-t]")) el.textContent = t(el.dataset.t);
  for (const el of root.querySelectorAll("[data-t-label]")) {
    el.setAttribute("aria-label", t(el.dataset.tLabel));
    if (el.tagName === "BUTTON") el.title = t(el.dataset.tLabel);
  }
  for (const el of root.querySelectorAll("[data-t-placeholder]")) el.placeholder = t(el.dataset.tPlaceholder);
}

/** Fill an element with a sentence whose <b>…</b> parts are set in bold; nothing else is read as markup. */
export function sentence(el, key, parts) {
  const pieces = t(key, parts).split(/<b>(.*?)<\/b>/);
  el.replaceChildren(...pieces.map((piece, i) => (i % 2 ? bold(piece) : piece)));
}

function bold(text) {
  const el = document.createElement("b");
  el.textContent = text;
  return el;
}
