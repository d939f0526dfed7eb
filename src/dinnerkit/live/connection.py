"""One live connection: whose it is, what it watches, and what it is told. Knows neither Flask nor WebSockets."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import orjson

from dinnerkit.errors import DinnerkitError, Forbidden, NotFound, Unauthenticated
from dinnerkit.identity import Principal
from dinnerkit.live.errors import BadFrame
from dinnerkit.live.limits import (
    AUTHENTICATE_SECONDS,
    FRAMES_SECONDS,
    MOST_FRAMES,
    MOST_WATCHED,
    RECHECK_SECONDS,
    TELL_SECONDS,
    Connections,
)
from dinnerkit.live.service import LiveService, State, Watch
from dinnerkit.ports.bus import Missed, News, Subscription

GOING_AWAY, POLICY, UNAUTHENTICATED, TOO_MANY = 1001, 1008, 4401, 4429
"""The codes with which we end a connection, beside 1009 for a frame that is too long and 1011 for our own faults."""

Resolve = Callable[[str | None], Principal | None]
"""Says whose an access token is, or, for None, whose the connection was when it was opened; raises Unauthenticated for nobody's."""


class Over(Exception):
    """The connection ends now, with a code and a reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


class Wire(Protocol):
    """What a connection goes over."""

    def frames(self) -> list[str | bytes]:
        """The frames that have come since the last call, without waiting.

        Raises:
            Over: the other side is gone.
        """
        ...

    def send(self, text: bytes) -> None:
        """Send a frame of text, which is UTF-8.

        Raises:
            Over: the other side is gone, or takes nothing.
        """
        ...


class Connection:
    """Answers what comes on a wire, and tells what is heard on the bus, until either ends.

    Args:
        wire: whatever comes on it must wake the subscription.
        heard: a subscription to nothing, for this connection alone.
        service: says what may be watched.
        resolve: says whose the connection is.
        connections: the bounds.
        clock: a monotonic one, in seconds.
    """

    def __init__(
        self,
        wire: Wire,
        heard: Subscription,
        service: LiveService,
        resolve: Resolve,
        connections: Connections,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wire, self._heard, self._service, self._resolve = wire, heard, service, resolve
        self._connections, self._clock = connections, clock
        self._principal: Principal | None = None
        self._token: str | None = None
        self._watched: dict[str, list[Watch]] = {}
        self._due: dict[str, tuple[Mapping[str, Any], float]] = {}
        self._told_at: dict[str, float] = {}
        self._arrived: deque[float] = deque()
        self._opened = self._checked = clock()

    def run(self) -> None:
        """Go on until it is over.

        Raises:
            Over: always, with the code to close with.
        """
        try:
            self._be(self._resolve(None), None)
            while True:
                self._look_after()
                for frame in self._wire.frames():
                    self._take(frame)
                self._hear()
        finally:
            if self._principal is not None:
                self._connections.leave(self._principal.user_id)

    def _look_after(self) -> None:
        """End what has no right to go on."""
        now = self._clock()
        if self._connections.stopping():
            raise Over(GOING_AWAY, "the server is going away; come back")
        if self._principal is None and now - self._opened >= AUTHENTICATE_SECONDS:
            raise Over(UNAUTHENTICATED, "nobody said whose this connection is")
        if self._principal is not None and now - self._checked >= RECHECK_SECONDS:
            self._checked = now
            try:
                principal = self._resolve(self._token)
            except Unauthenticated:
                principal = None
            if principal != self._principal:
                raise Over(UNAUTHENTICATED, "the session is over, or its rights have changed")

    def _take(self, frame: str | bytes) -> None:
        now = self._clock()
        self._arrived.append(now)
        while self._arrived[0] < now - FRAMES_SECONDS:
            self._arrived.popleft()
        if len(self._arrived) > MOST_FRAMES:
            raise Over(POLICY, "too many frames")
        try:
            self._answer(_object(frame))
        except DinnerkitError as error:
            self._say({"type": "error", "code": error.code, "detail": error.message})

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
            self._watch(self._service.watch(self._principal, asked))
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
        if self._principal is None and not self._connections.enter(principal.user_id):
            raise Over(TOO_MANY, "you have too many connections")
        self._principal, self._token, self._checked = principal, token, self._clock()

    def _watch(self, watch: Watch) -> None:
        if sum(map(len, self._watched.values())) >= MOST_WATCHED:
            raise BadFrame(f"a connection watches at most {MOST_WATCHED} things")
        watches = self._watched.setdefault(watch.topic, [])
        if all(watch.name != other.name for other in watches):
            watches.append(watch)
        self._heard.add(watch.topic)
        self._say({"type": "watching", **watch.name})
        self._tell(watch, watch.at_first())

    def _unwatch(self, name: State) -> None:
        for topic, watches in list(self._watched.items()):
            kept = [watch for watch in watches if watch.name != name]
            if len(kept) < len(watches):
                self._keep(topic, kept)
        self._say({"type": "unwatched", **name})

    def _keep(self, topic: str, watches: list[Watch]) -> None:
        self._watched[topic] = watches
        if not watches:
            self._heard.drop(topic)
            for known in (self._watched, self._due, self._told_at):
                known.pop(topic, None)

    def _hear(self) -> None:
        """Wait for news, or until something that was heard may be told, and tell it."""
        patience = self._opened + AUTHENTICATE_SECONDS if self._principal is None else self._checked + RECHECK_SECONDS
        moments = [patience, *(self._told_at.get(topic, 0.0) + TELL_SECONDS for topic in self._due)]
        news = self._heard.next(max(0.0, min(moments) - self._clock()))
        if isinstance(news, Missed):
            self._due.clear()
            for watches in list(self._watched.values()):
                for watch in list(watches):
                    self._read(watch, lambda watch=watch: watch.at_first() or {})  # type: ignore[misc]
        elif isinstance(news, News) and news.topic in self._watched:
            if news.topic in self._due and news.body.get("about") != self._due[news.topic][0].get("about"):
                self._flush(news.topic)  # another of the user's bookings: both are to be told
            self._due[news.topic] = news.body, self._clock()
        for topic in list(self._due):
            if self._clock() >= self._told_at.get(topic, 0.0) + TELL_SECONDS:
                self._flush(topic)

    def _flush(self, topic: str) -> None:
        told, heard = self._due.pop(topic)
        self._told_at[topic] = self._clock()
        for watch in list(self._watched.get(topic, ())):
            self._read(watch, lambda watch=watch: watch.now(told, heard))  # type: ignore[misc]

    def _read(self, watch: Watch, read: Callable[[], State | None]) -> None:
        try:
            state = read()
        except (NotFound, Forbidden):
            self._keep(watch.topic, [other for other in self._watched.get(watch.topic, ()) if other.name != watch.name])
            self._say({"type": "gone", **watch.name})
        else:
            self._tell(watch, state)

    def _tell(self, watch: Watch, state: State | None) -> None:
        if state is not None:
            self._say({"type": watch.name["topic"], **state})

    def _say(self, what: State) -> None:
        self._wire.send(orjson.dumps(what))


def _object(frame: str | bytes) -> Mapping[str, Any]:
    try:
        value = orjson.loads(frame)
    except orjson.JSONDecodeError:
        value = None
    if not isinstance(value, dict):
        raise BadFrame("a frame is a JSON object")
    return value
