const number = () => document.getElementById("number").value.replaceAll(" ", "");

const answers = {
  dress({ appearance: { variables } }) {
    document.body.style.cssText = `color: ${variables.colorText}; font-family: ${variables.fontFamily}`;
    for (const input of document.querySelectorAll("input")) {
      input.style.cssText = `background: ${variables.colorBackground}; color: ${variables.colorText}; border-radius: ${variables.borderRadius}`;
    }
    return {};
  },
  check: () => (number().length === 16 ? {} : { error: { type: "validation_error", message: "Your card number is incomplete." } }),
  async token() {
    const made = await fetch("confirmation_tokens", { method: "POST", body: new URLSearchParams({ number: number() }) });
    return { confirmationToken: await made.json() };
  },
};

addEventListener("message", async ({ data, origin, source }) => source.postMessage({ id: data.id, answer: await answers[data.what](data) }, origin));
