"""Seatings as they are kept, and their way into and out of the database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dinnerkit.booking.store import Booking, Companion
from dinnerkit.matching.seating.reasons import Reason
from dinnerkit.matching.seating.tables import Seating, Table
from dinnerkit.storage import Row


@dataclass(frozen=True, slots=True)
class Place:
    """One person at a table; ``companion`` counts whom the user brought, from 1, and is 0 for the user."""

    booking: str
    user: str
    companion: int

    @property
    def guest_id(self) -> str:
        """The id within one seating."""
        return guest_id(self.booking, self.companion)


def guest_id(booking: str, companion: int) -> str:
    """The id within one seating of whoever has that place of a booking."""
    return f"{booking}+{companion}" if companion else booking


@dataclass(frozen=True, slots=True)
class SeatedTable:
    """A table, its score from 0 to 100, and the reasons (rule, text, points) that add up to it."""

    places: tuple[Place, ...]
    score: float
    reasons: tuple[tuple[str, str, float], ...]


MOST_KEPT = 1_000
"""How many guests at most are kept one by one."""


@dataclass(frozen=True, slots=True)
class Staying:
    """What stays of an earlier seating when the others are seated anew.

    Attributes:
        seating: the earlier seating's id.
        tables: the numbers (from 1) of its tables that stay as they are.
        guests: ids within it of people who keep their company: those who shared a table do again, those who did not don't.
    """

    seating: str
    tables: frozenset[int] = frozenset()
    guests: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a host asks of a seating.

    Attributes:
        seed: what all chance is drawn from.
        best_effort: to seat as many as can be, if not everybody can.
        least: the score, 0 to 100, that no table should be below.
        keep: what stays of an earlier seating; the others are seated anew.
        mend: an earlier seating, in which those who came since get places and those who are gone leave theirs, and how many guests may
            move for a better score, those who must move included.
    """

    seed: int = 0
    best_effort: bool = False
    least: float | None = None
    keep: Staying | None = None
    mend: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class StoredSeating:
    """A seating as it is kept; without ``tables`` until it is done.

    ``below`` has the number and the reason of each table that did not reach the score which the host wanted, ``broken`` those of tables
    that were kept as they are and break a rule by now; ``best`` is the best score so far while the tables are made.
    """

    id: str
    event: str
    status: str
    progress: float
    seed: int
    tables: tuple[SeatedTable, ...]
    unseated: tuple[tuple[Place, str], ...]
    below: tuple[tuple[int, str], ...]
    broken: tuple[tuple[int, str], ...]
    score: float | None
    floor: float | None
    chance: float | None
    problem: dict[str, Any] | None
    created_at: datetime
    published_at: datetime | None
    best: float | None = None

    @property
    def places(self) -> tuple[Place, ...]:
        """Those of everybody whom it seats or leaves out."""
        return (*(place for table in self.tables for place in table.places), *(place for place, _ in self.unseated))


def places_of(bookings: Iterable[Booking]) -> list[Place]:
    """A place for each guest of these bookings."""
    return [Place(booking.id, booking.user, companion) for booking in bookings for companion in range(booking.guests)]


def passed_on(names: Iterable[str], bookings: Iterable[Booking]) -> list[str]:
    """Ids within one seating, in place of those of bookings whose seats were given on the ids that their places have now."""
    taken = {booking.transferred_from: booking.id for booking in bookings if booking.transferred_from}
    parts = (name.partition("+") for name in names)
    return ["".join((taken.get(booking, booking), *companion)) for booking, *companion in parts]


def brought(bookings: Iterable[Booking]) -> dict[str, Companion]:
    """Those whom guests bring and have named, by their ids within a seating."""
    return {
        Place(booking.id, booking.user, number).guest_id: companion
        for booking in bookings
        for number, companion in enumerate(booking.companions, start=1)
    }


def to_rows(seating: Seating, places: Mapping[str, Place]) -> Row:
    """The result of :func:`dinnerkit.matching.seat` as fields of a :class:`SeatingDocument`; ``places`` are by guest id."""
    return {
        "tables": [
            {
                "places": [_place_row(places[guest]) for guest in table.guests],
                "score": table.score,
                "reasons": [{"rule": reason.rule, "text": reason.text, "points": reason.points} for reason in table.reasons],
            }
            for table in seating.tables
        ],
        "unseated": [_place_row(places[left.guest]) | {"reason": left.reason} for left in seating.unseated],
        "below": [{"table": low.table, "reason": low.text} for low in seating.below],
        "broken": [{"table": fault.table, "reason": fault.text} for fault in seating.broken],
        "score": seating.score,
        "floor": seating.floor,
        "chance": seating.chance,
    }


def _place_row(place: Place) -> Row:
    return {"booking": place.booking, "user": place.user, "companion": place.companion}


def as_table(stored: SeatedTable) -> Table:
    """A stored table as seating knows it, the weightiest reasons first; what there was to gain by each is not stored."""
    weightiest = sorted(stored.reasons, key=lambda reason: -reason[2])
    reasons = tuple(Reason(rule, text, points, points) for rule, text, points in weightiest)
    return Table(tuple(place.guest_id for place in stored.places), stored.score, reasons)


def as_seating(stored: StoredSeating) -> Seating:
    """A stored seating that has tables as seating knows it."""
    return Seating(
        tuple(as_table(table) for table in stored.tables), stored.score or 0.0, stored.floor or 0.0, stored.chance or 0.0, stored.seed
    )


def from_row(row: Row) -> StoredSeating:
    """The seating that was stored."""
    return StoredSeating(
        id=row["_id"],
        event=row["event"],
        status=row["status"],
        progress=row["progress"],
        seed=row["seed"],
        tables=tuple(_table(table) for table in row.get("tables", ())),
        unseated=tuple((_place(left), left["reason"]) for left in row.get("unseated", ())),
        below=_numbered(row.get("below", ())),
        broken=_numbered(row.get("broken", ())),
        score=row.get("score"),
        floor=row.get("floor"),
        chance=row.get("chance"),
        problem=row.get("problem") or None,
        created_at=row["created_at"],
        published_at=row.get("published_at"),
        best=row.get("best"),
    )


def _table(row: Row) -> SeatedTable:
    reasons = tuple((reason["rule"], reason["text"], reason["points"]) for reason in row["reasons"])
    return SeatedTable(tuple(_place(place) for place in row["places"]), row["score"], reasons)


def _numbered(rows: Sequence[Row]) -> tuple[tuple[int, str], ...]:
    """The number and the reason of each table that there is something to say of."""
    return tuple((row["table"], row["reason"]) for row in rows)


def _place(row: Row) -> Place:
    return Place(row["booking"], row["user"], row["companion"])
