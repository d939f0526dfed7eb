// A double of Stripe.js for tests: the part of it that asks for a card and lets a guest authenticate. See ../stripe_js.py.
(() => {
  const home = new URL(".", document.currentScript.src);

  class IntegrationError extends Error {
    name = "IntegrationError";
  }

  function must(kept, what) {
    if (!kept) throw new IntegrationError(what);
  }

  function frame(page, where) {
    const made = document.createElement("iframe");
    made.src = new URL(page, home).href;
    made.title = page === "bank.html" ? "3D Secure" : "Secure payment input frame";
    where.append(made);
    return made;
  }

  // Asks a frame of ours, and hears its answer: only its own, and only from here.
  function ask(asked, question) {
    return new Promise((done) => {
      const id = Math.random().toString(36);
      addEventListener("message", function hear(event) {
        if (event.origin !== home.origin || event.source !== asked.contentWindow || event.data.id !== id) return;
        removeEventListener("message", hear);
        done(event.data.answer);
      });
      asked.contentWindow.postMessage({ id, ...question }, home.origin);
    });
  }

  function elements(options) {
    must(options.mode === "payment", "mode must be payment");
    must(Number.isInteger(options.amount) && options.amount > 0, "amount must be a positive integer");
    must(/^[a-z]{3}$/.test(options.currency), "currency must be three lower-case letters");
    must(options.paymentMethodTypes?.length, "no payment method types");
    must(["stripe", "night", "flat"].includes(options.appearance.theme), "no such theme");
    for (const [name, value] of Object.entries(options.appearance.variables)) {
      must(typeof value === "string" && value, `the variable ${name} is empty`);
      must(!name.startsWith("color") || CSS.supports("color", value), `the variable ${name} is no colour`);
    }
    const group = { options, frame: null, submitted: false };
    return {
      group,
      create(kind) {
        must(kind === "payment", `no element ${kind}`);
        const heard = {};
        return {
          on: (event, tell) => (heard[event] = tell),
          mount(place) {
            must(place instanceof Element && !place.childElementCount, "mount takes an empty element");
            group.frame = frame("card.html", place);
            group.frame.style.cssText = "border: 0; width: 100%; height: 11.5rem; display: block";
            group.frame.addEventListener("load", async () => {
              await ask(group.frame, { what: "dress", appearance: options.appearance });
              heard.ready?.();
            });
          },
        };
      },
      async submit() {
        must(group.frame, "nothing is mounted");
        const answer = await ask(group.frame, { what: "check" });
        group.submitted = !answer.error;
        return answer;
      },
    };
  }

  globalThis.Stripe = function Stripe(key, options) {
    must(key?.startsWith("pk_"), "the key must be a publishable one");
    must(options.locale === "en", "another locale than the pages'");
    return {
      elements,
      async createConfirmationToken({ elements: { group }, params }) {
        must(group.submitted, "elements.submit() must be called before stripe.createConfirmationToken()");
        must(/^https?:/.test(params.return_url), "return_url must be absolute");
        return ask(group.frame, { what: "token" });
      },
      async handleNextAction({ clientSecret }) {
        must(/^pi_\w+_secret_\w+$/.test(clientSecret), "that is no client secret");
        const bank = frame("bank.html", document.body);
        bank.style.cssText = "position: fixed; inset: 0; width: 100%; height: 100%; border: 0; background: rgb(0 0 0 / 40%); color-scheme: light only";
        await new Promise((done) => bank.addEventListener("load", done));
        const answer = await ask(bank, { what: "authenticate", secret: clientSecret, key });
        bank.remove();
        return answer;
      },
    };
  };
})();
