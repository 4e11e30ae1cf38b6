/* The button that new posts wait behind, and the other ways to tell that there are some. */

import { phrase } from "./plural.js";

const ANNOUNCED_FOR = 3000;

export class Pill {
  #button = document.getElementById("new-posts");
  #spoken = document.querySelector("[data-arrived]");
  #title = document.title;
  #waiting = 0;
  /** Rows that came in while nobody looked at the page. */
  #unseen = 0;
  #silence;

  constructor(onClick) {
    this.#button?.addEventListener("click", onClick);
    document.addEventListener("visibilitychange", () => this.#seen());
  }

  show(waiting) {
    this.#waiting = waiting;
    if (this.#button) {
      this.#button.hidden = waiting === 0;
      if (waiting) this.#button.textContent = phrase(this.#button, "text", waiting);
    }
    this.#entitle();
  }

  /** Rows came in without a button: told to those who do not see them come. */
  announce(count) {
    if (document.hidden) this.#unseen += count;
    this.#spoken.textContent = phrase(this.#button, "text", count);
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => (this.#spoken.textContent = ""), ANNOUNCED_FOR);
    this.#entitle();
  }

  #seen() {
    if (document.hidden) return;
    this.#unseen = 0;
    this.#entitle();
  }

  #entitle() {
    const news = this.#waiting + this.#unseen;
    document.title = news ? `(${news}) ${this.#title}` : this.#title;
  }
}
