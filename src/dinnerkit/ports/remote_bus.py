"""A bus whose service is elsewhere: what is published is sent in the background, and one connection hears for all listeners of a process.

For the authors of buses: what is theirs is a :class:`Line`. There is at most one thread that sends what was published, many news at once,
and one that hears. Each runs only while there is something to do.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import orjson
import structlog

from dinnerkit.ports.bus import News, encoded
from dinnerkit.ports.hub import Hub, Inbox

log = structlog.get_logger(__name__)

_BATCH = 200
_MOST_WAITING = 5000
_RETRY_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Parcel:
    """News that are sent at once: topic and body, as JSON, of each; and whether others were lost before."""

    news: Sequence[tuple[str, str]]
    lost: bool


NextParcel: TypeAlias = Callable[[], "Parcel | None"]
"""Waits a moment for the next parcel, half a second or so; None where none came."""


class Line(Protocol):
    """How parcels come to the service and from it."""

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """What :meth:`send` and :meth:`hear` raise where the service fails, or tells what is no parcel of ours."""
        ...

    def send(self, parcel: Parcel) -> None:
        """Hand a parcel over, within a few seconds."""
        ...

    def hear(self) -> AbstractContextManager[NextParcel]:
        """Hear, from when the context is entered, all that is sent. A connection that breaks ends it by an error."""
        ...


class RemoteBus:
    """Sends news by a line, and hears them by it.

    Args:
        line: to the service.
        patience: seconds that a first listener waits until the line is open, and that closing waits for what is not sent yet.
    """

    def __init__(self, line: Line, patience: float) -> None:
        self._line = line
        self._patience = patience
        self._hub = Hub()
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._outgoing: deque[tuple[str, str]] = deque()
        self._lost = False
        self._sender: threading.Thread | None = None
        self._listener: threading.Thread | None = None
        self._listening = threading.Event()

    def publish(self, *news: News) -> None:
        """Tell everybody who listens, in whatever process; what can't be sent is lost."""
        told = [(one.topic, encoded(one)) for one in news]
        with self._lock:
            if self._closing.is_set():
                return
            if len(self._outgoing) + len(told) > _MOST_WAITING:
                self._outgoing.clear()
                self._lost = True
            self._outgoing.extend(told)
            if self._outgoing and self._sender is None:
                self._sender = threading.Thread(target=self._send, name="dinnerkit-bus-sender", daemon=True)
                self._sender.start()

    def subscribe(self, *topics: str, most: int = 256) -> Inbox:
        """Listen to topics; where the service can't be reached now, the listener hears that it may have missed something."""
        inbox = self._hub.open(most)
        with self._lock:
            if self._listener is None and not self._closing.is_set():
                self._listening.clear()
                self._listener = threading.Thread(target=self._listen, name="dinnerkit-bus-listener", daemon=True)
                self._listener.start()
        for topic in topics:
            inbox.add(topic)
        if not self._listening.wait(self._patience):
            inbox.miss()
        return inbox

    def close(self) -> None:
        """Send what was published, if that takes no more than a moment."""
        self._closing.set()
        for thread in (self._sender, self._listener):
            if thread is not None and thread is not threading.current_thread():
                thread.join(self._patience)

    def _send(self) -> None:
        """Send until nothing is left to be sent."""
        while True:
            with self._lock:
                batch = [self._outgoing.popleft() for _ in range(min(_BATCH, len(self._outgoing)))]
                lost, self._lost = self._lost, False
                if not batch and not lost:
                    self._sender = None
                    return
            try:
                self._line.send(Parcel(batch, lost))
            except self._line.errors as error:
                log.warning("news_lost", count=len(batch), error=type(error).__name__)
                with self._lock:
                    self._lost = True
                    if self._closing.is_set():
                        self._outgoing.clear()
                        self._lost = False
                self._closing.wait(_RETRY_SECONDS)

    def _listen(self) -> None:
        """Hear until nobody listens."""
        missed = False
        # The service's, or of what is no news of ours.
        faults: tuple[type[Exception], ...] = (*self._line.errors, LookupError, TypeError, ValueError)
        while not self._closing.is_set():
            try:
                with self._line.hear() as next_parcel:
                    if missed:
                        self._hub.tell_missed()
                    self._listening.set()
                    while not self._closing.is_set():
                        self._heard(next_parcel())
                        if self._nobody_listens():
                            return
            except faults as error:
                if not self._closing.is_set():
                    log.warning("bus_interrupted", error=type(error).__name__)
            missed = True
            self._closing.wait(_RETRY_SECONDS)
            if self._nobody_listens():
                return

    def _nobody_listens(self) -> bool:
        with self._lock:
            if len(self._hub):
                return False
            self._listener = None
            self._listening.clear()
            return True

    def _heard(self, parcel: Parcel | None) -> None:
        if parcel is None:
            return
        if parcel.lost:
            self._hub.tell_missed()
        for topic, body in parcel.news:
            found = orjson.loads(body)
            if isinstance(found, dict):
                self._hub.hand_out(News(topic, found))
            else:
                log.warning("news_dropped", topic=topic, why="the body is no object")
