// Forms that were sent and are still here, as the browser's Stop was pressed, or nothing came of it: they can be sent again. That is safe, as
// each carries the id of what it asks for, and the same id twice is done once.

const PATIENCE = 30_000;

export function whenStopped(act) {
  let timer = 0;
  const again = () => {
    clearTimeout(timer);
    act();
  };
  globalThis.navigation?.addEventListener("navigateerror", again);
  addEventListener("pageshow", again);
  return function sent() {
    clearTimeout(timer);
    timer = setTimeout(again, PATIENCE);
  };
}
