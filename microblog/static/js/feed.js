/* The list of posts keeps up: what arrives is let in or waits behind the pill, and nothing moves under the
   reader's eyes. It knows posts and their order; where the news comes from is not its business. */

import { idOf, isOlder, newestFirst } from "./order.js";
import { viewerName } from "./own.js";
import { Pager } from "./pager.js";
import { Pill } from "./pill.js";
import { rowsOf } from "./place.js";
import { Rows, rowFrom, wording } from "./rows.js";

const AT_TOP = 32;
const MOST_WAITING = 200;

export class Feed {
  #rows;
  #pill = new Pill(() => this.#reveal());
  /** Rows behind the pill, by id. */
  #waiting = new Map();
  /** Posts are missing between what waits and what is shown: the shown go when the waiting come. */
  #torn = false;
  /** The newest row that was known when events were lost. */
  #edge = null;
  /** Number of the latest event about each post: a page read before it knows less than we do. */
  #stamps = new Map();
  #gone = new Set();
  #since;

  constructor(list) {
    this.#rows = new Rows(list);
    this.#since = Number(list.dataset.since);
  }

  /** Whether new rows may come in by themselves: on the newest page only. */
  get arriving() {
    const asked = new URLSearchParams(location.search);
    return !this.#rows.isSingle && !["before", "after", "page"].some((name) => asked.has(name));
  }

  created(html, seq) {
    const row = rowFrom(html);
    const id = idOf(row);
    if (this.#gone.has(id)) return;
    this.#stamps.set(id, seq);
    if (this.#known(id)) this.#change(row);
    else if (this.arriving) this.#arrive(row);
  }

  updated(html, seq) {
    const row = rowFrom(html);
    this.#stamps.set(idOf(row), seq);
    this.#change(row);
  }

  deleted(id) {
    this.#gone.add(id);
    this.#waiting.delete(id);
    const row = this.#rows.find(id);
    if (row) this.#rows.remove(row);
    this.#pill.show(this.#waiting.size);
  }

  /** Events were lost from here on, until the page has been read anew. */
  lost() {
    this.#edge ??= this.#newest();
  }

  /** Brings the list in step with a freshly read page. False: that page has no such list (signed out). */
  merge(page) {
    const fresh = page.getElementById("posts");
    if (!fresh) return false;
    const read = Number(fresh.dataset.since);
    const rows = new Map(rowsOf(fresh).map((row) => [idOf(row), document.importNode(row, true)]));
    // Below its last row the page says nothing, unless the list ends there.
    const last = new Pager(page).hasOlder ? newestFirst(rows.values()).at(-1) : null;
    const isBelow = (row) => last && isOlder(row, last);
    const edge = this.#edge ?? this.#newest();
    this.#edge = null;
    if (this.arriving && edge && isBelow(edge)) this.#torn = true;
    this.#forget((row) => !rows.has(idOf(row)) && !isBelow(row) && this.#stamp(idOf(row)) <= read);
    for (const [id, row] of rows) this.#compare(id, row, read);
    this.#settle();
    return true;
  }

  /** What the page was about is no more. */
  vanish() {
    this.#forget(() => true);
    this.#pill.show(0);
  }

  #known(id) {
    return this.#waiting.get(id) ?? this.#rows.find(id);
  }

  #newest() {
    return newestFirst([...this.#rows.all, ...this.#waiting.values()])[0];
  }

  #stamp(id) {
    return this.#stamps.get(id) ?? this.#since;
  }

  #change(row) {
    if (this.#waiting.has(idOf(row))) this.#waiting.set(idOf(row), row);
    else this.#rows.exchange(row);
  }

  #forget(isGone) {
    [...this.#waiting.values()].filter(isGone).forEach((row) => this.#waiting.delete(idOf(row)));
    this.#rows.all.filter(isGone).forEach((row) => this.#rows.remove(row));
  }

  #compare(id, row, read) {
    const known = this.#known(id);
    if (known) {
      if (this.#stamp(id) <= read && wording(known) !== wording(row)) this.#change(row);
    } else if (this.arriving && !this.#gone.has(id)) {
      this.#waiting.set(id, row);
      this.#stamps.set(id, read);
    }
  }

  #arrive(row) {
    const own = row.dataset.author === viewerName();
    if (own && !this.#atTop()) this.#rows.placeStill(row);
    else this.#waiting.set(idOf(row), row);
    this.#settle();
  }

  #atTop() {
    return this.arriving && window.scrollY <= AT_TOP && !this.#rows.isBusy;
  }

  /* Lets the waiting in where that moves nothing that is being read, else shows the pill. */
  #settle() {
    this.#bound();
    if (this.#waiting.size && this.#atTop()) this.#pill.announce(this.#letIn().length);
    this.#pill.show(this.#waiting.size);
  }

  /* More than a page can hold are waiting: the oldest of them can be read further back. */
  #bound() {
    if (this.#waiting.size <= MOST_WAITING) return;
    for (const row of newestFirst(this.#waiting.values()).slice(MOST_WAITING)) this.#waiting.delete(idOf(row));
    this.#torn = true;
  }

  /** Returns the rows that came in, newest first. */
  #letIn() {
    const rows = newestFirst(this.#waiting.values());
    this.#waiting.clear();
    rows.forEach((row) => this.#rows.place(row));
    if (this.#torn) this.#rows.dropOlderThan(rows.at(-1));
    this.#torn = false;
    this.#rows.trim();
    return rows;
  }

  #reveal() {
    const [newest] = this.#letIn();
    window.scrollTo({ top: 0, behavior: "instant" });
    this.#rows.trim();
    this.#pill.show(0);
    this.#rows.focus(newest);
  }
}
