/* The reader's place: rows may come and go above it, but what is being read stays where it is. */

export function rowsOf(list) {
  return [...list.querySelectorAll("article[data-post-id]")];
}

function firstInView(list, except) {
  const header = document.querySelector(".site-header")?.getBoundingClientRect().bottom ?? 0;
  const edge = Math.max(0, header);
  return rowsOf(list).find((row) => row !== except && row.getBoundingClientRect().bottom > edge);
}

/* Browsers scroll by whole pixels; what is left over is made good the next time, so that it never adds up. */
let owed = 0;

/** Runs `change` and scrolls by as much as it moved the first row in view; `except` is a row about to go. */
export function keepStill(list, change, except = null) {
  const row = firstInView(list, except);
  const place = row && row.getBoundingClientRect().top - owed;
  change();
  // The row may have been exchanged for a newer version of itself.
  const now = row && list.querySelector(`[data-post-id="${row.dataset.postId}"]`);
  if (!now || place > window.innerHeight) return;
  const top = () => now.getBoundingClientRect().top;
  if (top() !== place) window.scrollBy({ top: top() - place, behavior: "instant" });
  owed = Math.abs(top() - place) < 1 ? top() - place : 0;
}
