// Parts of a page that say in data-live what they show are told when it changes, and read anew. Without a connection nothing is lost but time.

import { reread } from "./refresh.js";

const LAST_WORDS = [1008, 4401, 4429]; // codes after which coming back would be in vain

function progress(part, told) {
  if (told.status !== "queued") return false;
  const bar = part.querySelector("progress");
  if (!bar) return false;
  bar.value = 100 * told.progress;
  const left = part.querySelector("[data-left]");
  if (left && told.seconds_left > 1) left.textContent = `About ${Math.ceil(told.seconds_left)} seconds are left.`;
  const best = part.querySelector("[data-best]");
  if (best && told.best) best.textContent = `The best so far have ${told.best.toFixed(1)} points of 100.`;
  return true;
}

function concerns(part, told) {
  if (told.type === "bookings") return !told.booking_id || told.booking_id === part.dataset.booking;
  if (told.type === "event") return String(told.seats_left) !== part.dataset.seats || told.status !== part.dataset.status;
  if (told.type === "table") return String(told.published) !== part.dataset.published;
  return !progress(part, told);
}

export function live(address, ids, wait = 2000) {
  const socket = new WebSocket(new URL(address, location.href.replace(/^http/, "ws")));
  const parts = () => ids.map((id) => document.getElementById(id)).filter((part) => part?.dataset.live);
  socket.addEventListener("open", () => {
    for (const part of parts()) {
      part.dataset.told = "yes";
      socket.send(JSON.stringify({ type: "watch", ...JSON.parse(part.dataset.live) }));
    }
  });
  socket.addEventListener("message", (event) => {
    const told = JSON.parse(event.data);
    for (const part of parts()) {
      const watched = JSON.parse(part.dataset.live);
      const mine = watched.topic === told.type && Object.entries(watched).every(([key, value]) => key === "topic" || told[key] === value);
      if (mine && concerns(part, told)) reread(part);
    }
  });
  socket.addEventListener("close", (event) => {
    for (const part of parts()) delete part.dataset.told;
    if (!LAST_WORDS.includes(event.code)) setTimeout(() => live(address, ids, Math.min(2 * wait, 60_000)), wait * (1 + Math.random()));
  });
}
