"""What is to go back for a booking, read from its state alone: one cause, one key, one refund."""

from __future__ import annotations

from dataclasses import dataclass

from dinnerkit.booking.store import Booking
from dinnerkit.events.rules import resold_share
from dinnerkit.money import Money


@dataclass(frozen=True, slots=True)
class Owed:
    """Money that goes back for the cause that ``key`` names."""

    key: str
    money: Money
    reason: str


def owed_back(booking: Booking) -> list[Owed]:
    """All that goes back for the booking as it stands; what was asked for before is in it again, under the same keys."""
    if not booking.payment or booking.status != "cancelled":
        return []
    if booking.refund_if_resold is None:
        owed = [Owed(f"{booking.id}:cancelled", booking.refund or booking.amount * 0, f"cancelled_by_{booking.cancelled_by}")]
    else:
        owed = [_resold(booking, booking.refund_if_resold, seat) for seat in range(1, booking.resold + 1)]
    return [part for part in owed if part.money.amount]


def _resold(booking: Booking, total: Money, seat: int) -> Owed:
    share = resold_share(total, booking.guests, seat) - resold_share(total, booking.guests, seat - 1)
    return Owed(f"{booking.id}:resold:{seat}", share, "sold_again")
