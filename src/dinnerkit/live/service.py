"""What may be watched, by whom, and how it is now."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from dinnerkit.booking.errors import NoSuchBooking
from dinnerkit.booking.service import BookingService
from dinnerkit.errors import Forbidden
from dinnerkit.events.service import EventService
from dinnerkit.identity import Principal, Role
from dinnerkit.ids import is_id
from dinnerkit.live.announcing import bookings_topic, event_topic, seating_topic, tables_topic
from dinnerkit.live.errors import BadFrame
from dinnerkit.matching.app_errors import NoTableYet
from dinnerkit.matching.service import SeatingService

State: TypeAlias = dict[str, Any]

_KEPT = 256


@dataclass(frozen=True, slots=True)
class Watch:
    """One thing that somebody watches.

    Attributes:
        key: whoever watches by the same one is told the same.
        topic: on the bus.
        name: what it is called on the connection, such as ``{"topic": "event", "event_id": "…"}``.
        now: how it is now, upon news that were heard at a moment of the monotonic clock; None where there is nothing to say.
        at_first: how it is when the watching begins.
    """

    key: str
    topic: str
    name: State
    now: Callable[[Mapping[str, Any], float], State | None]
    at_first: Callable[[], State | None]


class LiveService:
    """Says what a user may watch. What is read, is read by the services that everybody asks, with the rights of who watches."""

    def __init__(self, events: EventService, bookings: BookingService, seatings: SeatingService) -> None:
        self._events = events
        self._bookings = bookings
        self._seatings = seatings
        self._shared = _SharedReads()
        self._kinds: dict[str, Callable[[Principal, str], Watch]] = {
            "event": self._event,
            "bookings": self._all_bookings,
            "table": self._table,
            "seating": self._seating,
        }

    def watch(self, principal: Principal, wanted: Mapping[str, Any]) -> Watch:
        """What is meant by a wish to watch.

        Args:
            principal: who wants to.
            wanted: ``{"topic": "event", "event_id": …}``, ``{"topic": "bookings"}``, ``{"topic": "table", "booking_id": …}`` or
                ``{"topic": "seating", "event_id": …}``.

        Raises:
            BadFrame: it means nothing.
            NotFound, Forbidden: it is not there, or not for this user.
        """
        kind = wanted.get("topic")
        if not isinstance(kind, str) or kind not in self._kinds:
            raise BadFrame(f"topic is one of {', '.join(self._kinds)}")
        key = {"event": "event_id", "seating": "event_id", "table": "booking_id"}.get(kind, "")
        which = wanted.get(key, "") if key else ""
        if key and not (isinstance(which, str) and is_id(which)):
            raise BadFrame(f"{kind} needs {key}, an id")
        return self._kinds[kind](principal, which)

    def _event(self, principal: Principal, event_id: str) -> Watch:
        def read() -> State:
            view = self._events.get(event_id)  # as anybody sees it: drafts have no public
            return {"event_id": event_id, "status": view["status"], "seats": view["seats"], "seats_left": view["seats_left"]}

        topic = event_topic(event_id)
        self._shared.read(topic, time.monotonic(), read)
        return Watch(topic, topic, {"topic": "event", "event_id": event_id}, lambda _, heard: self._shared.read(topic, heard, read), read)

    def _all_bookings(self, principal: Principal, _: str) -> Watch:
        def now(hint: Mapping[str, Any], _: float) -> State | None:
            try:
                booking = self._bookings.get(principal.user_id, str(hint["about"]))
            except NoSuchBooking:
                return None
            return {"booking_id": booking.id, "event_id": booking.event, "status": booking.status}

        topic = bookings_topic(principal.user_id)
        return Watch(topic, topic, {"topic": "bookings"}, now, lambda: None)

    def _table(self, principal: Principal, booking_id: str) -> Watch:
        booking = self._bookings.get(principal.user_id, booking_id)

        def read() -> State:
            try:
                self._seatings.table_of(self._bookings.get(principal.user_id, booking_id))
            except NoTableYet:
                return {"booking_id": booking_id, "published": False}
            return {"booking_id": booking_id, "published": True}

        key = f"table:{principal.user_id}:{booking_id}"
        return Watch(key, tables_topic(booking.event), {"topic": "table", "booking_id": booking_id}, lambda _, __: read(), read)

    def _seating(self, principal: Principal, event_id: str) -> Watch:
        if not principal.may(Role.HOST):
            raise Forbidden("only hosts have guests seated")
        self._events.managed(principal, event_id)

        def read() -> State | None:
            seating = self._seatings.latest(event_id)
            if seating is None:
                return None
            state = {"event_id": event_id, "seating_id": seating.id, "status": seating.status, "progress": seating.progress}
            return state if seating.best is None else state | {"best": seating.best}

        def now(told: Mapping[str, Any], _: float) -> State | None:
            return read() if "about" in told else {"event_id": event_id, **told}

        topic = seating_topic(event_id)
        return Watch(topic, topic, {"topic": "seating", "event_id": event_id}, now, read)


class _SharedReads:
    """Reads what is the same for everybody once for each hint, however many of this process watch it."""

    def __init__(self) -> None:
        self._locks = [threading.Lock() for _ in range(16)]
        self._latest: OrderedDict[str, tuple[float, State]] = OrderedDict()

    def read(self, topic: str, heard: float, read: Callable[[], State]) -> State:
        """The state, by a reading that began after a hint was heard."""
        with self._locks[hash(topic) % len(self._locks)]:
            known = self._latest.get(topic)
            if known is not None and known[0] >= heard:
                return known[1]
            begun = time.monotonic()
            state = read()
            self._latest[topic] = begun, state
            self._latest.move_to_end(topic)
            while len(self._latest) > _KEPT:
                self._latest.popitem(last=False)
            return state
