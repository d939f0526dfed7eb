"""What the broken backends of several kinds do, sound or wrong in the same way."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

SECONDS = 0.2
"""How long a sound backend waits for its service."""

SOON, LATE = 0.5, 60.0
"""Seconds in which something is to have come: from those that are found out by its not coming; and from others, on any busy machine."""


def ask(service: tuple[str, int] | None) -> None:
    """Ask the service whether it is there, if there is one.

    Raises:
        OSError: it is not, or does not say so.
    """
    if service is None:
        return
    with socket.create_connection(service, SECONDS) as connection:
        connection.sendall(b"anybody there?")
        if not connection.recv(1):
            raise ConnectionResetError("it hung up")


def hear_out(service: tuple[str, int] | None, seconds: float = SECONDS) -> None:
    """Ask the service, and wait for so many seconds, and no longer, until it has said all.

    Raises:
        OSError: it is not there, or does not come to an end.
    """
    if service is None:
        return
    until = time.monotonic() + seconds
    with socket.create_connection(service, SECONDS) as connection:
        connection.sendall(b"anybody there?")
        heard = False
        while connection.recv(100):
            heard = True
            if time.monotonic() > until:
                raise TimeoutError("it goes on and on")
        if not heard:
            raise ConnectionResetError("it hung up")


def insist(ask_once: Callable[[], None], kind: type[Exception]) -> None:
    """Ask again and again, while somebody waits."""
    for _ in range(2):
        try:
            return ask_once()
        except kind:
            continue
    return ask_once()


class TellsItsSecret:
    def __repr__(self) -> str:
        return f"{type(self).__name__}('ours://me:hunter22@there')"


class CanNotBeClosedTwice:
    closed = False

    def close(self) -> None:
        if self.closed:
            raise RuntimeError("closed already")
        self.closed = True
