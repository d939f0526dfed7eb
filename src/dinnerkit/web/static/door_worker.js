// Gives the door's page from the copy that door_copy.js keeps, when there is no connection, or the server has no page for now. It sees the
// door's page and what that loads, and nothing else: its scope is that one address.

const name = new URL(location.href).searchParams.get("copy");
const page = new URL(registration.scope).pathname;
const SLOW = 5_000; // a connection that says nothing for so long is none
const NOT_YOURS = [401, 403, 404, 410];

const isRefused = (answer) => answer.type === "opaqueredirect" || NOT_YOURS.includes(answer.status);
const kept = (what) => caches.match(what, { cacheName: name, ignoreVary: true });

async function forget() {
  await caches.delete(name);
  await registration.unregister();
}

async function copyOfPage() {
  if (Number(name.split(":")[3]) > Date.now()) return kept(page);
  await forget();
  return null;
}

async function renewed(answer) {
  if (answer.ok) await (await caches.open(name)).put(page, answer.clone());
  else if (isRefused(answer)) await forget();
  return answer;
}

async function door(request) {
  const copy = await copyOfPage();
  if (!copy) return fetch(request);
  const asked = fetch(request).then(renewed);
  asked.catch(() => null);
  const late = new Promise((done) => setTimeout(done, SLOW));
  const answer = await Promise.race([asked, late]).catch(() => null);
  return answer && (answer.ok || isRefused(answer)) ? answer : copy;
}

addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil(clients.claim()));
addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin) return;
  if (request.mode === "navigate" && pathname === page) event.respondWith(door(request));
  else if (pathname.includes("/assets/")) event.respondWith(kept(request).then((file) => file ?? fetch(request)));
});
