"""What a booking is made of: the hold that it has, or waits for, and the event as it is at that moment."""

from __future__ import annotations

from datetime import datetime

from dinnerkit.booking.rules import UNPAID
from dinnerkit.booking.store import Booking
from dinnerkit.events.seats import EventFacts, SeatHold
from dinnerkit.vouchers.rules import Voucher, discount


def made(hold: SeatHold, facts: EventFacts, status: str, now: datetime, voucher: Voucher | None = None) -> Booking:
    """A new booking with that status."""
    price = facts.price * hold.guests
    off = discount(voucher.terms, price) if voucher else price * 0
    return Booking(
        id=hold.booking,
        event=hold.event,
        user=hold.user,
        guests=hold.guests,
        status=status,
        hold=hold.hold,
        amount=price - off,
        voucher=voucher.id if voucher else None,
        discount=off if voucher else None,
        refund_policy=facts.refund_policy,
        about={name: getattr(facts, name) for name in ("title", "starts_at", "timezone", "city", "venue")},
        created_at=now,
        expires_at=hold.until if status in UNPAID else None,
    )
