"""A captcha provider on this machine: it gives answers away, judges each once, and can be told to be in trouble."""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

SITES = {"site-key": "hunter22-secret", "other-key": "other-secret"}
HOSTNAME = "dinners.example"

WIDGET = """
globalThis.NAME = {
  render(place, { sitekey, callback }) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "I am no robot";
    button.addEventListener("click", () => callback("ANSWER"));
    place.append(button);
  },
};
"""


class Provider:
    """What was answered where; ``trouble`` is the error code, or the status, with which it judges."""

    def __init__(self) -> None:
        self.answers: dict[str, dict[str, Any]] = {}
        self.asked: list[dict[str, str]] = []
        self.trouble: str | int = ""
        self.offset = 0.0
        self.port = 0
        self._lock = threading.Lock()

    def solve(self, sitekey: str, action: str, hostname: str = HOSTNAME) -> str:
        answer = f"{secrets.token_hex(4)}.{secrets.token_urlsafe(40)}"
        self.answers[answer] = {"sitekey": sitekey, "action": action, "hostname": hostname, "until": time.monotonic() + self.offset + 300}
        return answer

    def later(self) -> None:
        self.offset += 301

    def url(self, scheme: str = "turnstile", key: str = "site-key", **more: str) -> str:
        options = {"secret": SITES[key], "verify": f"http://127.0.0.1:{self.port}/siteverify", **more}
        return f"{scheme}://{key}?{'&'.join(f'{name}={value}' for name, value in options.items())}"

    def judge(self, fields: dict[str, str]) -> dict[str, Any]:
        with self._lock:
            self.asked.append(fields)
            sitekey = next((key for key, secret in SITES.items() if secret == fields.get("secret")), None)
            if self.trouble:
                return {"success": False, "error-codes": [self.trouble]}
            if sitekey is None:
                return {"success": False, "error-codes": ["invalid-input-secret"]}
            found = self.answers.get(fields.get("response", ""))
            if found is None or found["sitekey"] != sitekey:
                return {"success": False, "error-codes": ["invalid-input-response"]}
            if found.get("used") or found["until"] <= time.monotonic() + self.offset:
                return {"success": False, "error-codes": ["timeout-or-duplicate"]}
            found["used"] = True
            return {"success": True, "hostname": found["hostname"], "action": found["action"], "error-codes": []}


class _Patient(ThreadingHTTPServer):
    request_queue_size = 64


@contextmanager
def provider() -> Iterator[Provider]:
    """One that runs."""
    made = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            if isinstance(made.trouble, int):
                self._say(made.trouble, "text/html", "<h1>not now</h1>")
            elif made.trouble == "nonsense":
                self._say(200, "application/json", "<h1>not now</h1>")
            else:
                found = made.judge({name: values[0] for name, values in parse_qs(body).items()})
                self._say(200, "application/json", json.dumps(found))

        def do_GET(self) -> None:
            query = parse_qs(urlsplit(self.path).query)
            answer = made.solve("site-key", query["action"][0])
            self._say(200, "text/javascript", WIDGET.replace("NAME", query["name"][0]).replace("ANSWER", answer))

        def _say(self, status: int, kind: str, body: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: Any) -> None:
            """Say nothing of each request."""

    server = _Patient(("127.0.0.1", 0), Handler)
    made.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
