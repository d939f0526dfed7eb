"""What is to go back for a booking, read from its state alone: one cause, one key, one refund."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from dinnerkit.booking.rules import EXPECTED, SETTLED
from dinnerkit.booking.store import Booking
from dinnerkit.events.rules import Refund, refund_of, resold_share
from dinnerkit.events.seat_holds import EventFacts
from dinnerkit.money import Money


@dataclass(frozen=True, slots=True)
class Owed:
    """Money that goes back for the cause that ``key`` names; ``deposit`` is all of it where it is the deposit."""

    key: str
    money: Money
    reason: str
    deposit: Money | None = None


def paid_for(booking: Booking) -> Money:
    """What was paid for the seats that the booking has, the deposit included."""
    return booking.amount if booking.payment and booking.status in SETTLED else booking.amount * 0


def deposit_of(booking: Booking) -> Money:
    """The part of its amount that is a deposit."""
    return booking.deposit or booking.amount * 0


def refund_at(booking: Booking, facts: EventFacts, now: datetime) -> Refund:
    """What its guest would get back by cancelling the booking at that moment.

    All of it, the deposit too, goes back where that is in time, and where the host has just moved the dinner under those who had booked, or
    whom they gave their seats; else what the policy says.
    """
    paid, booked_at = paid_for(booking), booking.booked_at or booking.created_at
    if booking.refund_policy.in_time(facts.starts_at, now) or facts.moved_since(booked_at, now) or not paid.amount:
        return Refund(paid, paid * 0)
    return refund_of(booking.refund_policy, paid - deposit_of(booking), facts.starts_at, now, booking.guests)


def deposit_outcome(booking: Booking) -> str | None:
    """What becomes of the deposit: it is ``held``, ``returned`` or ``kept``; None where nobody has paid one."""
    if not booking.deposit or not booking.payment:
        return None
    if booking.status == "cancelled":
        # In time, and by the host, everything goes back; by all other ways less than that, and then it is the deposit that stays.
        return "returned" if booking.refund == booking.amount else "kept"
    if booking.status == "checked_in" or booking.deposit_released_at:
        return "returned"
    return "kept" if booking.status == "no_show" else "held" if booking.status in EXPECTED else None


def owed_back(booking: Booking) -> list[Owed]:
    """All that goes back for the booking as it stands; what was asked for before is in it again, under the same keys."""
    if not booking.payment:
        return []
    owed = []
    if deposit_outcome(booking) == "returned":
        owed.append(Owed(f"{booking.id}:deposit", deposit_of(booking), "deposit", deposit_of(booking)))
    if booking.status == "cancelled":
        owed += _for_cancelling(booking, sum(part.money.amount for part in owed))
    return [part for part in owed if part.money.amount]


def _for_cancelling(booking: Booking, deposit: int) -> list[Owed]:
    if booking.refund_if_resold is not None:
        return [_resold(booking, booking.refund_if_resold, seat) for seat in range(1, booking.resold + 1)]
    refund = (booking.refund or booking.amount * 0) - Money(deposit, booking.amount.currency)
    return [Owed(f"{booking.id}:cancelled", refund, f"cancelled_by_{booking.cancelled_by}")]


def _resold(booking: Booking, total: Money, seat: int) -> Owed:
    share = resold_share(total, booking.guests, seat) - resold_share(total, booking.guests, seat - 1)
    return Owed(f"{booking.id}:resold:{seat}", share, "sold_again")
