// Stripe's Payment Element for the pages of dinnerkit, by the three steps of Stripe's guide "finalize payments on the server": the guest's
// browser makes a confirmation token, dinnerkit makes and confirms the PaymentIntent, and the browser answers the bank if that asks.

const UNREACHABLE = "The form for your card can’t be loaded. Look whether you are online, and whether something blocks js.stripe.com; then open this page anew.";

const LATE = "The way to your bank takes long to open. Look whether you are online, and whether something blocks js.stripe.com; then ask your bank again.";
const SLOW = 20_000;

let loading = null;

function load(address) {
  loading ??= new Promise((done, failed) => {
    const script = document.createElement("script");
    script.src = address;
    script.addEventListener("load", () => (globalThis.Stripe ? done() : failed(new Error(UNREACHABLE))));
    script.addEventListener("error", () => {
      script.remove();
      loading = null;
      failed(new Error(UNREACHABLE));
    });
    document.head.append(script);
  });
  return loading;
}

async function client(settings) {
  await load(settings.script);
  return Stripe(settings.key, { locale: "en" });
}

// What comes later than that is there for whoever asks again.
async function soon(coming) {
  let late = 0;
  const tooLate = new Promise((_, failed) => (late = setTimeout(() => failed(new Error(LATE)), SLOW)));
  return Promise.race([coming, tooLate]).finally(() => clearTimeout(late));
}

// Stripe's own sentences are written for guests, but for mistakes of ours.
function failure(error) {
  if (error.type === "invalid_request_error" || error.type === "api_error") {
    console.error(error);
    return new Error("The payment service can’t take your card now. Try again in a minute.");
  }
  return new Error(error.message);
}

function appearance(look) {
  return {
    theme: look.dark ? "night" : "stripe",
    variables: {
      colorPrimary: look.accent,
      colorBackground: look.ground,
      colorText: look.text,
      colorTextSecondary: look.soft,
      colorDanger: look.danger,
      fontFamily: look.font,
      borderRadius: "8px",
    },
  };
}

export async function ask(place, settings, look) {
  const stripe = await client(settings);
  const { amount, currency } = settings;
  const elements = stripe.elements({ mode: "payment", amount, currency, paymentMethodTypes: ["card"], appearance: appearance(look) });
  const element = elements.create("payment");
  await new Promise((done, failed) => {
    element.on("ready", done);
    element.on("loaderror", ({ error }) => failed(failure(error)));
    element.mount(place);
  });
  return async (back) => {
    const filled = await elements.submit();
    if (filled.error) throw failure(filled.error);
    const made = await stripe.createConfirmationToken({ elements, params: { return_url: back } });
    if (made.error) throw failure(made.error);
    return made.confirmationToken.id;
  };
}

// A refusal is an answer too. Whatever the guest did, dinnerkit asks Stripe how the payment stands.
export async function authenticate(settings, clientSecret) {
  const stripe = await soon(client(settings));
  const { error } = await stripe.handleNextAction({ clientSecret });
  if (error?.type === "api_connection_error") throw new Error("Your bank could not be reached. Look whether you are online, and try again.");
}
