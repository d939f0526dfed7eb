// Reads a part of the page anew: when it is told to, or every second for as long as the server marks it as unfinished.

const WAIT = 1000;
const WAIT_IF_TOLD = 10_000; // a live connection tells sooner; this is for what it may miss

export async function reread(part) {
  const answer = await fetch(part.dataset.refresh || location.href, { headers: { Accept: "text/html" } }).catch(() => null);
  if (!answer?.ok) return part;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.getElementById(part.id);
  // It is gone, or says in data-whole that the rest of the page is out of date too.
  if (!fresh || fresh.dataset.whole !== part.dataset.whole) {
    location.reload();
    return null;
  }
  if (part.dataset.told) fresh.dataset.told = part.dataset.told;
  part.replaceWith(fresh);
  return fresh;
}

export function refresh(part) {
  setTimeout(async () => {
    const there = document.getElementById(part.id); // it may have been read anew meanwhile
    const fresh = there?.dataset.refresh ? await reread(there) : there;
    if (fresh?.dataset.refresh) refresh(fresh);
  }, part.dataset.told ? WAIT_IF_TOLD : WAIT);
}
