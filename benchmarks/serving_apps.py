"""What the servers under measurement serve; run as a script, the floor that they are ratios to."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Any

BODY = b"x" * 10_240
HEADERS = [
    ("Content-Type", "application/json"),
    ("Content-Length", str(len(BODY))),
    ("Cache-Control", "public, max-age=5"),
    ("ETag", '"abc"'),
]


def bare(_: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """10 kB that are there already."""
    start_response("200 OK", HEADERS)
    return [BODY]


def dinners() -> Any:
    """The default app, with its settings from the environment."""
    from dinnerkit import create_app  # noqa: PLC0415 - after gevent's patch
    from dinnerkit.serving.offload import GeventOffload  # noqa: PLC0415

    return create_app(offload=GeventOffload())


def floor(port: int) -> None:
    """The same answer from gevent's sockets, whatever is asked."""
    from gevent.server import StreamServer  # noqa: PLC0415 - only this needs it

    lines = "".join(f"{name}: {value}\r\n" for name, value in HEADERS)
    answer = (
        f"HTTP/1.1 200 OK\r\nServer: floor\r\nDate: Thu, 26 Nov 2026 02:35:59 GMT\r\nConnection: keep-alive\r\n{lines}\r\n".encode() + BODY
    )

    def answer_all(client: Any, _: Any) -> None:
        while client.recv(8192):
            client.sendall(answer)

    StreamServer(("127.0.0.1", port), answer_all).serve_forever()


if __name__ == "__main__":
    floor(int(sys.argv[1]))
