"""What a booking is made of: the hold that it has, or waits for, and the event as it is at that moment."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from dinnerkit.booking.rules import UNPAID
from dinnerkit.booking.store import Booking
from dinnerkit.events.seats import EventFacts, SeatHold
from dinnerkit.vouchers.rules import Voucher, discount

DEPOSIT_KEPT = timedelta(hours=48)
"""How long after the beginning of a dinner its host has to check guests in; who is neither in nor absent then gets the deposit back."""


def about(facts: EventFacts) -> dict[str, Any]:
    """What a booking says of its event."""
    return {name: getattr(facts, name) for name in ("title", "starts_at", "timezone", "city", "venue")}


def made(hold: SeatHold, facts: EventFacts, status: str, now: datetime, voucher: Voucher | None = None) -> Booking:
    """A new booking with that status."""
    price = facts.price * hold.guests
    off = discount(voucher.terms, price) if voucher else price * 0
    deposit = (facts.deposit or facts.price * 0) * hold.guests
    return Booking(
        id=hold.booking,
        event=hold.event,
        user=hold.user,
        guests=hold.guests,
        status=status,
        hold=hold.hold,
        amount=price - off + deposit,
        deposit=deposit if deposit.amount else None,
        deposit_due_at=facts.starts_at + DEPOSIT_KEPT if deposit.amount else None,
        voucher=voucher.id if voucher else None,
        discount=off if voucher else None,
        refund_policy=facts.refund_policy,
        about=about(facts),
        created_at=now,
        expires_at=hold.until if status in UNPAID else None,
    )
