/* One socket to /live that is always coming back: it knows frames, numbers and time, but nothing of the page. */

const FIRST_DELAY = 1000;
const LAST_DELAY = 30_000;
const CROWDED_DELAY = 120_000;
const HELLO_WITHIN = 10_000;
const STEADY_AFTER = 10_000;
const PATIENCE = 2.5;

// What comes anyway, for pages that ask for nothing else.
const NO_CHANNEL = "notifications";

// A channel of this page is no more, such as a person's old name: asking again would not help.
const UNKNOWN_CHANNEL = 1003;
const SIGNED_OUT = 4401;
const CROWDED = 4429;

/* Full jitter: after a restart the readers of a server come back spread over the whole span. */
function jittered(span) {
  return Math.random() * span;
}

export class Connection {
  /** Connects that failed since the last greeting. */
  failures = 0;

  #channels;
  #seq;
  #onFrame;
  #onState;
  #socket = null;
  #attempt = 0;
  #silence = HELLO_WITHIN;
  #heardAt = 0;
  #quietUntil = 0;
  #greeted = false;
  #ended = false;
  #retry;
  #watchdog;
  #steady;

  /**
   * `channels`: none if absent; what is meant for the reader alone always comes.
   * `since`: the number of the last event that the page knows. `onFrame(frame)` gets each event once, in order;
   * `onState(state)` gets "open", "waiting" or "ended".
   */
  constructor({ channels, since, onFrame, onState }) {
    this.#channels = channels ?? NO_CHANNEL;
    this.#seq = since;
    this.#onFrame = onFrame;
    this.#onState = onState;
    window.addEventListener("online", () => this.#hurry());
    window.addEventListener("offline", () => this.#closed(0));
    window.addEventListener("pageshow", (event) => event.persisted && this.#hurry());
    // An open socket would keep the page out of the browser's back/forward cache.
    window.addEventListener("pagehide", () => this.#drop());
    document.addEventListener("visibilitychange", () => document.hidden || this.#lookUp());
  }

  open() {
    clearTimeout(this.#retry);
    if (this.#ended || this.#socket) return;
    const url = new URL("/live", location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    url.searchParams.set("channels", this.#channels);
    url.searchParams.set("since", this.#seq);
    const socket = new WebSocket(url);
    this.#socket = socket;
    this.#greeted = false;
    this.#silence = HELLO_WITHIN;
    socket.onmessage = (event) => this.#hear(event.data);
    socket.onclose = (event) => this.#closed(event.code);
    this.#watch();
  }

  /** Stops for good: there is nobody left to listen for. */
  end() {
    this.#ended = true;
    this.#drop();
    this.#onState("ended");
  }

  #hear(data) {
    this.#watch();
    const frame = JSON.parse(data);
    if (frame.type === "hello") this.#greet(frame);
    else if (frame.type === "gap") this.#jump(frame);
    else if (!(frame.seq <= this.#seq)) this.#take(frame);
  }

  #greet(frame) {
    // `seq` stays what it is: what lies between it and the greeting's is sent next.
    this.#greeted = true;
    this.failures = 0;
    this.#silence = frame.heartbeat * 1000 * PATIENCE;
    this.#watch();
    this.#steady = setTimeout(() => (this.#attempt = 0), STEADY_AFTER);
    this.#onState("open");
  }

  #jump(frame) {
    // Possibly backwards, when the server has been restored from a copy.
    this.#seq = frame.seq;
    this.#onFrame(frame);
  }

  #take(frame) {
    this.#seq = frame.seq ?? this.#seq;
    if (frame.type !== "heartbeat") this.#onFrame(frame);
  }

  #watch() {
    this.#heardAt = Date.now();
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => this.#closed(0), this.#silence);
  }

  /** Lets go of the socket without waiting for a peer that may be long gone. */
  #drop() {
    clearTimeout(this.#retry);
    clearTimeout(this.#watchdog);
    clearTimeout(this.#steady);
    const socket = this.#socket;
    if (!socket) return;
    this.#socket = null;
    socket.onmessage = socket.onclose = null;
    socket.close();
    this.#onState("waiting");
  }

  #closed(code) {
    if (this.#ended) return;
    if (!this.#greeted) this.failures += 1;
    // It will be a while until there is room: long enough to be told in another way meanwhile.
    if (code === CROWDED) this.failures = Infinity;
    this.#drop();
    if (code === SIGNED_OUT) this.end();
    else this.#retry = setTimeout(() => this.open(), this.#delay(code));
  }

  #delay(code) {
    if (code === CROWDED) return this.#stayAway();
    if (code === UNKNOWN_CHANNEL) this.#channels = NO_CHANNEL;
    const span = Math.min(LAST_DELAY, FIRST_DELAY * 2 ** this.#attempt);
    this.#attempt += 1;
    return jittered(span);
  }

  #stayAway() {
    const delay = CROWDED_DELAY / 2 + jittered(CROWDED_DELAY / 2);
    this.#quietUntil = Date.now() + delay;
    return delay;
  }

  #hurry() {
    if (Date.now() < this.#quietUntil) return;
    this.#attempt = 0;
    this.open();
  }

  #lookUp() {
    // Timers sleep in hidden pages, so the watchdog may be late.
    if (this.#socket && Date.now() - this.#heardAt > this.#silence) this.#drop();
    this.#hurry();
  }
}
