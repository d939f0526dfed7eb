"""A proxy between a backend and its service, which can be made to behave as a bad network does."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Literal, TypeAlias, get_args

DELAY = 0.4
"""Seconds for which a slow proxy holds each piece of what it hands on, unless told otherwise."""

Mode: TypeAlias = Literal["well", "hangs", "refuses", "drops", "slow"]


class Proxy:
    """Hands bytes on, or hangs (holds them), refuses (nobody listens), drops (hangs up on all), is slow (holds each for a while).

    Args:
        target: the port of the service, on this machine.
        delay: seconds for which each piece is held while it is slow.

    Attributes:
        port: where the proxy listens, on this machine; the same whatever it does.
        mode: what it does now.
        tries: how many connections were made since it was last turned.
    """

    def __init__(self, target: int, delay: float = DELAY) -> None:
        self.target = target
        self.delay = delay
        self.mode: Mode = "well"
        self.tries = 0
        self._changed = threading.Condition()
        self._sockets: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = int(self._listener.getsockname()[1])
        self._accept_on(self._listener)

    def turn(self, mode: Mode) -> None:
        """Be ``well``, or ``hangs``, ``refuses``, ``drops``, ``slow``, from now on.

        Raises:
            ValueError: it is none of these.
        """
        if mode not in get_args(Mode):
            raise ValueError(f"a proxy is one of {', '.join(get_args(Mode))}, not {mode!r}")
        if self.mode == "refuses" and mode != "refuses":
            self._listener = socket.create_server(("127.0.0.1", self.port), backlog=128)
            self._accept_on(self._listener)
        with self._changed:
            self.mode = mode
            self.tries = 0
            self._changed.notify_all()
        if mode == "refuses":
            self._end(self._listener)
        if mode in {"refuses", "drops"}:
            self.hang_up()

    def hang_up(self) -> None:
        """End every connection."""
        for connection in list(self._sockets):
            self._end(connection)

    def close(self) -> None:
        """End every connection, and listen no more."""
        self.turn("drops")
        self._end(self._listener)

    def _accept_on(self, listener: socket.socket) -> None:
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):  # it was closed
            while True:
                client, _ = listener.accept()
                self.tries += 1
                service = None if self.mode == "drops" else self._reached()
                if service is None:
                    client.close()
                    continue
                self._sockets |= {client, service}
                for source, sink in ((client, service), (service, client)):
                    threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _reached(self) -> socket.socket | None:
        """A connection to the service; None where there is none, which the client is to notice as if it had asked itself."""
        try:
            return socket.create_connection(("127.0.0.1", self.target))
        except OSError:
            return None

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):  # one of them was ended
            while data := source.recv(65536):
                with self._changed:
                    self._changed.wait_for(lambda: self.mode != "hangs")
                    if self.mode == "slow":
                        self._changed.wait_for(lambda: self.mode != "slow", self.delay)
                sink.sendall(data)
        for end in (source, sink):
            self._end(end)

    def _end(self, connection: socket.socket) -> None:
        self._sockets.discard(connection)
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
        connection.close()


@contextmanager
def proxy(target: int, delay: float = DELAY) -> Iterator[Proxy]:
    """A proxy to a port of this machine, closed at the end of the block."""
    opened = Proxy(target, delay)
    try:
        yield opened
    finally:
        opened.close()
