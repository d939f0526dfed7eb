// The widget of a provider, loaded from where the provider has it. What this exports is written down in dinnerkit/ports/captcha.py.

function load(address) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = address;
    script.addEventListener("load", resolve);
    script.addEventListener("error", () => reject(new Error("The check for robots did not load. Look whether something blocks it, and try again.")));
    document.head.append(script);
  });
}

export async function ask(place, { script, global, sitekey, action }, answered) {
  await load(script);
  const widget = globalThis[global];
  if (!widget?.render && widget?.ready) await new Promise((resolve) => widget.ready(resolve));
  if (!widget?.render) throw new Error("The check for robots did not load. Open this page anew, and try again.");
  widget.render(place, {
    sitekey,
    action,
    theme: matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light",
    callback: answered,
    "expired-callback": () => answered(""),
    "error-callback": () => answered(""),
  });
}
