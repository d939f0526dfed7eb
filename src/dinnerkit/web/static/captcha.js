// The captcha of a form: the backend's module knows how it is answered, this says when. It begins once somebody fills in the form. Where it
// can't be answered the form is sent without, and the server says what it makes of that.
// What the module must export is written down in dinnerkit/ports/captcha.py.

const FAILED = "The check for robots did not work. You can send the form all the same, or open this page anew.";
const SLOW = 30_000;

function watch(part) {
  const { module, settings } = JSON.parse(part.dataset.captcha);
  const form = part.closest("form");
  const [place, wait, problem] = ["[data-place]", "[data-wait]", "[data-problem]"].map((wanted) => part.querySelector(wanted));
  const field = form.elements.captcha;
  let begun = false;
  let without = false;
  let sending = null; // the button by which the form is to be sent once there is an answer

  function send() {
    wait.hidden = true;
    if (!sending) return;
    const button = sending;
    sending = null;
    form.requestSubmit(button);
  }

  function answered(answer) {
    field.value = answer;
    if (!answer) return;
    problem.hidden = true;
    send();
  }

  function failed(error) {
    problem.textContent = error?.name === "Error" ? error.message : FAILED;
    problem.hidden = false;
    if (error && error.name !== "Error") console.error(error);
    without = true;
    wait.hidden = true;
    sending = null;
  }

  async function begin() {
    if (begun) return;
    begun = true;
    try {
      await (await import(module)).ask(place, settings, answered);
    } catch (error) {
      failed(error);
    }
  }

  form.addEventListener("focusin", begin, { once: true });
  form.addEventListener(
    "submit",
    (event) => {
      if (field.value || without) return;
      event.preventDefault();
      event.stopPropagation(); // it is not sent yet
      if (sending) return;
      sending = event.submitter ?? form.querySelector("button:not([type])");
      wait.hidden = false;
      begin();
      setTimeout(() => sending && failed(null), SLOW);
    },
    { capture: true },
  );
}

for (const part of document.querySelectorAll("[data-captcha]")) watch(part);

// A page that comes back from the browser's cache has an answer that may be used up.
addEventListener("pageshow", (event) => event.persisted && location.reload());
