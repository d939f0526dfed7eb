"""What a booking is made of: the hold that it has, or waits for, and the event as it is at that moment."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from dinnerkit.booking.rules import UNPAID
from dinnerkit.booking.store import Booking
from dinnerkit.events.seat_holds import EventFacts, SeatHold
from dinnerkit.money import Money
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


def price_of(booking: Booking) -> Money:
    """What the seats cost without a voucher, and without the deposit."""
    nothing = booking.amount * 0
    return booking.amount + (booking.discount or nothing) - (booking.deposit or nothing)


def discounted(booking: Booking, voucher: Voucher) -> dict[str, Any]:
    """What changes of a booking whose seats cost as much as they did, once it has that voucher."""
    price = price_of(booking)
    off = discount(voucher.terms, price)
    due = price - off + (booking.deposit or price * 0)
    return {"voucher": voucher.id, "discount": off.amount, "amount": due.amount}


def may_be_cheaper(booking: Booking) -> bool:
    """Whether a voucher could take something off: a party that waits can choose another one, seats that are kept have one."""
    return bool(price_of(booking).amount) and (booking.status == "waitlisted" or not booking.voucher)
