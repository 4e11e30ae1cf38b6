/* Where something that opens beside an element stands: below it, or above it where there is more room, and
   always within the window. */

const EDGE = 8;

const within = (value, size, whole) => Math.max(EDGE, Math.min(value, whole - size - EDGE));

/** Places `frame`, which is fixed in the window, beside `anchor`. */
export function placeBeside(frame, anchor) {
  const { clientWidth, clientHeight } = document.documentElement;
  const at = anchor.getBoundingClientRect();
  frame.style.maxBlockSize = "";
  const { offsetWidth: width, offsetHeight: height } = frame;
  const below = clientHeight - at.bottom - EDGE;
  const isBelow = height <= below || below >= at.top - EDGE;
  const start = getComputedStyle(anchor).direction === "rtl" ? at.right - width : at.left;
  const room = Math.max(isBelow ? below : at.top - EDGE, 0);
  frame.style.left = `${within(start, width, clientWidth)}px`;
  frame.style.top = `${within(isBelow ? at.bottom : at.top - Math.min(height, room), Math.min(height, room), clientHeight)}px`;
  frame.style.maxBlockSize = `${room}px`;
}
