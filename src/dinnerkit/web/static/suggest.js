// Completes what is typed into a search field, by the list beside it. Without it the field is a field.

const PAUSE = 150;

export function suggest(field) {
  const list = document.getElementById(field.getAttribute("list"));
  let waiting = 0;
  let asked = null;
  field.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(async () => {
      asked?.abort();
      const typed = field.value.trim();
      if (typed.length < 2) return list.replaceChildren();
      asked = new AbortController();
      const address = `${field.dataset.suggest}?${new URLSearchParams({ q: typed })}`;
      const answer = await fetch(address, { signal: asked.signal }).catch(() => null);
      if (!answer?.ok) return;
      const { items } = await answer.json();
      list.replaceChildren(...items.map((item) => new Option("", item)));
    }, PAUSE);
  });
}
