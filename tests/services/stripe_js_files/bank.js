const failed = { type: "invalid_request_error", code: "payment_intent_authentication_failure", message: "We are unable to authenticate your payment method." };

async function authenticate({ secret, key }) {
  const address = `/v1/payment_intents/${secret.split("_secret_")[0]}`;
  const { status } = await (await fetch(address)).json();
  if (status !== "requires_action") return { error: { type: "invalid_request_error", message: `The payment is ${status}.` } };
  const approved = await new Promise((done) => {
    document.getElementById("approve").addEventListener("click", () => done(true));
    document.getElementById("refuse").addEventListener("click", () => done(false));
  });
  const body = new URLSearchParams({ key, client_secret: secret, success: approved });
  const answer = await fetch(`${address}/_authenticate`, { method: "POST", body });
  return approved && answer.ok ? { paymentIntent: await answer.json() } : { error: failed };
}

addEventListener("message", async ({ data, origin, source }) => source.postMessage({ id: data.id, answer: await authenticate(data) }, origin));
