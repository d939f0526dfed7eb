"""An event as a booking sees it, and the holds on its seats: what :mod:`dinnerkit.events.seats` reads and changes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dinnerkit.events.rules import RefundPolicy
from dinnerkit.money import Money
from dinnerkit.storage import Row

FACTS = (
    "host",
    "title",
    "status",
    "starts_at",
    "timezone",
    "city",
    "venue",
    "price",
    "deposit",
    "refund_policy",
    "seats",
    "seats_left",
    "moved_at",
    "free_until",
)
"""What :func:`facts_of` needs of an event."""


@dataclass(frozen=True, slots=True)
class EventFacts:
    """What a booking needs to know of its event."""

    id: str
    host: str
    title: str
    status: str
    starts_at: datetime
    timezone: str
    city: str
    venue: dict[str, Any]
    price: Money
    deposit: Money | None
    refund_policy: RefundPolicy
    seats: int
    seats_left: int
    moved_at: datetime | None = None
    free_until: datetime | None = None
    waited_as: str | None = None
    """The entry that the party which took seats had on the waiting list, and has no more."""

    def moved_since(self, booked_at: datetime, now: datetime) -> bool:
        """Whether the host has moved the dinner under somebody who had booked by then, and they may still go free of charge."""
        return self.moved_at is not None and self.free_until is not None and booked_at < self.moved_at and now <= self.free_until


@dataclass(frozen=True, slots=True)
class SeatHold:
    """Seats that an event's account gives to a booking; without ``until`` they are given for good.

    An offer's hold and booking take their id from the entry on the waiting list. ``giver`` is the booking that had it before.
    """

    event: str
    hold: str
    booking: str
    user: str
    guests: int
    until: datetime | None
    giver: str | None = None


def facts_of(row: Row) -> EventFacts:
    """The event of a row that has :data:`FACTS`."""
    values: dict[str, Any] = {name: row.get(name) for name in FACTS}
    money: dict[str, Any] = {name: Money.from_document(row[name]) if row.get(name) else None for name in ("price", "deposit")}
    return EventFacts(id=row["_id"], **values | money | {"refund_policy": RefundPolicy(**row["refund_policy"])})


def holds_of(row: Row) -> list[SeatHold]:
    """The holds in an event's row."""
    return [SeatHold(row["_id"], h["hold"], h["booking"], h["user"], h["guests"], h["until"], h.get("giver")) for h in row["holds"]]
