/* What the reader has begun: a box for each task, above every page, that tells how far it is and how it ended. */

import { onNotification } from "./notifications.js";
import { showTimes } from "./time.js";

const ACTIVE = ["waiting", "running"];
// One who asks instead of listening hears of one task at a time: with several, all are asked for now and then.
const SEVERAL = 3000;

let shelf;
let looked = 0;

const isActive = (state) => ACTIVE.includes(state);

async function read(address) {
  const answer = await fetch(address, { headers: { Accept: "text/html" }, cache: "no-store" });
  if (!answer.ok || answer.redirected) throw new Error(`${address} answered ${answer.status}`);
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

function box(id) {
  return shelf.querySelector(`[data-task="${CSS.escape(id)}"]`);
}

/** Puts in what the server says of this task, over or not, and of all others that are going on. */
async function look(id) {
  looked = Date.now();
  const found = [...(await read(`/tasks?with=${encodeURIComponent(id)}`)).querySelectorAll("[data-task]")];
  const going = new Set(found.map((fresh) => fresh.dataset.task));
  found.forEach(put);
  offerClosing();
  const ended = [...shelf.children].filter((old) => isActive(old.dataset.state) && !going.has(old.dataset.task));
  for (const old of ended) await look(old.dataset.task);
}

function put(fresh) {
  const next = fresh.querySelector("[name=next]");
  if (next) next.value = location.pathname + location.search;
  const old = box(fresh.dataset.task);
  // What is over stays so, whichever answer comes last.
  if (!old) shelf.append(fresh);
  else if (isActive(old.dataset.state)) old.replaceWith(fresh);
}

/** Buttons and lists that depend on what is going on: the page, asked again, knows. */
async function renewSlots() {
  const slots = document.querySelectorAll("[data-tasks-slot]");
  if (!slots.length) return;
  const page = await read(location.href);
  for (const slot of slots) {
    const fresh = page.getElementById(slot.id);
    if (!fresh) continue;
    slot.replaceChildren(...fresh.childNodes);
    showTimes(slot);
  }
}

function count(id, progress) {
  document.getElementById(`${id}-progress`).textContent = progress;
  box(id).querySelector("progress").value = progress;
}

async function hear({ task_id: id, progress, state }) {
  const known = box(id)?.dataset.state;
  try {
    if (isActive(state) && isActive(known)) {
      count(id, progress);
      if (shelf.children.length > 1 && Date.now() - looked > SEVERAL) await look(id);
    } else if (known === undefined || isActive(known)) {
      await look(id);
      await renewSlots();
    }
  } catch {
    // The server is away, or nobody is signed in any more; the next word, or the next page, will do.
  }
}

async function callOff(event) {
  const form = event.target.closest("form[data-cancel]");
  if (!form) return;
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  const id = form.closest("[data-task]").dataset.task;
  try {
    const fields = new URLSearchParams(new FormData(form));
    const answer = await fetch(form.action, { method: "POST", body: fields, headers: { Accept: "application/json" } });
    if (answer.status !== 204) throw new Error(`cancelling was answered ${answer.status}`);
    await look(id);
    await renewSlots();
  } catch {
    // The long way, with a page that says what is wrong.
    form.submit();
  }
}

/** Without a script nobody could close a box, and the next page has none anyway. */
function offerClosing() {
  for (const button of shelf.querySelectorAll("[data-dismiss]")) button.hidden = false;
}

function dismiss(event) {
  if (event.target.closest("[data-dismiss]")) event.target.closest("[data-task]").remove();
}

export function startTasks() {
  shelf = document.getElementById("tasks");
  if (!shelf) return;
  shelf.addEventListener("submit", callOff);
  shelf.addEventListener("click", dismiss);
  offerClosing();
  onNotification("task_progress", hear);
}
