// The stream of figures. The browser reconnects by itself after a broken connection; after a refusal
// (too many pages, a proxy's error) it does not, so we do. A hidden page gives its connection back, because
// a browser has only six for each address.

const RETRY_FIRST_MS = 1000;
const RETRY_MAX_MS = 10_000;
// The server speaks at least every two seconds; after three times that the line is dead, whatever it looks like.
const SILENCE_MAX_MS = 6000;

export class Stream {
  constructor({ onSnapshot, onDelta, onTick, onLost }) {
    this.on = { onSnapshot, onDelta, onTick, onLost };
    this.query = null;
    this.retryMs = RETRY_FIRST_MS;
    document.addEventListener("visibilitychange", () => this.#visible());
    setInterval(() => this.#checkSilence(), 1000);
  }

  /** Stream a topic, as its query says; the last one ends. */
  open(query) {
    this.query = query;
    this.#connect();
  }

  close() {
    this.query = null;
    this.#disconnect();
  }

  #connect() {
    this.#disconnect();
    this.heardAt = performance.now();
    const source = new EventSource(this.query ? `/events?${this.query}` : "/events");
    source.addEventListener("snapshot", (event) => this.#heard(event, this.on.onSnapshot));
    source.addEventListener("delta", (event) => this.#heard(event, this.on.onDelta));
    source.addEventListener("tick", (event) => this.#heard(event, this.on.onTick));
    source.addEventListener("error", () => this.#failed(source));
    this.source = source;
  }

  #disconnect() {
    clearTimeout(this.timer);
    this.source?.close();
    this.source = null;
  }

  #heard(event, tell) {
    if (event.target !== this.source) return;
    this.heardAt = performance.now();
    this.retryMs = RETRY_FIRST_MS;
    tell(JSON.parse(event.data));
  }

  #failed(source) {
    if (source !== this.source) return;
    this.on.onLost();
    if (source.readyState === EventSource.CLOSED) this.#retry();
  }

  #retry() {
    this.#disconnect();
    this.timer = setTimeout(() => this.#again(), this.retryMs);
    this.retryMs = Math.min(this.retryMs * 2, RETRY_MAX_MS);
  }

  /** Connect again, or log in again where the log-in has ended. */
  async #again() {
    const answer = await fetch("/api/viewer").catch(() => null);
    if (answer?.status === 401) location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
    else if (this.query !== null) this.#connect();
  }

  #checkSilence() {
    if (document.hidden || !this.source || performance.now() - this.heardAt < SILENCE_MAX_MS) return;
    this.on.onLost();
    this.#connect();
  }

  #visible() {
    if (this.query === null) return;
    if (document.hidden) this.#disconnect();
    else this.#connect();
  }
}
