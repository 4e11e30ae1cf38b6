/* "Translate" below a post: the answer takes the place of the text, which can be shown again. Where the reader wants
   it, the same comes by itself. The translator is not believed: its words are text, and only what was a link in the
   post is one in the translation. */

import { keepStill } from "./place.js";

const MOST_KEPT = 200;
const QUIET_AFTER = 5000;

const form = document.getElementById("translate");
const list = document.getElementById("posts");
const spoken = document.querySelector("[data-translated]");
/** Translations of posts that are not shown yet, by the post's id. */
const early = new Map();
let silence;

function element(name, className, text) {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}

/* To those who do not see it; the words themselves, in their own language. */
function announce(text, language) {
  spoken.lang = language;
  spoken.textContent = text;
  clearTimeout(silence);
  silence = setTimeout(() => (spoken.textContent = ""), QUIET_AFTER);
}

async function ask(id) {
  const { csrf_token: token, dest_language: language } = form.elements;
  try {
    const answer = await fetch(form.action, {
      method: "POST",
      headers: { Accept: "application/json", "X-CSRFToken": token.value },
      body: new URLSearchParams({ post_id: id, dest_language: language.value }),
    });
    const { text, detail } = await answer.json();
    return { text: text ?? detail, isTranslation: answer.headers.get("X-Translated") === "yes" };
  } catch {
    return { text: form.dataset.unreachable, isTranslation: false };
  }
}

function fill(place, text, links) {
  let rest = text;
  while (rest) {
    const found = links
      .map((link) => ({ link, at: rest.indexOf(link.textContent) }))
      .filter(({ link, at }) => at >= 0 && link.textContent)
      .sort((one, other) => one.at - other.at)[0];
    place.append(found ? rest.slice(0, found.at) : rest);
    if (!found) return;
    place.append(found.link.cloneNode(true));
    rest = rest.slice(found.at + found.link.textContent.length);
  }
}

function still(slot, change) {
  if (list?.contains(slot)) keepStill(list, change);
  else change();
}

function show(slot, text) {
  const original = slot.closest("article").querySelector(".post-body");
  const words = element("span", "translation-text", "");
  const toggle = element("button", "translate", form.dataset.original);
  words.dir = "auto";
  words.lang = form.elements.dest_language.value;
  toggle.type = "button";
  fill(words, text, [...original.querySelectorAll("a")]);
  function turn(isTranslated) {
    original.hidden = isTranslated;
    words.hidden = !isTranslated;
    toggle.textContent = isTranslated ? form.dataset.original : form.dataset.again;
  }
  toggle.addEventListener("click", () => still(slot, () => turn(words.hidden)));
  still(slot, () => {
    slot.classList.add("is-translated");
    slot.replaceChildren(words, toggle);
    turn(true);
  });
  return toggle;
}

async function translate(button) {
  const slot = button.parentElement;
  const spinner = element("img", "spinner", "");
  spinner.src = form.dataset.spinner;
  spinner.alt = form.dataset.wait;
  spinner.width = spinner.height = 20;
  const focused = document.activeElement === button;
  slot.replaceChildren(spinner);
  const { text, isTranslation } = await ask(button.value);
  announce(text, isTranslation ? form.elements.dest_language.value : document.documentElement.lang);
  if (!isTranslation) {
    slot.replaceChildren(element("span", "translation-failed", text), " ", button);
    comeBack(button, focused);
    return;
  }
  comeBack(show(slot, text), focused);
}

/* The button that was pressed was away meanwhile; whoever has gone elsewhere stays there. */
function comeBack(button, wasFocused) {
  if (wasFocused && document.activeElement === document.body) button.focus({ preventScroll: true });
}

function onClick(event) {
  const button = event.target.closest?.('button[form="translate"]');
  if (!button) return;
  event.preventDefault();
  translate(button);
}

function showEarly() {
  for (const button of list.querySelectorAll('button[form="translate"]')) {
    const text = early.get(button.value);
    if (text === undefined) continue;
    early.delete(button.value);
    show(button.parentElement, text);
  }
}

function onTranslated({ detail: frame }) {
  early.set(String(frame.post_id), frame.text);
  if (early.size > MOST_KEPT) early.delete(early.keys().next().value);
  showEarly();
}

export function startTranslations() {
  if (!form) return;
  document.addEventListener("click", onClick);
  if (!list) return;
  document.addEventListener("microblog:post.translated", onTranslated);
  // What it was about reads otherwise now.
  document.addEventListener("microblog:post.updated", ({ detail }) => early.delete(String(detail.post.id)));
  new MutationObserver(showEarly).observe(list, { childList: true });
}
