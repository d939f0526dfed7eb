// A copy of the door's page for when there is no connection: one for each dinner, on this phone alone, for a day after the dinner at most.
//
// The browser's cache holds it, door_worker.js gives it. It has names of guests in it, so it goes with whoever signs out: each page of ours
// forgets what is not for the one who looks at it. Whose it is and until when is in its name.

const PREFIX = "dinnerkit-door";

export const copyName = (user, event, until) => [PREFIX, user, event, Date.parse(until)].join(":");

const NOT_YOURS = [401, 403, 404, 410]; // as in door_worker.js, which is no module

const isRefused = (answer) => answer.type === "opaqueredirect" || NOT_YOURS.includes(answer.status);

const isOver = (name) => !(Number(name.split(":")[3]) > Date.now());

// The page as the server has it now, with all the files that it has loaded. Where the server gives it to this host no more, the copy goes too;
// where there is no connection, or the server has no time or is broken, the copy that there is stays.
export async function keep(name, page) {
  if (!globalThis.caches || isOver(name)) return;
  const answer = await fetch(page, { headers: { Accept: "text/html" }, redirect: "manual" }).catch(() => null);
  if (!answer) return;
  if (isRefused(answer)) await caches.delete(name);
  if (!answer.ok) return;
  const copy = await caches.open(name);
  const loaded = performance.getEntriesByType("resource").map((entry) => new URL(entry.name));
  const files = loaded.filter((file) => file.origin === location.origin && /\/assets\/[^/]+\/[^/]+$/.test(file.pathname)).map((file) => file.href);
  await Promise.all([...new Set(files)].map(async (file) => (await copy.match(file)) || copy.add(file)));
  await copy.put(page, answer); // last, as it is of no use without them
  const [, user, event] = name.split(":");
  const others = (await caches.keys()).filter((other) => other !== name && other.startsWith([PREFIX, user, event, ""].join(":")));
  await Promise.all(others.map((other) => caches.delete(other))); // of the same dinner, before it was moved
}

// Forgets the copies of everybody but this user, which is "" where nobody is signed in, and those whose time is over. Where it is not known who
// looks at the page, only those: it is just when the server is in trouble that a copy is needed.
export async function forget(user) {
  if (!globalThis.caches) return;
  for (const name of await caches.keys()) {
    const [kind, whose] = name.split(":");
    if (kind === PREFIX && ((user !== undefined && whose !== user) || isOver(name))) await caches.delete(name);
  }
}
