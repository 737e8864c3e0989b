// The page's words, in the reader's language: dictionaries by view, loaded once. Words of the domain
// (statuses, channels) come with the snapshot.

const dictionaries = new Map();
let own = {};
let domain = {};
export let lang = "vi";

/** Speak a language, with the words of some dictionaries. */
export async function load(wanted, names) {
  const parts = await Promise.all(names.map((name) => dictionary(wanted, name)));
  own = Object.assign({}, ...parts);
  lang = wanted;
  document.documentElement.lang = lang;
}

function dictionary(wanted, name) {
  const path = `/web/words/${name}.${wanted}.json`;
  if (!dictionaries.has(path)) dictionaries.set(path, fetch(path).then((answer) => answer.json()));
  return dictionaries.get(path);
}

export function learn(words) {
  domain = words ?? domain;
}

/** A word of the page; {name} is replaced by parts.name. */
export function t(key, parts = {}) {
  const text = own[key];
  if (text === undefined) throw new Error(`no word for ${key}`);
  return text.replace(/\{(\w+)\}/g, (_, name) => parts[name]);
}

/** A word of the domain, as the server says it: said("status", 9). */
export function said(kind, code) {
  return domain[kind]?.[code]?.[lang] ?? "";
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
