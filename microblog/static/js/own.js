/* Rows are the same for every reader; what belongs to the author alone is uncovered here. */

export function viewerName() {
  return document.querySelector('meta[name="viewer"]')?.content ?? "";
}

export function showOwn(root = document) {
  const viewer = viewerName();
  if (!viewer) return;
  for (const control of root.querySelectorAll("[data-own][hidden]")) {
    // A post's own page has these controls below the post already.
    if (control.closest(".single")) continue;
    control.hidden = control.closest("[data-author]")?.dataset.author !== viewer;
  }
}
