"""What the accounts of seats tell."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from dinnerkit.messages import Message


@dataclass(frozen=True, kw_only=True, slots=True)
class SeatsResold(Message):
    """Of the seats of a cancelled booking, so many are sold again by now; the last such message says it all."""

    kind: ClassVar[str] = "events.seats_resold"

    event_id: str
    booking_id: str
    seats: int


@dataclass(frozen=True, kw_only=True, slots=True)
class SeatsPassedOn(Message):
    """A hold belongs to somebody else's booking now, which is to be made of that of the giver."""

    kind: ClassVar[str] = "events.seats_passed_on"

    event_id: str
    hold_id: str
    giver_booking_id: str
    booking_id: str
    user_id: str
    guests: int


@dataclass(frozen=True, kw_only=True, slots=True)
class SeatsOffered(Message):
    """Free seats are kept for a party from the waiting list, until a moment."""

    kind: ClassVar[str] = "events.seats_offered"

    event_id: str
    booking_id: str
    hold_id: str
    user_id: str
    guests: int
    until: datetime
