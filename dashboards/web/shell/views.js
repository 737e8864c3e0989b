// The views of the page, and what each needs. A view is loaded when it is first opened.
//
// A view's module exports:
//   dictionary  name of its words: words/NAME.vi.json and words/NAME.en.json
//   style       address of its stylesheet, or "" if it has none
//   View        class: new View(root, { go, address(), state, who }), then
//     draw(snapshot, names)  draw the figures; `names` is the set of members that changed, null for all
//     topic(address)         optional: further parameters of /events and /api/snapshot, such as { ward }
//     changed(address)       optional: the address changed, but not its view, ward, language or theme
//     title()                optional: what the window is called
//     close()                optional: the reader leaves, or the language changes

const TABS = ["city", "difficulties", "questions", "dictionary"];
// A ward's viewer sees its own ward.
const WARD_TABS = ["ward", "questions", "dictionary"];

export const tabsOf = ({ role }) => (role === "ward" ? WARD_TABS : TABS);

const VIEWS = {
  city: () => import("../views/city/view.js"),
  difficulties: () => import("../views/difficulties/view.js"),
  ward: () => import("../views/ward/view.js"),
  questions: () => import("../views/questions/view.js"),
  dictionary: () => import("../views/dictionary/view.js"),
};

/** The view's module; the city's for a name that is none. */
export function load(name) {
  return (VIEWS[name] ?? VIEWS.city)();
}

const dressed = new Map();

/** Fetch a view's stylesheet before it is shown. */
export function dress(href) {
  if (!href) return undefined;
  if (!dressed.has(href)) dressed.set(href, fetchStyle(href));
  return dressed.get(href);
}

function fetchStyle(href) {
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = href;
  return new Promise((done) => {
    link.addEventListener("load", done);
    link.addEventListener("error", done);
    document.head.append(link);
  });
}
