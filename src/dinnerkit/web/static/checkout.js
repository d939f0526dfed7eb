// The gateway's own form on our page, and its bank's window: the gateway's module knows how, this says when, and what goes wrong.
// What it must export is written down in dinnerkit/ports/checkout.py.

import { whenStopped } from "./stopped.js";

const FAILED = "Something went wrong on this page. Open it anew, and try again.";
const LATE = "The form for your card takes long to come. Look whether you are online, and whether something blocks it; then open this page anew.";
const SLOW = 20_000;

function parts(form) {
  const [wait, problem, button] = ["[data-wait]", "[data-problem]", "button"].map((wanted) => form.querySelector(wanted));
  return {
    button,
    waiting(yes) {
      wait.hidden = !yes;
    },
    say(error) {
      // Only what the module says on purpose is for the guest to read.
      problem.textContent = error?.name === "Error" ? error.message : FAILED;
      problem.hidden = !error;
      if (error && error.name !== "Error") console.error(error);
    },
  };
}

// The colours of the page, for a form that comes from elsewhere and knows nothing of its style sheets.
function look() {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(`--${name}`).trim();
  return {
    dark: matchMedia("(prefers-color-scheme: dark)").matches,
    text: colour("ink"),
    soft: colour("soft"),
    ground: colour("card"),
    accent: colour("wine"),
    danger: colour("sad"),
    edge: colour("edge"),
    font: colour("sans"),
  };
}

async function pay(form) {
  const { module, settings, back } = JSON.parse(form.dataset.checkout);
  const { button, waiting, say } = parts(form);
  const words = button.textContent;
  let method = null;
  const again = () => {
    button.disabled = !method;
    button.textContent = words;
  };
  const sent = whenStopped(again);

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    event.stopPropagation();
    if (button.disabled || !method) return;
    button.disabled = true;
    button.textContent = "One moment…";
    say(null);
    try {
      form.elements.payment_method.value = await method(new URL(back, location.href).href);
      form.submit();
      sent();
    } catch (error) {
      say(error);
      again();
    }
  });

  waiting(true);
  const late = setTimeout(() => {
    say(new Error(LATE));
    waiting(false);
  }, SLOW);
  try {
    method = await (await import(module)).ask(form.querySelector("[data-place]"), settings, look());
    say(null); // it may have come late
    button.disabled = false;
  } catch (error) {
    say(error);
  }
  clearTimeout(late);
  waiting(false);
}

async function authenticate(form) {
  const { module, settings, secret } = JSON.parse(form.dataset.authenticate);
  const { button, waiting, say } = parts(form);

  async function ask() {
    button.hidden = true;
    say(null);
    waiting(true);
    try {
      await (await import(module)).authenticate(settings, secret);
      form.submit();
    } catch (error) {
      say(error);
      waiting(false);
      button.hidden = false;
    }
  }

  button.addEventListener("click", ask);
  await ask();
}

// A form that is not seen yet waits until it is: some can't be drawn in a part that is closed.
for (const form of document.querySelectorAll("form[data-checkout]")) {
  const closed = form.closest("details:not([open])");
  if (closed) closed.addEventListener("toggle", () => pay(form), { once: true });
  else pay(form);
}
for (const form of document.querySelectorAll("form[data-authenticate]")) authenticate(form);

// A page that comes back from the browser's cache does not know what has been paid meanwhile.
addEventListener("pageshow", (event) => event.persisted && location.reload());
