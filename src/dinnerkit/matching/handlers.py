"""What matching does upon messages."""

from __future__ import annotations

from typing import Any

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

    return [
        Handler("matching.compute", SeatingRequested, compute, queue="matching"),
        Handler("matching.seat", SeatingPublished, seat),
    ]
