/* One visit to a name: waits, asks who that is, shows it, and leaves nothing behind when it ends. */

import { placeBeside } from "./beside.js";
import { showTimes } from "./time.js";

// A page where there is one, for failures in words that a script understands.
const HEADERS = { Accept: "application/json, text/html;q=0.9" };

export class Visit {
  #abort = new AbortController();
  #frame = null;
  #timer;

  constructor(wrapper, delay) {
    this.wrapper = wrapper;
    this.#timer = setTimeout(() => this.#open(), delay);
  }

  get isOpen() {
    return this.#frame !== null;
  }

  end() {
    clearTimeout(this.#timer);
    this.#abort.abort();
    this.#frame?.remove();
    this.#frame = null;
  }

  place() {
    if (this.#frame) placeBeside(this.#frame, this.#link);
  }

  /** Takes the focus back to the name if it is within. */
  giveBackFocus() {
    if (this.#frame?.contains(document.activeElement)) this.#link.focus();
  }

  get #link() {
    return this.wrapper.querySelector("a");
  }

  async #open() {
    const card = await this.#ask();
    if (!card || this.#abort.signal.aborted || !this.wrapper.isConnected) return;
    this.#frame = document.createElement("div");
    this.#frame.className = "popup";
    this.#frame.append(card);
    this.#frame.addEventListener("submit", (event) => this.#press(event));
    this.wrapper.append(this.#frame);
    // Where the browser can, above everything else; no list cuts it off there.
    this.#frame.popover = "manual";
    this.#frame.showPopover?.();
    this.place();
  }

  async #ask() {
    try {
      // The link's own address: names may hold what addresses write differently.
      const address = new URL(this.#link.href).pathname;
      const answer = await fetch(`${address}/popup`, { headers: HEADERS, signal: this.#abort.signal });
      if (!answer.ok || answer.redirected) return null;
      const template = document.createElement("template");
      template.innerHTML = await answer.text();
      showTimes(template.content);
      return template.content.querySelector(".popup-card");
    } catch {
      // Left, or the server is away: nothing is shown, and the next visit asks anew.
      return null;
    }
  }

  /* The follow button does what it does on the profile, and the popup shows what has become of it. */
  async #press(event) {
    event.preventDefault();
    const form = event.target;
    if ("sent" in form.dataset) return;
    form.dataset.sent = "";
    const body = new URLSearchParams(new FormData(form, event.submitter));
    const done = await fetch(form.action, { method: "POST", headers: HEADERS, body }).catch(() => null);
    const card = done?.ok ? await this.#ask() : null;
    delete form.dataset.sent;
    if (!this.#frame) return;
    if (card) this.#exchange(card);
    else this.#frame.querySelector("[data-popup-failed]")?.removeAttribute("hidden");
    this.place();
  }

  #exchange(card) {
    const old = this.#frame.firstElementChild;
    this.#frame.append(card);
    // First the focus, so that it never leaves the popup.
    if (old.contains(document.activeElement)) card.querySelector("button")?.focus({ preventScroll: true });
    old.remove();
  }
}
