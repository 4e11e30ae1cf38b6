/* Every form: sent once however often it is clicked, and asked about first where it destroys something. */

// A request that never comes back must not leave a dead button behind.
const GUARD = 8000;

function release(form) {
  delete form.dataset.sent;
  for (const button of form.querySelectorAll("[type=submit][data-held]")) {
    delete button.dataset.held;
    button.disabled = false;
  }
}

function hold(form) {
  form.dataset.sent = "";
  // Only after the browser has gathered the fields: a disabled button's value is not sent.
  setTimeout(() => {
    for (const button of form.querySelectorAll("[type=submit]:not(:disabled)")) {
      button.dataset.held = "";
      button.disabled = true;
    }
  });
  setTimeout(() => release(form), GUARD);
}

function button(text, className, value) {
  const element = document.createElement("button");
  element.className = className;
  element.value = value;
  element.textContent = text;
  return element;
}

async function agreed({ confirm, confirmYes, confirmNo }) {
  const dialog = document.createElement("dialog");
  const question = document.createElement("p");
  const choices = document.createElement("form");
  dialog.className = "dialog";
  question.id = "dialog-question";
  question.textContent = confirm;
  dialog.setAttribute("aria-labelledby", question.id);
  choices.method = "dialog";
  choices.className = "actions";
  choices.append(button(confirmNo, "button", "no"), button(confirmYes, "button button-danger", "yes"));
  dialog.append(question, choices);
  document.body.append(dialog);
  const closed = new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
  dialog.showModal();
  await closed;
  dialog.remove();
  return dialog.returnValue === "yes";
}

async function ask(form, submitter) {
  if (!(await agreed(form.dataset))) return;
  form.dataset.agreed = "";
  form.requestSubmit(submitter);
}

function onSubmit(event) {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") return;
  if ("sent" in form.dataset) {
    event.preventDefault();
  } else if ("confirm" in form.dataset && !("agreed" in form.dataset)) {
    event.preventDefault();
    ask(form, event.submitter);
  } else {
    delete form.dataset.agreed;
    hold(form);
  }
}

export function startForms() {
  document.addEventListener("submit", onSubmit);
  window.addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach(release));
}
