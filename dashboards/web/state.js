// The newest figures, as the server sent them: a snapshot replaces all, a delta replaces what it names.

export class State {
  snapshot = null;
  /** The stream broke and has not come back yet. */
  lost = false;
  /** Another day was asked for and has not come yet. */
  switching = false;
  #readAt = null;

  replace(body) {
    this.switching = false;
    this.snapshot = { ...body, rows: new Map(body.rows.map((row) => [row.ward, row])) };
    this.#heard(body);
  }

  /** Returns the rows that changed. */
  change(body) {
    const { rows = [], ...members } = body;
    Object.assign(this.snapshot, members);
    for (const row of rows) this.snapshot.rows.set(row.ward, row);
    this.#heard(body);
    return rows;
  }

  #heard(body) {
    this.lost = false;
    // By our own clock, so that a wrong clock on this machine cannot make figures look fresh or old.
    this.#readAt = body.age_s == null ? null : performance.now() - body.age_s * 1000;
  }

  /** Seconds since ClickHouse was read; null if it never was. */
  get age() {
    return this.#readAt == null ? null : (performance.now() - this.#readAt) / 1000;
  }
}
