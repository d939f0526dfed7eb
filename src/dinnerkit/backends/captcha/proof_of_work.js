// Finds the number of ALTCHA's proof of work, version 2, of which PBKDF2 makes the key that is asked for. The page and the worker that does
// the work are this one file. What it exports is written down in dinnerkit/ports/captcha.py.

const WORKING = typeof document === "undefined";

const fromHex = (text) => Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
const toHex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

async function solve({ parameters, signature }) {
  const { nonce, salt, cost, keyLength, keyPrefix } = parameters;
  const start = fromHex(nonce);
  const password = new Uint8Array(start.length + 4);
  password.set(start);
  const number = new DataView(password.buffer, start.length);
  const how = { name: "PBKDF2", hash: "SHA-256", salt: fromHex(salt), iterations: cost };
  for (let counter = 0; counter <= 0xffffffff; counter++) {
    number.setUint32(0, counter);
    const key = await crypto.subtle.importKey("raw", password, "PBKDF2", false, ["deriveBits"]);
    const derivedKey = toHex(new Uint8Array(await crypto.subtle.deriveBits(how, key, keyLength * 8)));
    if (derivedKey.startsWith(keyPrefix)) return btoa(JSON.stringify({ challenge: { parameters, signature }, solution: { counter, derivedKey } }));
  }
  throw new Error("no number solves it");
}

if (WORKING) {
  addEventListener("message", ({ data }) => {
    solve(data).then(postMessage, (error) => {
      setTimeout(() => {
        throw error; // where the page hears of it
      });
    });
  });
}

export function ask(place, { challenge }, answered) {
  // Only pages that come over https, or from this machine, may use the browser's own cryptography.
  if (!globalThis.crypto?.subtle || !globalThis.Worker) throw new Error("Your browser can't do the check for robots here.");
  const worker = new Worker(import.meta.url, { type: "module" });
  worker.addEventListener("message", ({ data }) => {
    worker.terminate();
    answered(data);
    setTimeout(() => answered(""), Math.max(0, challenge.parameters.expiresAt * 1000 - Date.now()));
  });
  return new Promise((resolve, reject) => {
    worker.addEventListener("message", resolve, { once: true });
    worker.addEventListener("error", () => reject(new Error("The check for robots does not work in your browser.")), { once: true });
    worker.postMessage(challenge);
  });
}
