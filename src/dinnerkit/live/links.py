"""A socket that a server has handed over, and what is known of it."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol, runtime_checkable

from wsproto.connection import Connection as Frames

from dinnerkit.live.connection import Connection


@runtime_checkable
class HandsOver(Protocol):
    """The socket of a request, by a server that lets go of it: when the request is over the server does nothing with it any more."""

    def hand_over(self) -> tuple[int, bytes, Callable[[], None]]:
        """Let go of it; it is as good as closed afterwards.

        Returns:
            The descriptor of a connected stream socket that does not block; what was read of it and not looked at; and what is to be called
            once it is closed.
        """
        ...


class Board(Protocol):
    """Whoever looks after links."""

    def send(self, link: Link, frame: bytes) -> None:
        """Send a frame, or let it wait."""
        ...

    def end(self, link: Link, code: int, reason: str) -> None:
        """Say goodbye, and close once the other side has hung up."""
        ...


class Link:
    """One socket, and the connection that goes over it: the wire of that. There may be very many of these.

    Attributes:
        fd: its descriptor; -1 once it is closed.
        let_go: called once it is closed.
        connection: None from when it has left.
        protocol: reads frames, from when the first has come.
        message: what has come of a message that is not whole.
        frames: messages that wait to be answered.
        unsent: what waits to be sent.
        heard_at: when something came.
        pinged_at, blocked_at, closing_at: since when it owes a pong, takes nothing, was told goodbye; 0 if it does not.
        look_at: the second in which it is looked at.
        registered: what its socket is watched for.
        ready: whether it may be read.
        busy: whether somebody of the crew has it in hand.
        looks: whether its rights are to be looked at.
        over: whether nothing is taken or told any more.
        gone: whether it is to be closed, or is.
    """

    __slots__ = (
        "blocked_at",
        "board",
        "busy",
        "closing_at",
        "connection",
        "fd",
        "frames",
        "gone",
        "heard_at",
        "let_go",
        "look_at",
        "looks",
        "message",
        "over",
        "pinged_at",
        "protocol",
        "ready",
        "registered",
        "unsent",
    )

    def __init__(self, board: Board, fd: int, let_go: Callable[[], None], now: float) -> None:
        self.board, self.fd, self.let_go, self.heard_at = board, fd, let_go, now
        self.connection: Connection | None = None
        self.protocol: Frames | None = None
        self.message = self.unsent = b""
        self.frames: list[bytes] = []
        self.pinged_at = self.blocked_at = self.closing_at = 0.0
        self.look_at = self.registered = 0
        self.busy, self.ready = True, False
        self.looks = self.over = self.gone = False

    def send(self, frame: bytes) -> None:
        """Send a frame, or let it wait."""
        self.board.send(self, frame)

    def end(self, code: int, reason: str) -> None:
        """Say goodbye, and close once the other side has hung up."""
        self.board.end(self, code, reason)


def hang_up(descriptor: int) -> None:
    """Send nothing more on a socket; the other side hears that it has ended."""
    ours = socket.socket(fileno=descriptor)
    with suppress(OSError):
        ours.shutdown(socket.SHUT_WR)
    ours.detach()
