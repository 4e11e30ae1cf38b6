/* The list of posts on the page: rows come, change and go, and nothing moves under the reader's eyes.
   It knows rows and the pill; where frames come from is not its business. */

import { showOwn, viewerName } from "./own.js";
import { Pager } from "./pager.js";
import { phrase } from "./plural.js";
import { keepStill, rowsOf } from "./place.js";
import { showTimes } from "./time.js";

const MOST_ROWS = 200;
const AT_TOP = 32;
const ANNOUNCED_FOR = 3000;

const idOf = (row) => Number(row.dataset.postId);

/* What of a row can change; times and uncovered links differ without being news. */
function wording(row) {
  const parts = [".post-author", ".post-edited", ".post-body"];
  return parts.map((part) => row.querySelector(part)?.innerHTML ?? "").join("\n");
}

export class Feed {
  #list;
  #pill = document.getElementById("new-posts");
  #spoken = document.querySelector("[data-arrived]");
  #pager = new Pager();
  #title = document.title;
  /** Rows that wait behind the pill, by id. */
  #waiting = new Map();
  /** There are posts between what waits and what is shown, so the shown ones go when the waiting come. */
  #torn = false;
  #unseen = 0;
  #silence;
  #stamps = new Map();
  #gone = new Set();
  #since;

  constructor(list) {
    this.#list = list;
    this.#since = Number(list.dataset.since);
    // Rows move only here from now on; the browser's own correction would come on top.
    document.documentElement.classList.add("keeps-place");
    this.#pill?.addEventListener("click", () => this.#reveal());
    document.addEventListener("visibilitychange", () => this.#returned());
  }

  /** Whether new rows may come in by themselves: on the newest page only. */
  get arriving() {
    const asked = new URLSearchParams(location.search);
    return "arriving" in this.#list.dataset && !["before", "after", "page"].some((name) => asked.has(name));
  }

  created(html, seq) {
    const row = this.#rowFrom(html);
    const id = idOf(row);
    if (this.#gone.has(id)) return;
    this.#stamps.set(id, seq);
    if (this.#shown(id) || this.#waiting.has(id)) this.#change(row);
    else if (this.arriving) this.#arrive(row);
  }

  updated(html, seq) {
    const row = this.#rowFrom(html);
    this.#stamps.set(idOf(row), seq);
    this.#change(row);
  }

  deleted(id) {
    this.#gone.add(id);
    this.#waiting.delete(id);
    const row = this.#shown(id);
    if (row) this.#remove(row);
    this.#tell();
  }

  /** Brings the list in step with a freshly read page. False: that page has no such list (signed out). */
  merge(page) {
    const fresh = page.getElementById("posts");
    if (!fresh) return false;
    const read = Number(fresh.dataset.since);
    const rows = new Map(rowsOf(fresh).map((row) => [idOf(row), document.importNode(row, true)]));
    const oldest = new Pager(page).hasOlder ? Math.min(...rows.keys()) : 0;
    this.#forget(rows, oldest, read);
    for (const [id, row] of [...rows].sort(([a], [b]) => a - b)) this.#mergeRow(id, row, read, oldest);
    this.#settle();
    return true;
  }

  /** What the page was about is no more. */
  vanish() {
    rowsOf(this.#list).forEach((row) => this.#remove(row));
    this.#waiting.clear();
    this.#tell();
  }

  /* ---- single rows ---- */

  #rowFrom(html) {
    const template = document.createElement("template");
    template.innerHTML = html;
    return this.#dress(template.content.querySelector("article"));
  }

  #dress(row) {
    showTimes(row);
    return row;
  }

  #shown(id) {
    return this.#list.querySelector(`[data-post-id="${id}"]`);
  }

  #stamp(id) {
    return this.#stamps.get(id) ?? this.#since;
  }

  #change(row) {
    const id = idOf(row);
    if (this.#waiting.has(id)) this.#waiting.set(id, row);
    const old = this.#shown(id);
    if (!old || wording(old) === wording(row)) return;
    const links = [...old.querySelectorAll("a, button")];
    const focused = links.indexOf(document.activeElement);
    keepStill(this.#list, () => old.replaceWith(row));
    showOwn(row);
    if (focused >= 0) row.querySelectorAll("a, button")[focused]?.focus({ preventScroll: true });
  }

  #remove(row) {
    const next = row.nextElementSibling ?? row.previousElementSibling;
    const focused = row.contains(document.activeElement);
    keepStill(this.#list, () => row.remove(), row);
    if (focused && next) this.#focus(next);
    if (!("arriving" in this.#list.dataset)) this.#mourn();
  }

  /* On a post's own page: say what happened instead of an empty frame. */
  #mourn() {
    const note = document.querySelector("template[data-post-gone]");
    this.#list.replaceChildren(document.importNode(note.content, true));
    document.querySelector("[data-owner-actions]")?.remove();
  }

  #focus(row) {
    row.tabIndex = -1;
    row.focus({ preventScroll: true });
  }

  /* ---- arriving ---- */

  #arrive(row) {
    this.#waiting.set(idOf(row), row);
    const own = row.dataset.author === viewerName();
    if (own && !this.#atTop()) keepStill(this.#list, () => this.#place(row));
    this.#settle();
  }

  /** Lets the waiting in where that moves nothing, else keeps them behind the pill. */
  #settle() {
    if (this.#waiting.size && this.#atTop()) this.#announce(this.#letIn().length);
    this.#tell();
  }

  #atTop() {
    if (window.scrollY > AT_TOP || !this.arriving) return false;
    // Somebody who walks the rows by keyboard, or marks text, is reading.
    const selection = document.getSelection();
    const marking = !selection.isCollapsed && this.#list.contains(selection.anchorNode);
    return !marking && !this.#list.querySelector("a:focus-visible, button:focus-visible");
  }

  #letIn() {
    const rows = [...this.#waiting.values()];
    if (this.#torn) this.#dropOlderThan(Math.min(...this.#waiting.keys()));
    rows.forEach((row) => this.#place(row));
    this.#trim();
    if (document.hidden) this.#unseen += rows.length;
    return rows;
  }

  #place(row) {
    const id = idOf(row);
    this.#waiting.delete(id);
    row.classList.add("is-new");
    const below = rowsOf(this.#list).find((other) => idOf(other) < id);
    this.#list.insertBefore(row, below ?? null);
    showOwn(row);
    document.querySelector("[data-empty]")?.setAttribute("hidden", "");
  }

  #reveal() {
    const newest = this.#letIn().reduce((a, b) => (idOf(a) > idOf(b) ? a : b));
    window.scrollTo({ top: 0, behavior: "instant" });
    this.#trim();
    this.#tell();
    this.#focus(newest);
  }

  #dropOlderThan(id) {
    rowsOf(this.#list).filter((row) => idOf(row) < id).forEach((row) => row.remove());
  }

  /* A page that is open for days must not grow without end; only rows that nobody sees are let go. */
  #trim() {
    const rows = rowsOf(this.#list);
    const all = rows.length;
    while (rows.length > MOST_ROWS && rows.at(-1).getBoundingClientRect().top > window.innerHeight) rows.pop().remove();
    if (this.#torn || rows.length < all) this.#pager.startBelow(rows.at(-1));
    this.#torn = false;
  }

  /* ---- a page read anew ---- */

  /* Rows that the fresh page would show if they still were there. */
  #forget(rows, oldest, read) {
    const missing = (id) => !rows.has(id) && id >= oldest && this.#stamp(id) <= read;
    [...this.#waiting.keys()].filter(missing).forEach((id) => this.#waiting.delete(id));
    rowsOf(this.#list).filter((row) => missing(idOf(row))).forEach((row) => this.#remove(row));
  }

  #mergeRow(id, row, read, oldest) {
    this.#dress(row);
    const known = this.#waiting.get(id) ?? this.#shown(id);
    if (known) {
      if (this.#stamp(id) <= read && wording(known) !== wording(row)) this.#change(row);
    } else if (this.arriving && !this.#gone.has(id)) {
      const newest = Math.max(0, ...rowsOf(this.#list).map(idOf), ...this.#waiting.keys());
      if (newest && newest < oldest) this.#torn = true;
      this.#waiting.set(id, row);
      this.#stamps.set(id, read);
    }
  }

  /* ---- telling ---- */

  #tell() {
    this.#bound();
    const count = this.#waiting.size;
    if (this.#pill) {
      this.#pill.hidden = count === 0;
      if (count) this.#pill.textContent = phrase(this.#pill, "text", count);
    }
    const news = count + this.#unseen;
    document.title = news ? `(${news}) ${this.#title}` : this.#title;
  }

  /* More than a page can hold are waiting: the oldest of them, and all that is shown, can be read further back. */
  #bound() {
    const ids = [...this.#waiting.keys()].sort((a, b) => a - b);
    for (const id of ids.slice(0, Math.max(0, ids.length - MOST_ROWS))) {
      this.#waiting.delete(id);
      this.#torn = true;
    }
  }

  /* Rows that came in without a pill are told to those who do not see them come. */
  #announce(count) {
    this.#spoken.textContent = phrase(this.#pill, "text", count);
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => (this.#spoken.textContent = ""), ANNOUNCED_FOR);
  }

  #returned() {
    if (document.hidden) return;
    this.#unseen = 0;
    this.#tell();
  }
}
