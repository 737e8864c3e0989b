// What the reader chose stands in the address, so that a link shows the same.

export function get(name) {
  return new URLSearchParams(location.search).get(name) ?? "";
}

/** The day in the address; empty (the newest) if what stands there is not a day. */
export function day() {
  const text = get("day");
  const date = /^20[2-9]\d-\d\d-\d\d$/.test(text) ? new Date(text) : new Date(NaN);
  return !isNaN(date) && date.toISOString().startsWith(text) ? text : "";
}

/** Change some members of the address; an empty value removes one. */
export function set(changes) {
  history.replaceState(null, "", withChanges(changes));
}

export function withChanges(changes) {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(changes)) {
    if (value) query.set(name, value);
    else query.delete(name);
  }
  const text = query.toString();
  return text ? `?${text}` : location.pathname;
}
