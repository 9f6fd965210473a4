// What the pages do beyond the panel: a form that says that it is being sent, notices that are said once, live lists.

import { renewToken } from "./actions.js";
import { refresh } from "./refresh.js";
import { Words } from "./words.js";
import "./headway-runs.js";

const LOG_EVERY = 2_000; // ms
const DEAF = 5_000; // ms; pressed once more after that, it was meant, as an upload can be stopped without a word to us

for (const form of document.querySelectorAll("form[data-start]")) {
  form.addEventListener("submit", (event) => {
    const button = form.querySelector("button[type='submit']");
    if (button.ariaDisabled === "true") return event.preventDefault();
    button.ariaDisabled = "true";
    button.dataset.idle ??= button.textContent;
    button.textContent = button.dataset.pressed;
    setTimeout(() => (button.ariaDisabled = null), DEAF); // the page's key sees to it that it starts once
  });
}

// Back from another tab, where the person may have signed in anew: this page's token would be refused then.
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && document.querySelector("form[data-start]")) renewToken().catch(() => {}); // offline
});

// A file that is chosen inside one of several choices makes that choice; another choice lets go of the file.
for (const input of document.querySelectorAll(".hw-choice input[type='file']")) {
  const choice = input.closest(".hw-choice").querySelector("input[type='radio']");
  if (!choice) continue;
  input.addEventListener("change", () => (choice.checked ||= input.files.length > 0));
  input.form.addEventListener("change", ({ target }) => {
    if (target.name === choice.name && !choice.checked) input.value = "";
  });
}

// The log tells times where the reader is, and grows while it is open.
const log = document.querySelector(".hw-log");
if (log) {
  const words = new Words(document.documentElement.lang);
  const tellTimes = () => {
    for (const time of log.querySelectorAll("time"))
      time.textContent = words.moment(new Date(time.dateTime), new Date(), { exact: true });
  };
  let due = null;
  document.addEventListener("headway:message", () => {
    if (log.open) due ??= setTimeout(() => ((due = null), refresh()), LOG_EVERY);
  });
  log.addEventListener("toggle", () => log.open && refresh());
  document.addEventListener("headway:refreshed", tellTimes);
  tellTimes();
}

// Back from the run's page: the button can be pressed again, and finds that run.
addEventListener("pageshow", ({ persisted }) => {
  if (!persisted) return;
  for (const button of document.querySelectorAll("button[data-idle]")) {
    button.ariaDisabled = null;
    button.textContent = button.dataset.idle;
  }
});

// How one came here is no longer true after a reload.
if (document.querySelector("[data-once]")) {
  const here = new URL(location.href);
  for (const name of ["found", "confirm"]) here.searchParams.delete(name);
  history.replaceState(history.state, "", here);
}
