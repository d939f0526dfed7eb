"""What matching does upon messages."""

from __future__ import annotations

from typing import Any

from dinnerkit.booking.messages import BookingTransferred
from dinnerkit.matching.computing import SeatingWork
from dinnerkit.matching.messages import SeatingPublished, SeatingRequested
from dinnerkit.matching.service import SeatingService
from dinnerkit.messages import Handler


def matching_handlers(work: SeatingWork, seatings: SeatingService) -> list[Handler[Any]]:
    """The handlers of the matching domain."""

    def compute(message: SeatingRequested) -> None:
        work.compute(message.seating_id)

    def seat(message: SeatingPublished) -> None:
        seatings.seat_bookings(message.event_id)

    def keep_the_place(message: BookingTransferred) -> None:
        seatings.pass_on(message.event_id, message.booking_id, message.to_booking_id, message.to_user_id)

    return [
        Handler("matching.keep_the_place", BookingTransferred, keep_the_place),
        Handler("matching.compute", SeatingRequested, compute, queue="matching"),
        Handler("matching.seat", SeatingPublished, seat),
    ]
