"""A client of the live connection."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from simple_websocket import Client, ConnectionClosed

from tests.waiting import DEADLINE


class Talk:
    """An open connection."""

    def __init__(self, address: str, *, path: str = "/v1/live", headers: dict[str, str] | None = None, token: str = "") -> None:
        self.socket = Client(f"{address.replace('http', 'ws')}{path}", headers=headers)
        if token:
            assert self.ask(type="authenticate", token=token) == {"type": "authenticated"}

    def send(self, **frame: Any) -> None:
        self.socket.send(json.dumps(frame))

    def hear(self) -> dict[str, Any]:
        """The next frame."""
        frame = self.socket.receive(timeout=DEADLINE)
        assert frame is not None, "nothing was told"
        return dict(json.loads(frame))

    def ask(self, **frame: Any) -> dict[str, Any]:
        """Send, and hear the answer."""
        self.send(**frame)
        return self.hear()

    def until(self, **wanted: Any) -> dict[str, Any]:
        """The first frame that has these values; others are passed over."""
        deadline = time.monotonic() + DEADLINE
        while time.monotonic() < deadline:
            frame = self.hear()
            if wanted.items() <= frame.items():
                return frame
        raise AssertionError(f"in vain: {wanted}")

    def silent(self, seconds: float = 0.6) -> bool:
        """Whether nothing is told for a while."""
        return self.socket.receive(timeout=seconds) is None

    def ended(self) -> int:
        """The code with which the other side ends it."""
        try:
            while self.socket.receive(timeout=DEADLINE) is not None:
                pass
        except ConnectionClosed as closed:
            return int(closed.reason)
        raise AssertionError("it goes on")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with suppress(ConnectionClosed):
            self.socket.close()
        self.socket.thread.join(DEADLINE)
