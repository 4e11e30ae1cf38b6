/* Writing: a counter that agrees with the server, Ctrl/Cmd+Enter, and a draft that survives a lost page. */

import { viewerName } from "./own.js";
import { number, phrase } from "./plural.js";

const NEAR = 20;
// Screen readers are told when the writer pauses, not at every key.
const PAUSE = 900;

/* The server counts code points after NFC, too; a line break is one. */
function lengthOf(text) {
  return [...text.normalize("NFC").replace(/\r\n?/g, "\n")].length;
}

function startCounter(area) {
  const limit = Number(area.dataset.limit);
  const counter = document.querySelector(`[data-counter-for="${area.id}"]`);
  if (!limit || !counter) return;
  const spoken = counter.querySelector("[role=status]");
  let pause;
  function show() {
    const left = limit - lengthOf(area.value);
    counter.querySelector(".counter-number").textContent = number(left);
    const share = Math.min(100, (100 * (limit - left)) / limit);
    counter.querySelector(".counter-arc").setAttribute("stroke-dasharray", `${share} 100`);
    counter.classList.toggle("is-near", left >= 0 && left <= NEAR);
    counter.classList.toggle("is-over", left < 0);
    area.classList.toggle("is-over", left < 0);
    clearTimeout(pause);
    pause = setTimeout(() => {
      spoken.textContent = left > NEAR ? "" : phrase(spoken, left < 0 ? "over" : "left", Math.abs(left));
    }, PAUSE);
  }
  area.addEventListener("input", show);
  window.addEventListener("pageshow", show);
  counter.hidden = false;
  show();
}

/* ---- drafts: kept in this tab only, under the writer's name ---- */

const PREFIX = "draft:";

function plain(text) {
  return text.normalize("NFC").replace(/\s+/g, " ").trim();
}

/* A draft is done with when its text is to be seen among the writer's posts. */
function isPosted(text) {
  const own = document.querySelectorAll(`[data-author="${CSS.escape(viewerName())}"] .post-body`);
  return [...own].some((body) => plain(body.textContent) === plain(text));
}

function readDraft(key) {
  try {
    return JSON.parse(sessionStorage.getItem(key));
  } catch {
    return null;
  }
}

function writeDraft(key, base, text) {
  try {
    if (text === base) sessionStorage.removeItem(key);
    else sessionStorage.setItem(key, JSON.stringify({ base, text }));
  } catch {
    // Storage is full or forbidden: then there is no draft, and writing goes on.
  }
}

function forgetDrafts(chosen = () => true) {
  try {
    const keys = Object.keys(sessionStorage).filter((key) => key.startsWith(PREFIX));
    keys.filter((key) => chosen(readDraft(key))).forEach((key) => sessionStorage.removeItem(key));
  } catch {
    // Nothing is kept where storage is forbidden.
  }
}

function startDraft(area) {
  const page = location.pathname === "/" ? "/index" : location.pathname;
  const key = `${PREFIX}${viewerName()}:${page}:${area.name}`;
  const draft = readDraft(key);
  // A refused text comes back in the page; it is still a draft of what stood there before.
  const refused = draft && plain(draft.text) === plain(area.defaultValue);
  const base = refused ? draft.base : area.defaultValue;
  if (draft?.base === base && area.value === area.defaultValue) area.value = draft.text;
  area.addEventListener("input", () => writeDraft(key, base, area.value));
}

function onKey(event) {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.isComposing) return;
  event.preventDefault();
  event.target.form.requestSubmit(event.target.form.querySelector("[type=submit]"));
}

/* A message that the server has just taken: its draft was kept under the page of the form. */
function forgetSent() {
  if (!document.querySelector("[data-sent]")) return;
  const form = location.pathname.replace("/user/", "/send_message/").toLowerCase();
  const sent = (key) => key.toLowerCase().startsWith(`${PREFIX}${viewerName().toLowerCase()}:${form}:`);
  try {
    Object.keys(sessionStorage).filter(sent).forEach((key) => sessionStorage.removeItem(key));
  } catch {
    // Nothing is kept where storage is forbidden.
  }
}

export function startComposer() {
  forgetDrafts((draft) => !draft || isPosted(draft.text));
  forgetSent();
  for (const area of document.querySelectorAll("form[data-composer] textarea")) {
    startDraft(area);
    startCounter(area);
    area.addEventListener("keydown", onKey);
  }
  document.addEventListener("submit", (event) => "logout" in event.target.dataset && forgetDrafts());
}
