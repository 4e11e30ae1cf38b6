/* The rows that are shown: found, put in by date, exchanged and taken out, without moving what is being read. */

import { idOf, isOlder } from "./order.js";
import { showOwn } from "./own.js";
import { Pager } from "./pager.js";
import { keepStill, rowsOf } from "./place.js";
import { showTimes } from "./time.js";

const MOST_ROWS = 200;

/** What of a row can change; times and uncovered links differ without being news. */
export function wording(row) {
  const parts = [".post-author", ".post-edited", ".post-body"];
  return parts.map((part) => row.querySelector(part)?.innerHTML ?? "").join("\n");
}

/** A row out of the fragment that the server sends. */
export function rowFrom(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content.querySelector("article");
}

export class Rows {
  #list;
  #pager = new Pager();

  constructor(list) {
    this.#list = list;
    // Rows move only here from now on; the browser's own correction would come on top.
    document.documentElement.classList.add("keeps-place");
  }

  get all() {
    return rowsOf(this.#list);
  }

  /** Whether the list is one post's own page, where nothing arrives. */
  get isSingle() {
    return !("arriving" in this.#list.dataset);
  }

  find(id) {
    return this.#list.querySelector(`[data-post-id="${id}"]`);
  }

  /** Somebody who walks the rows by keyboard, or marks text in them, is reading. */
  get isBusy() {
    const selection = document.getSelection();
    const marking = !selection.isCollapsed && this.#list.contains(selection.anchorNode);
    return marking || this.#list.querySelector("a:focus-visible, button:focus-visible") !== null;
  }

  /** Puts a row where its date belongs; this moves what is below. */
  place(row) {
    const below = this.all.find((other) => isOlder(other, row));
    row.classList.add("is-new");
    showTimes(row);
    this.#list.insertBefore(row, below ?? null);
    showOwn(row);
    document.querySelector("[data-empty]")?.setAttribute("hidden", "");
  }

  placeStill(row) {
    keepStill(this.#list, () => this.place(row));
  }

  exchange(row) {
    const old = this.find(idOf(row));
    if (!old || wording(old) === wording(row)) return;
    const focused = [...old.querySelectorAll("a, button")].indexOf(document.activeElement);
    showTimes(row);
    keepStill(this.#list, () => old.replaceWith(row));
    showOwn(row);
    if (focused >= 0) row.querySelectorAll("a, button")[focused]?.focus({ preventScroll: true });
  }

  remove(row) {
    const next = row.nextElementSibling ?? row.previousElementSibling;
    const focused = row.contains(document.activeElement);
    keepStill(this.#list, () => row.remove(), row);
    if (focused && next) this.focus(next);
    if (this.isSingle) this.#mourn();
  }

  focus(row) {
    row.tabIndex = -1;
    row.focus({ preventScroll: true });
  }

  dropOlderThan(row) {
    this.all.filter((other) => isOlder(other, row)).forEach((other) => other.remove());
    this.#pager.startBelow(this.all.at(-1));
  }

  /** A page that is open for days must not grow without end; only rows that nobody sees are let go. */
  trim() {
    const rows = this.all;
    const before = rows.length;
    const unseen = (row) => row.getBoundingClientRect().top > window.innerHeight;
    while (rows.length > MOST_ROWS && unseen(rows.at(-1))) rows.pop().remove();
    if (rows.length < before) this.#pager.startBelow(rows.at(-1));
  }

  /* On a post's own page: say what happened instead of showing an empty frame. */
  #mourn() {
    const note = document.querySelector("template[data-post-gone]");
    this.#list.replaceChildren(document.importNode(note.content, true));
    document.querySelector("[data-owner-actions]")?.remove();
  }
}
