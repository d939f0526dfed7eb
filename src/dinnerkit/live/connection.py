"""One live connection: whose it is, what it watches, what it answers. Knows neither Flask nor WebSockets, and waits for no client."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from dinnerkit.errors import DinnerkitError, Unauthenticated
from dinnerkit.identity import Principal
from dinnerkit.live.errors import BadFrame
from dinnerkit.live.limits import (
    AUTHENTICATE_SECONDS,
    FRAMES_SECONDS,
    MOST_FRAMES,
    MOST_WATCHED,
    RECHECK_SECONDS,
    Connections,
)
from dinnerkit.live.rooms import Room, Rooms, said
from dinnerkit.live.service import LiveService, State

GOING_AWAY, POLICY, OUR_FAULT, UNAUTHENTICATED, TOO_MANY = 1001, 1008, 1011, 4401, 4429
"""The codes with which we end a connection, beside 1009 for a frame that is too long."""

Resolve = Callable[[str | None], Principal | None]
"""Says whose an access token is, or, for None, whose the connection was when it was opened; raises Unauthenticated for nobody's."""


class Over(Exception):
    """The connection ends now, with a code and a reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


class Wire(Protocol):
    """What a connection goes over."""

    def send(self, frame: bytes) -> None:
        """Take a frame to be sent, without waiting; where the other side is gone or too slow, that ends the connection later."""
        ...

    def end(self, code: int, reason: str) -> None:
        """End the connection."""
        ...


@dataclass(frozen=True, slots=True)
class Hall:
    """What the live connections of a process share.

    Attributes:
        service: says what may be watched.
        rooms: where it is watched.
        connections: the bounds.
        crew: does what may take a moment, several things at once.
        clock: a monotonic one, in seconds.
    """

    service: LiveService
    rooms: Rooms
    connections: Connections
    crew: Executor
    clock: Callable[[], float] = time.monotonic


class Connection:
    """Answers what comes from a client. Whoever owns it calls it from one thread at a time, but for what :class:`~.rooms.Member` has.

    Args:
        wire: to the client.
        hall: what all connections share.
        resolve: says whose the connection is.
    """

    __slots__ = ("_arrived", "_checked", "_hall", "_principal", "_resolve", "_rooms", "_token", "_wire")

    def __init__(self, wire: Wire, hall: Hall, resolve: Resolve) -> None:
        self._wire, self._hall, self._resolve = wire, hall, resolve
        self._principal: Principal | None = None
        self._token: str | None = None
        self._rooms: list[Room] = []
        self._arrived: list[float] = []
        self._checked = hall.clock()

    def begin(self, principal: Principal | None) -> None:
        """Be that user's from the beginning, or nobody's yet.

        Raises:
            Over: they have too many.
        """
        self._be(principal, None)

    @property
    def patience(self) -> float:
        """When :meth:`look_after` is to be called, by the hall's clock."""
        return self._checked + (AUTHENTICATE_SECONDS if self._principal is None else RECHECK_SECONDS)

    def count(self) -> None:
        """Count a frame that has come.

        Raises:
            Over: it is one too many.
        """
        now = self._hall.clock()
        self._arrived.append(now)
        while self._arrived[0] < now - FRAMES_SECONDS:
            del self._arrived[0]
        if len(self._arrived) > MOST_FRAMES:
            raise Over(POLICY, "too many frames")

    def look_after(self) -> None:
        """Ask anew whether it may go on.

        Raises:
            Over: it may not.
        """
        now = self._hall.clock()
        if now < self.patience:
            return
        if self._principal is None:
            raise Over(UNAUTHENTICATED, "nobody said whose this connection is")
        self._checked = now
        try:
            principal = self._resolve(self._token)
        except Unauthenticated:
            principal = None
        if principal != self._principal:
            raise Over(UNAUTHENTICATED, "the session is over, or its rights have changed")

    def take(self, frame: str | bytes) -> None:
        """Answer a frame.

        Raises:
            Over: it ends the connection.
        """
        try:
            self._answer(_object(frame))
        except DinnerkitError as error:
            self._say({"type": "error", "code": error.code, "detail": error.message})

    def leave(self) -> None:
        """Watch nothing more, and be nobody's; to be called once, at the end."""
        for room in list(self._rooms):
            self._hall.rooms.leave(room, self)
        self._rooms.clear()
        if self._principal is not None:
            self._hall.connections.leave(self._principal.user_id)
            self._principal = None

    def tell(self, frame: bytes) -> None:
        """Tell what is watched."""
        self._wire.send(frame)

    def lose(self, room: Room) -> None:
        """Watch there no more."""
        self._hall.rooms.leave(room, self)
        with suppress(ValueError):
            self._rooms.remove(room)

    def fail(self) -> None:
        """End by a fault of ours."""
        self._wire.end(OUR_FAULT, "something went wrong on our side")

    def _answer(self, asked: Mapping[str, Any]) -> None:
        kind = asked.get("type")
        if kind == "authenticate":
            token = asked.get("token")
            if not isinstance(token, str) or not token:
                raise BadFrame("authenticate needs a token, a string")
            self._be(self._resolve(token), token)
            self._say({"type": "authenticated"})
        elif kind not in {"watch", "unwatch"}:
            raise BadFrame("type is one of authenticate, watch, unwatch")
        elif self._principal is None:
            raise Unauthenticated("Say whose this connection is first.")
        elif kind == "watch":
            self._watch(self._principal, asked)
        else:
            self._unwatch({name: value for name, value in asked.items() if name != "type"})

    def _be(self, principal: Principal | None, token: str | None) -> None:
        """Be that user's from now on."""
        if principal is None:
            return
        if self._principal is not None and principal.user_id != self._principal.user_id:
            raise Over(POLICY, "a connection is one user's")
        if self._principal is not None and principal != self._principal:  # what is watched was allowed to who they were
            raise Over(UNAUTHENTICATED, "its rights have changed")
        if self._principal is None and not self._hall.connections.enter(principal.user_id):
            raise Over(TOO_MANY, "you have too many connections")
        self._principal, self._token, self._checked = principal, token, self._hall.clock()

    def _watch(self, principal: Principal, wanted: Mapping[str, Any]) -> None:
        watch = self._hall.service.watch(principal, wanted)
        if len(self._rooms) >= MOST_WATCHED:
            raise BadFrame(f"a connection watches at most {MOST_WATCHED} things")
        room = self._hall.rooms.join(watch, self)
        if room not in self._rooms:
            self._rooms.append(room)

    def _unwatch(self, name: State) -> None:
        for room in list(self._rooms):
            if room.watch.name == name:
                self.lose(room)
        self._say({"type": "unwatched", **name})

    def _say(self, what: State) -> None:
        self._wire.send(said(what))


def _object(frame: str | bytes) -> Mapping[str, Any]:
    try:
        value = orjson.loads(frame)
    except orjson.JSONDecodeError:
        value = None
    if not isinstance(value, dict):
        raise BadFrame("a frame is a JSON object")
    return value
