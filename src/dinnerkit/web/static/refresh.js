// Reads a part of the page anew, every second, for as long as the server marks it as unfinished.

const WAIT = 1000;

export function refresh(part) {
  setTimeout(async () => {
    const answer = await fetch(part.dataset.refresh, { headers: { Accept: "text/html" } }).catch(() => null);
    if (!answer?.ok) return refresh(part);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById(part.id);
    if (!fresh) return location.reload();
    part.replaceWith(fresh);
    if (fresh.dataset.refresh) refresh(fresh);
  }, WAIT);
}
