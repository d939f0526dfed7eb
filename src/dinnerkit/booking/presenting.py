"""Bookings as guests and hosts see them."""

from __future__ import annotations

from typing import Any

from dinnerkit.booking.checking_in import Arrival
from dinnerkit.booking.refunds import deposit_outcome
from dinnerkit.booking.rules import EXPECTED
from dinnerkit.booking.store import Booking
from dinnerkit.events.rules import deposit_in_words, in_words
from dinnerkit.money import Money


def terms_in_words(booking: Booking) -> str:
    """What comes back if its guest can't come or does come, in sentences."""
    policy, words = booking.refund_policy, []
    if not booking.deposit or booking.amount != booking.deposit:
        words.append(in_words(policy, booking.amount.currency))
    if booking.deposit:
        words.append(deposit_in_words(Money(booking.deposit.amount // booking.guests, booking.deposit.currency), policy))
    return " ".join(words)


def presented(booking: Booking, position: int | None = None) -> dict[str, Any]:
    """The booking in the shape of :class:`dinnerkit.booking.schemas.BookingSchema`; ``position`` is that of a party which waits."""
    return {
        "id": booking.id,
        "event_id": booking.event,
        "guests": booking.guests,
        "status": booking.status,
        "amount": booking.amount.to_document(),
        "deposit": booking.deposit.to_document() if booking.deposit else None,
        "deposit_outcome": deposit_outcome(booking),
        "discount": booking.discount.to_document() if booking.discount else None,
        "expires_at": booking.expires_at,
        "created_at": booking.created_at,
        "companions": [{"name": one.name, "diets": list(one.diets), "answered": bool(one.traits)} for one in booking.companions],
        "offered_to": booking.transfer["email"] if booking.transfer and booking.status in EXPECTED else None,
        "refund_policy": booking.refund_policy.to_document(),
        "terms": terms_in_words(booking),
        "refund": booking.refund.to_document() if booking.refund else None,
        "refund_if_resold": booking.refund_if_resold.to_document() if booking.refund_if_resold else None,
        "cancelled_by": booking.cancelled_by,
        "free_cancellation_until": booking.free_until,
        "position": position,
        "event": booking.about,
    }


def arrival(found: Arrival) -> dict[str, Any]:
    """A booking at the door, in the shape of :class:`dinnerkit.booking.schemas.ArrivalSchema`."""
    return {
        "booking_id": found.booking.id,
        "name": found.name,
        "guests": found.booking.guests,
        "status": found.booking.status,
        "checked_in_at": found.booking.checked_in_at,
        "ticket_digest": found.ticket_digest,
    }
