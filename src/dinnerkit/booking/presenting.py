"""A booking as its guest sees it."""

from __future__ import annotations

from typing import Any

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
