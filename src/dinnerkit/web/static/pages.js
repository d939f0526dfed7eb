// What every page gains where scripts run. Nothing depends on it.

import { countDown } from "./countdown.js";
import { forget } from "./door_copy.js";
import { live } from "./live.js";
import { refresh } from "./refresh.js";
import { showProgress } from "./questionnaire.js";
import { whenStopped } from "./stopped.js";
import { suggest } from "./suggest.js";

for (const time of document.querySelectorAll("time[data-countdown]")) {
  countDown(time);
}

for (const form of document.querySelectorAll("form[data-questionnaire]")) {
  showProgress(form);
}

for (const field of document.querySelectorAll("input[data-suggest]")) {
  suggest(field);
}

for (const part of document.querySelectorAll("[data-refresh]")) {
  refresh(part);
}

const address = document.querySelector('meta[name="dinnerkit-live"]')?.content;
const told = [...document.querySelectorAll("[data-live]")].map((part) => part.id);
if (address && told.length) live(address, told);

// A second click on a slow connection sends nothing a second time; a page that was stopped, or comes back from the browser's cache, works again.
const sent = whenStopped(() => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.sent) event.preventDefault();
  else sent();
  form.dataset.sent = "yes";
});

// After a form came back with problems, or a page with a note, read on from there.
document.querySelector(".problems")?.setAttribute("tabindex", "-1");
document.querySelector(".problems")?.focus();

// Copies of a door that are not for whoever looks at this page; where the server could not tell who that is, the page says nothing of it.
forget(document.querySelector('meta[name="dinnerkit-user"]')?.content);
