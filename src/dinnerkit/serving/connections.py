"""A connection, from which plain requests are taken one after the other, and which can be handed on as if nothing had been read."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import gevent
from gevent import socket

from dinnerkit.serving.heads import MOST_BODY, Doubt, Heads, Incomplete, Plain
from dinnerkit.serving.repeats import Again, Repeats

_AT_ONCE = 8192
_MOST_PIECES = 8
"""In how many pieces a head may come; one that trickles is not plain."""
_BODY_SECONDS = 1.0
"""How long a plain body is waited for; a slower one is read by the app as it comes."""


class Connection:
    """The client's side of a conversation: hands out plain requests, and keeps the bytes of whatever else comes in ``unread``.

    Each request lets the other connections have their turn first. To be closed with :meth:`close` before the socket is.

    Args:
        client: a connected socket of gevent's.
        heads: reads the heads.
        patience: seconds in which the next head must have come; None for ever.
        idle: where it is as long as nothing of the next request has come.
        repeats: the heads that need not be read, if any.
    """

    def __init__(self, client: Any, heads: Heads, patience: float | None, idle: set[Connection], repeats: Repeats | None = None) -> None:
        self.unread = b""
        self._known: Callable[[bytes], Again | None] = repeats.get if repeats is not None else lambda _: None
        self._client = client
        self._heads = heads
        self._patience = patience
        self._idle = idle
        self._hub = gevent.get_hub()
        self._readable = self._hub.loop.io(client.fileno(), 1)
        self._timer = self._hub.loop.timer(patience or 0.0, patience or 0.0)
        self.began = 0.0
        self._me = gevent.getcurrent()

    @property
    def deadline(self) -> float | None:
        """Monotonic seconds by which the head that is being read must have come."""
        return None if self._patience is None else self.began + self._patience

    def close(self) -> None:
        """Let go of the socket."""
        self._readable.close()
        self._timer.close()

    def end(self) -> None:
        """Have :meth:`next_request` return None, unless a request has come by then."""
        self._hub.loop.run_callback(self._end_if_idle)

    def _end_if_idle(self) -> None:
        if self in self._idle:
            self._me.throw(_Ended)

    def next_request(self) -> tuple[Plain, bytes] | Again | None:
        """The next request and its body, or how it is answered again; None once the client is gone, or was silent for too long.

        What is answered again is in ``unread`` still: whoever does so empties it; else it is :meth:`read`.

        Raises:
            Doubt: what came is not plain; it is in ``unread``.
        """
        if self.unread:
            gevent.sleep(0)
        self.began = time.monotonic()
        if self._patience is not None:
            self._timer.again(self._me.throw, _Silence)
        try:
            plain = self._receive_head()
        except _Silence:
            return None
        finally:
            self._timer.stop()
        if not isinstance(plain, Plain):
            return plain
        return self._with_body(plain)

    def read(self) -> tuple[Plain, bytes]:
        """The request in ``unread``."""
        return self._with_body(self._heads.read(self.unread))

    def _with_body(self, plain: Plain) -> tuple[Plain, bytes]:
        ends = plain.end + plain.length
        if len(self.unread) < ends:
            self._receive_body(ends)
        body, self.unread = self.unread[plain.end : ends], self.unread[ends:]
        return plain, body

    def _receive_head(self) -> Plain | Again | None:
        pieces = 0
        while True:
            if self.unread:
                again = self._known(self.unread)
                if again is not None:
                    return again
                try:
                    return self._heads.read(self.unread)
                except Incomplete:
                    if pieces >= _MOST_PIECES:
                        raise Doubt from None
            pieces += 1
            data = self._receive()
            if not data and self.unread:
                raise Doubt
            if not data:
                return None
            self.unread += data

    def _receive(self) -> bytes:
        """What comes next, once the others had their turn; ``b""`` at the end."""
        if self.unread:
            self._hub.wait(self._readable)
        else:
            self._idle.add(self)
            try:
                self._hub.wait(self._readable)
            except _Ended:
                return self._last_words()
            finally:
                self._idle.discard(self)
        data: bytes = self._client.recv(_AT_ONCE)
        return data

    def _last_words(self) -> bytes:
        """What has come already, if anything has."""
        stall = self._client.gettimeout()
        self._client.setblocking(0)
        try:
            data: bytes = self._client.recv(_AT_ONCE)
        except BlockingIOError:
            return b""
        finally:
            self._client.settimeout(stall)
        return data

    def _receive_body(self, ends: int) -> None:
        with gevent.Timeout(_BODY_SECONDS, Doubt):
            while len(self.unread) < ends:
                data = self._client.recv(min(ends - len(self.unread), MOST_BODY))
                if not data:
                    raise Doubt
                self.unread += data


class _Silence(Exception):
    """Nothing came for too long."""


class _Ended(Exception):
    """Nothing more is wanted."""


class Handed:
    """Counts the connections that were handed over and are not closed yet."""

    def __init__(self) -> None:
        self._count = 0

    def __len__(self) -> int:
        """How many there are."""
        return self._count

    def one_more(self) -> Callable[[], None]:
        """Count another; what it gives is to be called once that is closed."""
        self._count += 1
        return self._one_less

    def _one_less(self) -> None:
        self._count -= 1


class Unread(socket.socket):  # type: ignore[misc]
    """A connection as if nothing had been read from it: what was comes again first.

    It takes over the descriptor of ``client``, which is closed thereby. Until :meth:`await_body`, silence after ``deadline``
    (monotonic seconds) is the client's end; afterwards, silence for longer than the given seconds is a broken connection, and so is a
    client that takes nothing for as long.
    """

    def __init__(self, client: Any, unread: bytes, deadline: float | None) -> None:
        super().__init__(client.family, client.type, client.proto, client.detach())
        self._unread = unread
        self._deadline = deadline
        self._stall: float | None = None
        self._read_ahead: Callable[[], bytes] = bytes
        self._handed: Handed | None = None

    def recv(self, size: int, flags: int = 0) -> bytes:
        """What was read before, then what comes."""
        if self._unread:
            data, self._unread = self._unread[:size], self._unread[size:]
            return data
        wait = self._stall if self._deadline is None else max(0.001, self._deadline - time.monotonic())
        received: bytes | None = None
        if wait is None:
            received = super().recv(size, flags)
        else:
            with gevent.Timeout(wait, False):
                received = super().recv(size, flags)
        if received is None and self._deadline is None:
            raise ConnectionResetError(errno.ECONNRESET, "the client stopped in the middle of a body")
        return received or b""

    def sendall(self, data: bytes, flags: int = 0) -> None:
        """Send all of it, however slowly, as long as some of it is taken; with a timeout set, as any socket."""
        if self._stall is None or self.gettimeout() is not None:
            super().sendall(data, flags)
            return
        rest = memoryview(data)
        while rest:
            sent = None
            with gevent.Timeout(self._stall, False):
                sent = self.send(rest, flags)
            if sent is None:
                raise ConnectionResetError(errno.ECONNRESET, "the client took nothing for too long")
            rest = rest[sent:]

    def upgrades(self, read_ahead: Callable[[], bytes], handed: Handed) -> None:
        """The request asks to go on with another protocol: whoever speaks it may have the socket.

        Args:
            read_ahead: takes what was read of the connection behind the request.
            handed: counts it then.
        """
        self._read_ahead, self._handed = read_ahead, handed

    def hand_over(self) -> tuple[int, bytes, Callable[[], None]]:
        """Let go of the connection.

        Returns:
            Its descriptor, which does not block; what was read of it and not looked at; and what is to be called once it is closed.

        Raises:
            RuntimeError: the request did not ask for an upgrade.
        """
        if self._handed is None:
            raise RuntimeError("the request did not ask for an upgrade")
        with suppress(OSError):  # where it is no TCP
            self.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        unread = self._read_ahead() + self._unread
        descriptor = self.detach()
        os.set_blocking(descriptor, False)
        return descriptor, unread, self._handed.one_more()

    def await_body(self, stall: float | None) -> None:
        """The head is read; from now on the client may be silent or deaf for ``stall`` seconds, or for ever where that is None."""
        self._deadline = None
        self._stall = stall
