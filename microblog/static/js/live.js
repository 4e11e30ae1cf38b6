/* The open page: frames from the socket go where they belong; without a socket the list is read anew now and
   then, and notifications are asked for. */

import { Connection } from "./connection.js";
import { Feed } from "./feed.js";
import { ask, hear } from "./notifications.js";

const GIVE_UP_AFTER = 3;
const POLL = 10_000;
// After a gap many readers ask for the page at once: they spread a little.
const SPREAD = 500;

const wait = (span) => new Promise((resolve) => setTimeout(resolve, span));

class Live {
  /** The list that keeps up; most pages have none. */
  #feed;
  #connection;
  #reading = false;
  #again = false;
  #poll;

  constructor(list, since) {
    this.#feed = list && new Feed(list);
    this.#connection = new Connection({
      channels: list?.dataset.channels,
      since,
      onFrame: (frame) => this.#frame(frame),
      onState: (state) => this.#state(state),
    });
    this.#connection.open();
  }

  #frame(frame) {
    if (frame.type === "post.created") this.#feed?.created(frame.html, frame.seq);
    else if (frame.type === "post.updated") this.#update(frame);
    else if (frame.type === "post.deleted") this.#feed?.deleted(frame.post_id);
    else if (frame.type === "gap") this.#lost();
    else if (frame.type === "notification") hear(frame);
    else this.#pass(frame);
  }

  #update(frame) {
    this.#pass(frame);
    this.#feed?.updated(frame.html, frame.seq);
  }

  /* To whoever else has use for it. */
  #pass(frame) {
    document.dispatchEvent(new CustomEvent(`microblog:${frame.type}`, { detail: frame }));
  }

  #lost() {
    this.#ask();
    document.dispatchEvent(new CustomEvent("microblog:gap"));
    if (!this.#feed) return;
    this.#feed.lost();
    this.#reload();
  }

  async #ask() {
    if (!(await ask())) this.#connection.end();
  }

  #state(state) {
    const polling = state === "waiting" && this.#connection.failures >= GIVE_UP_AFTER;
    if (polling) this.#startPolling();
    else this.#stopPolling();
    if (state === "ended") document.querySelector("[data-live-ended]")?.removeAttribute("hidden");
    this.#show(polling ? "polling" : state);
  }

  #startPolling() {
    // Every failed connect comes by here; the clock that runs already goes on.
    this.#poll ??= setInterval(() => document.hidden || this.#look(), POLL);
  }

  #look() {
    this.#ask();
    if (this.#feed) this.#reload();
  }

  #stopPolling() {
    clearInterval(this.#poll);
    this.#poll = undefined;
  }

  #show(state) {
    const status = document.querySelector("[data-live-status]");
    if (!status) return;
    status.hidden = state === "ended";
    status.classList.toggle("is-open", state === "open");
    for (const text of status.querySelectorAll("[data-when]")) text.hidden = text.dataset.when !== state;
  }

  /** Reads the page until it has been read once after the latest call. */
  async #reload() {
    this.#again = true;
    if (this.#reading) return;
    this.#reading = true;
    while (this.#again) {
      this.#again = false;
      await wait(Math.random() * SPREAD);
      await this.#readOnce();
    }
    this.#reading = false;
  }

  async #readOnce() {
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store" });
      if (answer.status === 404) this.#feed.vanish();
      else if (answer.ok) this.#merge(await answer.text());
      else throw new Error(`the page answered ${answer.status}`);
    } catch {
      // The server is away. While nobody can say what was missed, keep asking.
      await wait(POLL / 2 + (Math.random() * POLL) / 2);
      this.#again = true;
    }
  }

  #merge(text) {
    // A page without the list is the login page: nobody is signed in any more.
    const page = new DOMParser().parseFromString(text, "text/html");
    if (!this.#feed.merge(page)) this.#connection.end();
  }
}

export function startLive() {
  const since = document.querySelector('meta[name="live-since"]')?.content;
  if (since) new Live(document.querySelector("#posts[data-channels]"), Number(since));
}
