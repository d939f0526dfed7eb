"""Services in bad times, to which a contract has a backend reach."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

_BETWEEN_DROPS = 0.1


@contextmanager
def service_that_is(place: str) -> Iterator[tuple[str, int]]:
    """The address on this machine of a service in a bad time.

    It is ``silent``: accepts and says nothing; ``closed``: is not there; ``rude``: hangs up on whoever comes; or ``slow``: begins an answer
    of HTTP, and gives so little of it at a time that no time-out for a step ever passes.
    """
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        host, port = listener.getsockname()[:2]
        if place == "closed":
            listener.close()
        elif place in _ANSWERS:
            threading.Thread(target=_answer, args=(listener, _ANSWERS[place]), daemon=True).start()
        yield str(host), int(port)
        if place in _ANSWERS:
            listener.shutdown(socket.SHUT_RDWR)


def _answer(listener: socket.socket, answer: Callable[[socket.socket], object]) -> None:
    with suppress(OSError):  # the listener was shut down
        while True:
            caller, _ = listener.accept()
            answer(caller)


def _drip(caller: socket.socket) -> None:
    def drip() -> None:
        with caller, suppress(OSError):  # the caller has gone
            caller.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            while True:
                caller.sendall(b".")
                time.sleep(_BETWEEN_DROPS)

    threading.Thread(target=drip, daemon=True).start()


_ANSWERS: dict[str, Callable[[socket.socket], object]] = {"rude": socket.socket.close, "slow": _drip}
