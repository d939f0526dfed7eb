// Reads QR codes by the camera, where the browser can; elsewhere the code under the picture is typed.

const PAUSE = 250;
const SAME = 4_000; // the same ticket in front of the camera is one ticket

export async function scanner(part, found, tell) {
  const formats = (await globalThis.BarcodeDetector?.getSupportedFormats?.().catch(() => [])) ?? [];
  if (!formats.includes("qr_code") || !navigator.mediaDevices?.getUserMedia) return;
  const detector = new BarcodeDetector({ formats: ["qr_code"] });
  const [button, video] = [part.querySelector("[data-scan]"), part.querySelector("video")];
  let stream = null;
  part.hidden = false;

  async function look() {
    let last = { code: "", at: 0 };
    while (stream) {
      const [seen] = await detector.detect(video).catch(() => []);
      if (seen && (seen.rawValue !== last.code || Date.now() - last.at > SAME)) {
        last = { code: seen.rawValue, at: Date.now() };
        navigator.vibrate?.(60);
        await found(seen.rawValue);
      }
      await new Promise((done) => setTimeout(done, PAUSE));
    }
  }

  function stop() {
    for (const track of stream?.getTracks() ?? []) track.stop();
    stream = null;
    video.hidden = true;
    button.textContent = "Scan with the camera";
  }

  button.addEventListener("click", async () => {
    if (stream) return stop();
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    } catch {
      return tell("The camera can’t be used. Type the code instead.");
    }
    video.srcObject = stream;
    video.hidden = false;
    button.textContent = "Stop the camera";
    await video.play();
    look();
  });
  document.addEventListener("visibilitychange", () => document.hidden && stop());
}
