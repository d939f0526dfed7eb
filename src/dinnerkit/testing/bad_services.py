"""Services in bad times, to which a contract has a backend reach."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def service_that_is(place: str) -> Iterator[tuple[str, int]]:
    """The address on this machine of a service that accepts and says nothing, that is not there, or that hangs up on whoever comes."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        host, port = listener.getsockname()[:2]
        if place == "closed":
            listener.close()
        elif place == "rude":
            threading.Thread(target=_hang_up, args=(listener,), daemon=True).start()
        yield str(host), int(port)
        if place == "rude":
            listener.shutdown(socket.SHUT_RDWR)


def _hang_up(listener: socket.socket) -> None:
    with suppress(OSError):  # the listener was shut down
        while True:
            caller, _ = listener.accept()
            caller.close()
