// Counts a <time> down to the moment in its datetime, second by second; when it is over, the page that it names is read.

export function countDown(time) {
  const end = Date.parse(time.dateTime);

  function show() {
    const left = Math.max(0, Math.round((end - Date.now()) / 1000));
    time.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    if (left === 0) {
      clearInterval(timer);
      location.replace(time.dataset.countdown);
    }
  }

  if (!(end > Date.now()) || end - Date.now() > 3_600_000) return;
  const timer = setInterval(show, 1000);
  show();
}
