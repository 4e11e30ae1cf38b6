/* A conversation keeps up while it is looked at: new messages come in at the bottom, above the answer box.
   Reading the page is what marks them as read, so a page that nobody sees waits. */

import { onNotification } from "./notifications.js";
import { showTimes } from "./time.js";

// What belongs together arrives together: the message, and how many are unread now.
const SETTLE = 60;

const idOf = (row) => Number(row.dataset.messageId);
const wait = (span) => new Promise((resolve) => setTimeout(resolve, span));

class Talk {
  #list;
  #answer = document.querySelector(".answer");
  #unread = Number(document.getElementById("message_count")?.textContent ?? 0);
  #reading = false;
  #again = false;

  constructor(list) {
    this.#list = list;
    document.addEventListener("microblog:message.created", (event) => {
      if (event.detail.user_id === Number(list.dataset.with)) this.#readOn();
    });
    document.addEventListener("microblog:gap", () => this.#readOn());
    // Without a socket only the number tells that somebody has written.
    onNotification("unread_message_count", (count) => {
      if (count > this.#unread) this.#readOn();
      this.#unread = count;
    });
    document.addEventListener("visibilitychange", () => this.#again && this.#readOn());
    window.addEventListener("pageshow", (event) => event.persisted && this.#readOn());
    if (!location.hash && !cameBack()) this.#answer?.scrollIntoView({ block: "end", behavior: "instant" });
  }

  get #rows() {
    return [...this.#list.querySelectorAll("article[data-message-id]")];
  }

  async #readOn() {
    this.#again = true;
    if (this.#reading) return;
    this.#reading = true;
    while (this.#again && !document.hidden) {
      await wait(SETTLE);
      this.#again = false;
      await this.#readOnce();
    }
    this.#reading = false;
  }

  async #readOnce() {
    try {
      const answer = await fetch(location.pathname, { headers: { Accept: "text/html" }, cache: "no-store" });
      if (answer.ok) this.#merge(new DOMParser().parseFromString(await answer.text(), "text/html"));
    } catch {
      // The server is away; what comes next, or a look at the page, asks again.
    }
  }

  #merge(page) {
    const fresh = [...page.querySelectorAll("#messages article[data-message-id]")];
    const known = new Set(this.#rows.map(idOf));
    const newest = Math.max(0, ...known);
    const news = fresh.filter((row) => idOf(row) > newest).map((row) => document.importNode(row, true));
    if (!news.length) return;
    const torn = known.size > 0 && !fresh.some((row) => known.has(idOf(row)));
    const place = this.#isAtEnd() && this.#answer.getBoundingClientRect().top;
    // More than a page has come: there would be a hole in between.
    if (torn) this.#list.replaceChildren();
    news.forEach(showTimes);
    this.#list.append(...news);
    document.querySelector("main [data-empty]")?.setAttribute("hidden", "");
    if (place !== false) window.scrollBy({ top: this.#answer.getBoundingClientRect().top - place, behavior: "instant" });
  }

  /* Whoever has the answer box before their eyes keeps it where it is, and sees what comes in above it. */
  #isAtEnd() {
    return this.#answer !== null && this.#answer.getBoundingClientRect().top < window.innerHeight;
  }
}

function cameBack() {
  const [entry] = performance.getEntriesByType("navigation");
  return entry?.type === "back_forward" || entry?.type === "reload";
}

export function startConversation() {
  const list = document.querySelector("#messages[data-arriving]");
  if (list) new Talk(list);
}
