// The night page: pick a trait in the legend, and the other petals fade; type a name, and its table comes forward.

const night = document.querySelector("[data-night]");

function pickable(word) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "pick";
  button.textContent = word.textContent;
  button.setAttribute("aria-pressed", "false");
  button.dataset.trait = word.dataset.trait;
  word.replaceWith(button);
  return button;
}

function pick(button, all) {
  const on = button.getAttribute("aria-pressed") !== "true";
  for (const other of all) other.setAttribute("aria-pressed", String(on && other === button));
  if (on) night.dataset.picked = button.dataset.trait;
  else delete night.dataset.picked;
}

function finder() {
  const form = document.createElement("form");
  form.className = "finder";
  form.innerHTML = '<label for="find-guest">Find a guest</label><input id="find-guest" type="search" autocomplete="off"><p role="status" class="hint"></p>';
  const status = form.querySelector("p");
  const find = () => {
    const wanted = form.querySelector("input").value.trim().toLocaleLowerCase();
    const found = new Set();
    for (const guest of night.querySelectorAll("[data-name]")) {
      const hit = wanted !== "" && guest.dataset.name.toLocaleLowerCase().startsWith(wanted);
      guest.classList.toggle("found", hit);
      if (hit) found.add(guest.closest(".sitting"));
    }
    for (const table of night.querySelectorAll(".sitting")) {
      table.classList.toggle("aside-for-now", wanted !== "" && !found.has(table));
    }
    status.textContent = wanted === "" ? "" : ["Nobody of that name", "At one table"][found.size] ?? `At ${found.size} tables`;
    return found;
  };
  form.addEventListener("input", find);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    find().values().next().value?.scrollIntoView({ block: "center" });
  });
  return form;
}

if (night) {
  const buttons = [...night.querySelectorAll(".legend [data-trait]")].map(pickable);
  for (const button of buttons) button.addEventListener("click", () => pick(button, buttons));
  night.querySelector(".order")?.before(finder());
}
