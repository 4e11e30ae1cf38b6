/* Who somebody is, beside their name: after a second with the pointer or the keyboard on it, or a long touch.
   One popup at a time; it stays while the pointer or the focus is on the name or within. */

import { Visit } from "./visit.js";

const DELAY = 1000;
const TOUCH_DELAY = 500;
// A finger is never quite still.
const SLOP = 10;

/** The one visit under way. */
let visit = null;
/** Where a finger came down on a name. */
let touch = null;
/** The click that ends a long touch is no click on the link. */
let swallowed = null;

const nameAt = (target) => (target instanceof Element ? target.closest(".user_popup") : null);

function begin(wrapper, delay) {
  if (visit?.wrapper === wrapper) return;
  end();
  visit = new Visit(wrapper, delay);
}

function end() {
  visit?.end();
  visit = null;
}

function leaves(event) {
  return visit?.wrapper.contains(event.target) && !visit.wrapper.contains(event.relatedTarget);
}

function onOver(event) {
  const wrapper = nameAt(event.target);
  if (wrapper && event.pointerType !== "touch") begin(wrapper, DELAY);
}

function onOut(event) {
  if (event.pointerType !== "touch" && leaves(event) && !visit.wrapper.querySelector(":focus-visible")) end();
}

function onFocus(event) {
  const wrapper = nameAt(event.target);
  if (wrapper && event.target.matches(":focus-visible")) begin(wrapper, DELAY);
}

function onBlur(event) {
  // Another window has the focus now; the reader comes back to where it was.
  if (document.hasFocus() && leaves(event) && !visit.wrapper.matches(":hover")) end();
}

function onDown(event) {
  const wrapper = nameAt(event.target);
  if (wrapper !== visit?.wrapper) end();
  if (!wrapper || event.pointerType !== "touch" || visit?.isOpen) return;
  touch = { x: event.clientX, y: event.clientY };
  begin(wrapper, TOUCH_DELAY);
}

function onMove(event) {
  if (touch && Math.hypot(event.clientX - touch.x, event.clientY - touch.y) > SLOP) onUp();
}

/* A finger that is lifted before the popup is there was a tap, or a scroll. */
function onUp() {
  if (!touch) return;
  touch = null;
  if (!visit?.isOpen) return end();
  swallowed = visit.wrapper;
  setTimeout(() => (swallowed = null), TOUCH_DELAY);
}

function onClick(event) {
  if (swallowed?.contains(event.target)) event.preventDefault();
}

function onMenu(event) {
  // The browser's own menu for a long touch would cover the popup.
  if (touch && visit?.wrapper.contains(event.target)) event.preventDefault();
}

function onKey(event) {
  if (event.key !== "Escape" || !visit) return;
  visit.giveBackFocus();
  end();
}

export function startPopups() {
  // Listened for above all lists: rows that come later have popups, too.
  const listen = { pointerover: onOver, pointerout: onOut, focusin: onFocus, focusout: onBlur };
  Object.assign(listen, { pointerdown: onDown, pointermove: onMove, pointerup: onUp, pointercancel: onUp });
  Object.assign(listen, { click: onClick, contextmenu: onMenu, keydown: onKey });
  for (const [name, handler] of Object.entries(listen)) document.addEventListener(name, handler, true);
  const place = () => visit?.place();
  window.addEventListener("scroll", place, { capture: true, passive: true });
  window.addEventListener("resize", place);
  window.addEventListener("pagehide", end);
}
