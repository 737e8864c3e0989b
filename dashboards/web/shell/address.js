// What the reader chose stands in the address, so that a link shows the same. Every view is such a link.

const THEMES = new Set(["light", "wall"]);
// Views with a path of their own, and below it the name of an item; all others are `/?view=NAME`.
const PATHS = { questions: "/questions", dictionary: "/dictionary" };
const PAGE = /^\/(?:(questions|dictionary)(?:\/([a-z][a-z0-9-]*))?)?$/;

/** The address, in one shape; what is nonsense there is as if it were not there. */
export function read() {
  const query = new URLSearchParams(location.search);
  const get = (name) => query.get(name) ?? "";
  const [, own = "", item = ""] = PAGE.exec(location.pathname) ?? [];
  return {
    view: own || (/^[a-z]{1,20}$/.test(get("view")) ? get("view") : "city"),
    item,
    // On a path of its own these are parameters of a question.
    ward: !own && /^\d{5}$/.test(get("ward")) ? get("ward") : "",
    lang: get("lang") === "en" ? "en" : "vi",
    theme: THEMES.has(get("theme")) ? get("theme") : "",
    day: own ? "" : realDay(get("day")),
    cut: /^[1-9]\d{0,8}$/.test(get("cut")) ? get("cut") : "",
    get,
  };
}

/** A link with some members of the address changed; an empty value removes one. */
export function link(changes) {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(changes)) {
    if (value) query.set(name, value);
    else query.delete(name);
  }
  return `?${query}`;
}

/** A link to a view: what belongs to the reader and to time stays, what belongs to the last view goes. */
export function viewLink(view, changes = {}, item = "") {
  const now = read();
  const own = PATHS[view];
  const kept = { lang: now.lang === "en" ? "en" : "", theme: now.theme, day: own ? "" : now.day, cut: now.cut };
  const members = Object.entries({ view: own || view === "city" ? "" : view, ...kept, ...changes });
  const path = own ? own + (item && `/${item}`) : "/";
  const query = `?${new URLSearchParams(members.filter(([, value]) => value))}`;
  return path === location.pathname ? query : `${path}${query === "?" ? "" : query}`;
}

/** Whether a link leads to a page of ours, which is shown without loading it anew. */
export function leadsHere(href) {
  if (href.startsWith("?")) return true;
  return href.startsWith("/") && PAGE.test(href.split(/[?#]/)[0]);
}

export function set(changes, quiet) {
  if (quiet) history.replaceState(null, "", link(changes));
  else if (link(changes) !== location.search) history.pushState(null, "", link(changes));
}

export function open(href) {
  history.pushState(null, "", href === "?" ? location.pathname : href);
  scrollTo(0, 0);
}

/** What the server is asked for, in one order. */
export function query(topic) {
  const members = Object.entries(topic).filter(([, value]) => value).sort();
  return new URLSearchParams(members).toString();
}

function realDay(text) {
  const date = /^20[2-9]\d-\d\d-\d\d$/.test(text) ? new Date(text) : new Date(NaN);
  return !isNaN(date) && date.toISOString().startsWith(text) ? text : "";
}
