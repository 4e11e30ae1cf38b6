/* The search box from the keyboard: `/` goes there, Escape goes back to where one was. */

const TYPING = "input:not([type=checkbox]):not([type=radio]):not([type=submit]), textarea, select";

function isTyping(element) {
  return element.isContentEditable || element.matches(TYPING);
}

export function startSearch() {
  const box = document.querySelector("[data-search]");
  if (!box) return;
  let cameFrom = null;

  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.defaultPrevented || event.isComposing) return;
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (document.querySelector("dialog[open]")) return;
    event.preventDefault();
    cameFrom = document.activeElement;
    box.focus();
    box.select();
  });

  box.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.isComposing) return;
    // Browsers would empty the box: what was typed waits there instead.
    event.preventDefault();
    box.blur();
    if (cameFrom?.isConnected) cameFrom.focus();
    cameFrom = null;
  });
}
