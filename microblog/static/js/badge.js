/* How many messages are unread, in the navigation of every page. */

import { ask, onNotification } from "./notifications.js";

function show(count) {
  const badge = document.getElementById("message_count");
  if (!badge) return;
  badge.textContent = count;
  badge.classList.toggle("is-hidden", !count);
}

export function startBadge() {
  onNotification("unread_message_count", show);
  // A page that comes back out of the browser's memory shows what it showed when it was left.
  window.addEventListener("pageshow", (event) => event.persisted && ask());
}
