"""The computing of a seating: what a worker does once a host has asked for one."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from pymongo.database import Database

from dinnerkit.booking.rules import SETTLED
from dinnerkit.booking.store import BookingStore
from dinnerkit.clock import Clock
from dinnerkit.events.rules import Event
from dinnerkit.events.service import EventService
from dinnerkit.matching.documents import SeatingDocument
from dinnerkit.matching.guest_list import GuestList
from dinnerkit.matching.people.guests import Guest
from dinnerkit.matching.seating.tables import Seating
from dinnerkit.matching.seatings import Place, as_seating, brought, from_row, passed_on, places_of
from dinnerkit.storage import Row, collection

_TELL_SECONDS, _NOTE_SECONDS = 0.25, 1.0
_TELLING = 0.05
"""So large a share must be done to tell from it how long the rest will take."""

Tell: TypeAlias = Callable[[str, Mapping[str, Any]], None]
"""Told how an event's seating goes on: ``{"seating_id", "status", "progress", "seconds_left", "best"}``, the last being the best score
so far; at the end with ``"score"`` in place of both."""


class SeatingWork:
    """Computes what :class:`dinnerkit.matching.service.SeatingService` was asked for.

    A seating is a function of the guests and the host's wishes: when a worker is killed, another computes the same; where there are
    hundreds of guests, it goes on from what the first has noted every few seconds. An event is in one city, so the nights of several
    cities are as many seatings, which workers compute side by side.

    Args:
        database: where seatings are kept.
        events: whose guests are seated.
        bookings: who comes.
        guest_list: what is known of them.
        clock: the time.
        tell: called with an event's id and how its seating goes on, after that is stored where it is.
    """

    def __init__(
        self,
        database: Database[Row],
        events: EventService,
        bookings: BookingStore,
        guest_list: GuestList,
        clock: Clock,
        tell: Tell = lambda _event, _state: None,
    ) -> None:
        self._tell = tell
        self._seatings = collection(database, SeatingDocument)
        self._events = events
        self._bookings = bookings
        self._guest_list = guest_list
        self._clock = clock

    def compute(self, seating_id: str) -> None:
        """Seat the guests; safe to repeat, and to run twice at once."""
        row = self._seatings.find_one({"_id": seating_id, "status": "queued"})
        if row is None:
            return
        event = self._events.event(row["event"])
        bookings = self._bookings.of_event(event.id, SETTLED)
        places = places_of(bookings)
        guests, again = self._guest_list.of(event, places, brought(bookings))
        row |= {name: [passed_on(kept, bookings) for kept in row.get(name, ())] for name in ("locked", "locked_guests")}
        values = self._outcome(row, event, guests, again, {place.guest_id: place for place in places})
        finished = values | {"progress": 1.0, "finished_at": self._clock()}
        self._seatings.update_one(_queued(row), {"$set": finished, "$unset": {"halfway": "", "best": ""}})
        self._tell(event.id, {"seating_id": seating_id, "status": values["status"], "progress": 1.0, "score": values.get("score")})

    def _outcome(self, row: Row, event: Event, guests: list[Guest], again: frozenset[tuple[str, str]], places: Mapping[str, Place]) -> Row:
        # Whatever opens a Kit has this service, and a web process never calls it: numpy and the search come with the first seating.
        from dinnerkit.matching.carrying_out import Search, outcome  # noqa: PLC0415

        told = _Progress(
            lambda share, best: self._note(row, {"progress": share, "best": best}),
            lambda state: self._tell(event.id, {"seating_id": row["_id"], "status": "queued", **state}),
        )
        size = (event.details.table_size.min, event.details.table_size.max)
        search = Search(guests, again, size, told, told.best, lambda kept: self._note(row, {"halfway": kept}))
        return outcome(row, search, self._earlier(row), places)

    def _earlier(self, row: Row) -> Seating | None:
        """The seating that this one mends, or of which it keeps something."""
        earlier = row["mends"]["seating"] if row.get("mends") else row.get("keeps")
        return as_seating(from_row(self._seatings.find_one({"_id": earlier, "event": row["event"]}) or {})) if earlier else None

    def _note(self, row: Row, values: Row) -> None:
        self._seatings.update_one(_queued(row), {"$set": values})


def _queued(row: Row) -> Row:
    """A seating that was not done when its row was read, and only if it still is not."""
    return {"_id": row["_id"], "event": row["event"], "status": "queued"}


class _Progress:
    """Passes progress on: a few times a second to those who look, and once a second to the database.

    Args:
        note: given the share that is done, and the best score so far.
        tell: given these, and how many more seconds it will take at this pace; None where it is too early to say.
    """

    def __init__(self, note: Callable[[float, float | None], None], tell: Callable[[Mapping[str, Any]], None]) -> None:
        self._note, self._tell = note, tell
        self._best: float | None = None
        self._first: float | None = None
        self._began = time.monotonic()
        self._told, self._noted = self._began, self._began

    def best(self, score: float) -> None:
        """Remember the best score so far."""
        self._best = round(score, 1)

    def __call__(self, share: float) -> None:
        now = time.monotonic()
        self._first = share if self._first is None else self._first
        if now - self._told < _TELL_SECONDS:
            return
        self._told = now
        if now - self._noted >= _NOTE_SECONDS:
            self._noted = now
            self._note(share, self._best)
        done = share - self._first  # what was done before another worker was killed tells nothing of this one's pace
        left = round((now - self._began) * (1 - share) / done, 1) if done >= _TELLING else None
        self._tell({"progress": round(share, 3), "seconds_left": left, "best": self._best})
