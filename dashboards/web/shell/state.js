// The newest figures, as the server sent them: a snapshot replaces all, a delta replaces what it names.
// Members named in `keys` are tables: here a Map by the key, of which a delta brings the changed rows.

export class State {
  snapshot = null;
  /** The stream broke and has not come back yet. */
  lost = false;
  /** Something else was asked for and has not come yet. */
  switching = true;
  /** What was asked for does not exist: {code, vi, en}. */
  refused = null;
  /** When ClickHouse was read, in milliseconds by the wall clock and to a second; null if it never was. */
  readAt = null;
  #read = null;

  clear() {
    this.snapshot = null;
    this.switching = true;
  }

  replace(body) {
    this.switching = false;
    this.refused = null;
    const tables = Object.entries(body.keys ?? {}).map(([name, key]) => [name, byKey(body[name], key)]);
    this.snapshot = { ...body, ...Object.fromEntries(tables) };
    this.heard(body);
  }

  /** Returns the names of the members that changed. */
  change(body) {
    const { gone = {}, age_s: _age, ...members } = body;
    const keys = members.keys ?? this.snapshot.keys ?? {};
    for (const [name, value] of Object.entries(members)) {
      if (!(name in keys) || value === null) this.snapshot[name] = value;
      else if (!(this.snapshot[name] instanceof Map)) this.snapshot[name] = byKey(value, keys[name]);
      else for (const row of value) this.snapshot[name].set(row[keys[name]], row);
    }
    for (const [name, lost] of Object.entries(gone)) for (const key of lost) this.snapshot[name].delete(key);
    this.heard(body);
    return new Set([...Object.keys(members), ...Object.keys(gone)]);
  }

  heard(body) {
    this.lost = false;
    // By our own clock, so that a wrong clock on this machine cannot make figures look fresh or old.
    this.#read = body.age_s == null ? null : performance.now() - body.age_s * 1000;
    const at = body.age_s == null ? null : Date.now() - body.age_s * 1000;
    // The same reading, told a little sooner or later, must not become another second and be announced anew.
    if (at === null || Math.abs(at - this.readAt) > 1000) this.readAt = at;
  }

  refuse(problem) {
    this.switching = false;
    this.refused = problem;
  }

  /** Whether there are figures: before the first successful reading there are none. */
  get known() {
    return this.snapshot !== null && "cut" in this.snapshot;
  }

  /** Seconds since ClickHouse was read; null if it never was. */
  get age() {
    return this.#read == null ? null : (performance.now() - this.#read) / 1000;
  }
}

function byKey(rows, key) {
  return new Map(rows.map((row) => [row[key], row]));
}
