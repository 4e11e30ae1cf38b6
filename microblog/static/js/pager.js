/* The way to older posts begins below the last row shown, also when rows have come or gone since. */

export class Pager {
  #older;

  constructor(page = document) {
    this.#older = page.querySelector(".pager .pager-way:last-child");
  }

  get hasOlder() {
    return this.#older?.matches("a") ?? false;
  }

  /** Lets "older" begin below `row`. */
  startBelow(row) {
    if (!this.#older || !row) return;
    const url = new URL(this.hasOlder ? this.#older.href : location.href);
    url.searchParams.delete("page");
    url.searchParams.set("before", row.dataset.postId);
    const link = document.createElement("a");
    link.className = "pager-way";
    link.rel = "next";
    link.href = url;
    link.textContent = this.#older.textContent;
    this.#older.replaceWith(link);
    this.#older = link;
  }
}
