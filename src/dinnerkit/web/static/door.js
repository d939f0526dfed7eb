// The door on a phone: a tap or a ticket counts at once, and is told to the server as soon as there is a connection.
//
// What was noted and is not told yet lies in the browser's own storage, and so outlives the page; the page itself has a copy there, to be opened
// again without a connection. Tickets are known by their digests, which came with the list: a phone without a connection tells a true one from
// a false one.

import { copyName, keep } from "./door_copy.js";
import { Notes } from "./door_notes.js";
import { scanner } from "./door_scanner.js";

const door = document.querySelector("[data-door]");
const rows = new Map([...door.querySelectorAll("li[data-booking]")].map((row) => [row.dataset.booking, row]));
const state = door.querySelector("[data-state]");
const notes = new Notes(`dinnerkit-door:${door.dataset.door}`);
const AGAIN = 5_000;
const OLD = 60_000;

function show(booking, came, waiting) {
  const row = rows.get(booking);
  if (!row) return;
  row.dataset.status = came ? "checked_in" : "no_show";
  row.toggleAttribute("data-waiting", waiting);
  row.querySelector("[data-in]").hidden = !came;
  row.querySelector("[data-missed]").hidden = came;
  const here = row.contains(document.activeElement);
  for (const button of row.querySelectorAll("button")) button.hidden = (button.value === "yes") === came;
  // The button in use is gone: a keyboard goes on from this row, and a second Enter takes nothing back.
  if (here) row.focus();
  const there = [...rows.values()].filter((one) => one.dataset.status === "checked_in");
  door.querySelector("[data-arrived]").textContent = there.reduce((sum, one) => sum + Number(one.dataset.guests), 0);
}

// The server knew better: it is as nobody had said anything.
function forget(booking) {
  const row = rows.get(booking);
  if (!row) return;
  row.dataset.status = "confirmed";
  row.removeAttribute("data-waiting");
  for (const badge of row.querySelectorAll(".badge")) badge.hidden = true;
  for (const button of row.querySelectorAll("button")) button.hidden = button.value !== "yes";
}

function tell(text) {
  state.textContent = text;
}

function waiting() {
  const many = notes.all().length;
  return many ? `${many} to be sent as soon as there is a connection.` : "";
}

function noConnection() {
  const made = new Date(door.dataset.made);
  const old = Date.now() - made > OLD && `The list is from ${made.toLocaleTimeString("en-GB", { timeStyle: "short" })}.`;
  return ["No connection.", old, waiting()].filter(Boolean).join(" ");
}

// The copy of this page, renewed one time after another.
let copied = Promise.resolve();

function copy() {
  const user = document.querySelector('meta[name="dinnerkit-user"]')?.content;
  if (!navigator.serviceWorker || !user) return;
  const name = copyName(user, door.dataset.door, door.dataset.until);
  copied = copied
    .then(() => navigator.serviceWorker.register(`${door.dataset.worker}?copy=${encodeURIComponent(name)}`, { scope: location.pathname }))
    .then(() => keep(name, location.pathname))
    .catch(() => null); // without a copy the page works as long as it is open
}

async function digest(ticket) {
  const bytes = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(ticket));
  return [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function known(ticket) {
  if (!globalThis.crypto?.subtle) return undefined;
  const wanted = await digest(ticket);
  return [...rows.values()].find((row) => row.dataset.digest === wanted)?.dataset.booking;
}

async function send(note) {
  const body = new FormData();
  body.set("csrf", door.querySelector("input[name=csrf]").value);
  for (const [name, value] of Object.entries(note)) if (name !== "id") body.set(name, value);
  const answer = await fetch(door.dataset.address, { method: "POST", body, headers: { Accept: "application/json" }, redirect: "manual" });
  if (!answer.headers.get("Content-Type")?.includes("json")) throw new Error("no answer of ours");
  return { ...(await answer.json()), ok: answer.ok, code: answer.status };
}

let sending = false;

async function sendAll() {
  if (sending) return;
  sending = true;
  let said = "";
  let told = false;
  try {
    for (const note of notes.all()) {
      const answer = await send(note);
      if (answer.code >= 500 || answer.code === 429) break;
      notes.remove(note.id);
      told = true;
      if (answer.ok) {
        show(answer.booking_id, answer.status === "checked_in", false);
        said = answer.name && note.ticket ? `${answer.name} is in.` : "";
      } else {
        if (note.booking) forget(note.booking);
        said = answer.message;
      }
    }
    tell([said, waiting()].filter(Boolean).join(" "));
  } catch {
    tell(navigator.onLine ? `${waiting()} If that stays so, open this page anew and sign in.` : noConnection());
  } finally {
    sending = false;
    if (told) copy();
  }
}

async function note(entry) {
  notes.add({ ...entry, at: new Date().toISOString() });
  if (entry.booking) show(entry.booking, entry.came === "yes", true);
  await sendAll();
}

async function ticket(code) {
  const shown = code.trim().toUpperCase();
  if (!shown) return;
  const booking = await known(shown);
  if (booking && rows.get(booking).dataset.status === "checked_in") tell("These guests are in already.");
  else if (booking) await note({ booking, came: "yes" });
  else if (globalThis.crypto?.subtle && !navigator.onLine) tell("This is not a ticket of the list that this phone has.");
  else await note({ ticket: shown });
}

door.addEventListener("submit", (event) => {
  event.preventDefault();
  event.stopPropagation();
  const form = event.target;
  if (form.matches("[data-ticket]")) {
    ticket(form.elements.ticket.value);
    form.reset();
  } else note({ booking: form.elements.booking.value, came: event.submitter?.value ?? "yes" });
});

const find = door.querySelector("[data-find]");
if (find) {
  find.hidden = false;
  find.querySelector("input").addEventListener("input", ({ target }) => {
    const wanted = target.value.trim().toLocaleLowerCase();
    for (const row of rows.values()) row.hidden = !row.querySelector(".door-name").textContent.toLocaleLowerCase().includes(wanted);
    door.querySelector("[data-nobody]").textContent = [...rows.values()].every((row) => row.hidden) ? "Nobody here has that name." : "";
  });
}

for (const entry of notes.all()) if (entry.booking) show(entry.booking, entry.came === "yes", true);
addEventListener("online", sendAll);
addEventListener("offline", () => tell(noConnection()));
setInterval(() => notes.all().length && sendAll(), AGAIN);
sendAll();
if (navigator.onLine) addEventListener("load", copy, { once: true });
else tell(noConnection());
scanner(door.querySelector("[data-camera]"), ticket, tell);
