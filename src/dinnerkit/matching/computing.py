"""The computing of a seating: what a worker does once a host has asked for one."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

from pymongo.database import Database

from dinnerkit.booking.rules import SETTLED
from dinnerkit.booking.store import BookingStore
from dinnerkit.clock import Clock
from dinnerkit.events.rules import Event
from dinnerkit.events.service import EventService
from dinnerkit.matching.documents import SeatingDocument
from dinnerkit.matching.errors import SeatingImpossible
from dinnerkit.matching.guest_list import GuestList, places_of
from dinnerkit.matching.halfway import Kept, kept_halfway
from dinnerkit.matching.people.guests import Guest
from dinnerkit.matching.rules.again import TogetherAgain
from dinnerkit.matching.rules.default_rules import DEFAULT_RULES, BlockedApart
from dinnerkit.matching.rules.kinds import Floor, Rule
from dinnerkit.matching.seating.arranging import AT_ONCE
from dinnerkit.matching.seating.locks import LockedTable, Locks
from dinnerkit.matching.seating.recording import digest, version
from dinnerkit.matching.seating.reseating import Changes, reseat
from dinnerkit.matching.seating.seat import seat
from dinnerkit.matching.seating.tables import Seating
from dinnerkit.matching.seatings import as_seating, brought, from_row, to_rows
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
        try:
            seating = self._seated(row, event, *self._guest_list.of(event, places, brought(bookings)))
        except SeatingImpossible as error:
            values: Row = {"status": "impossible", "problem": discreet(error, kept=bool(row.get("locked")))}
        else:
            values = {"status": "done", **to_rows(_discreet(seating), {place.guest_id: place for place in places})}
        finished = values | {"progress": 1.0, "finished_at": self._clock()}
        self._seatings.update_one(_queued(row), {"$set": finished, "$unset": {"halfway": "", "best": ""}})
        self._tell(event.id, {"seating_id": seating_id, "status": values["status"], "progress": 1.0, "score": values.get("score")})

    def _seated(self, row: Row, event: Event, guests: list[Guest], again: frozenset[tuple[str, str]]) -> Seating:
        size = (event.details.table_size.min, event.details.table_size.max)
        rules: tuple[Rule, ...] = DEFAULT_RULES if row.get("least") is None else (*DEFAULT_RULES, Floor(row["least"]))
        rules = (*rules, TogetherAgain(again)) if again else rules
        if mended := row.get("mends"):
            before, changes, there = self._since(event.id, mended["seating"], guests)
            return reseat(before, changes, mended["moves"], guests=there, size=size, rules=rules, seed=row["seed"]).seating
        locked = Locks(tuple(LockedTable(frozenset(names)) for names in row.get("locked", ())))
        # Fewer are searched for in one go.
        inputs = digest(guests, size, list(rules), locked, row["seed"], row["best_effort"], version()) if len(guests) > AT_ONCE else ""
        told = _Progress(
            lambda share, best: self._note(row, {"progress": share, "best": best}),
            lambda state: self._tell(event.id, {"seating_id": row["_id"], "status": "queued", **state}),
        )
        return seat(
            guests,
            size=size,
            rules=rules,
            seed=row["seed"],
            best_effort=row["best_effort"],
            locked=locked,
            progress=told,
            best=told.best,
            halfway=Kept(inputs, lambda kept: self._note(row, {"halfway": kept})) if inputs else None,
            resume=kept_halfway(row, inputs),
        )

    def _since(self, event_id: str, seating_id: str, guests: list[Guest]) -> tuple[Seating, Changes, list[Guest]]:
        """The earlier seating, what has changed since, and the guests that it had: of those who are gone nothing matters any more."""
        earlier = as_seating(from_row(self._seatings.find_one({"_id": seating_id, "event": event_id}) or {}))
        had = {name for table in earlier.tables for name in table.guests}
        gone = had - {guest.id for guest in guests}
        there = [guest for guest in guests if guest.id in had] + [Guest(name) for name in sorted(gone)]
        return earlier, Changes(frozenset(gone), tuple(guest for guest in guests if guest.id not in had)), there

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


_UNSAID = "there is no seating that keeps every rule"
"""In place of a reason that would tell who would not sit with whom."""

_UNSAID_OF_KEPT = f"{_UNSAID} while the tables stay that were to be kept"


def _discreet(seating: Seating) -> Seating:
    """The seating for the host, who must not learn from why somebody has no table who would not sit with whom."""
    unseated = (replace(left, reason=_UNSAID) if left.rule == BlockedApart.name else left for left in seating.unseated)
    return replace(seating, unseated=tuple(unseated))


def discreet(error: SeatingImpossible, *, kept: bool = False) -> dict[str, Any]:
    """Why not everybody can be seated, for the host, who must not learn from it who would not sit with whom.

    Args:
        error: the reasons.
        kept: whether some tables were to stay as they are, which may be why.
    """
    problem = {"message": error.message, **error.details}
    causes = error.details.get("causes", ())
    if any(cause["rule"] == BlockedApart.name for cause in causes):
        told = [cause for cause in causes if cause["rule"] != BlockedApart.name]
        problem |= {
            "message": "; ".join([cause["text"] for cause in told] or [_UNSAID_OF_KEPT if kept else _UNSAID]),
            "causes": told,
        }
    return problem
