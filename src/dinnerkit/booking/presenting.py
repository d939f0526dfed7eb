"""Bookings as guests and hosts see them."""

from __future__ import annotations

from typing import Any

from dinnerkit.booking.checking_in import Arrival
from dinnerkit.booking.store import Booking


def presented(booking: Booking) -> dict[str, Any]:
    """The booking in the shape of :class:`dinnerkit.booking.schemas.BookingSchema`."""
    return {
        "id": booking.id,
        "event_id": booking.event,
        "guests": booking.guests,
        "status": booking.status,
        "amount": booking.amount.to_document(),
        "expires_at": booking.expires_at,
        "created_at": booking.created_at,
        "refund": booking.refund.to_document() if booking.refund else None,
        "cancelled_by": booking.cancelled_by,
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
