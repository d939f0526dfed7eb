// Shows how many statements are answered.

export function showProgress(form) {
  const line = form.querySelector("[data-progress]");
  const [bar, text] = [line.querySelector("progress"), line.querySelector("span")];

  function show() {
    const answered = form.querySelectorAll("input[type=radio]:checked").length;
    bar.value = answered;
    text.textContent = `${answered} of ${bar.max}`;
  }

  line.hidden = false;
  form.addEventListener("change", show);
  show();
}
