/* Times: written by the server in UTC, rewritten here in the reader's own zone and the page's language. */

import { once } from "./once.js";

const MINUTE = 60;
const STEPS = [
  ["minute", MINUTE, 60 * MINUTE],
  ["hour", 60 * MINUTE, 24 * 60 * MINUTE],
  ["day", 24 * 60 * MINUTE, 30 * 24 * 60 * MINUTE],
  ["month", 30.44 * 24 * 60 * MINUTE, 365 * 24 * 60 * MINUTE],
  ["year", 365.25 * 24 * 60 * MINUTE, Infinity],
];

const language = document.documentElement.lang || "en";
const full = once(() => new Intl.DateTimeFormat(language, { dateStyle: "long", timeStyle: "short" }));
const relative = once(() => new Intl.RelativeTimeFormat(language, { numeric: "auto" }));

// Whichever formatter comes first waits until the browser has read what it knows of languages. These two need most
// of that, and each another part.
const named = () => Intl.getCanonicalLocales(`${language}-u-ca-gregory`);
const likely = () => new Intl.Locale(language).maximize();

// Steps that may be taken before `startTimes`, so that the page can answer between them.
export const formats = [named, likely, relative, full];

function ago(date) {
  // A clock that is a little behind would otherwise put fresh posts into the future.
  const seconds = Math.max(0, (Date.now() - date.getTime()) / 1000);
  if (seconds < MINUTE) return relative().format(0, "second");
  const [unit, size] = STEPS.find(([, , end]) => seconds < end);
  return relative().format(-Math.max(1, Math.floor(seconds / size)), unit);
}

function rewrite(element) {
  const date = new Date(element.dateTime);
  if (Number.isNaN(date.getTime())) return;
  const text = element.dataset.format === "full" ? full().format(date) : ago(date);
  if (element.textContent !== text) element.textContent = text;
  if (element.dataset.format !== "full") element.title = full().format(date);
}

export function showTimes(root = document) {
  root.querySelectorAll("time[datetime]").forEach(rewrite);
}

export function startTimes() {
  showTimes();
  setInterval(() => showTimes(), MINUTE * 1000);
  // Timers sleep in hidden pages: a returning reader must not see old times.
  document.addEventListener("visibilitychange", () => document.hidden || showTimes());
  window.addEventListener("pageshow", (event) => event.persisted && showTimes());
}
