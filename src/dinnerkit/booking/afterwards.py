"""After a dinner: its guests are asked how it was, once, on the morning that follows."""

from __future__ import annotations

from dinnerkit.booking.messages import DinnerOver
from dinnerkit.booking.rules import CAME
from dinnerkit.booking.store import Booking, BookingStore
from dinnerkit.clock import Clock

_BATCH = 500


class Afterwards:
    """Finds the guests of dinners that are over."""

    def __init__(self, store: BookingStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def run(self) -> int:
        """Go once over what is due; how many guests are asked. Safe to run in several processes at once."""
        return sum(self._ask(booking) for booking in self._store.due_for_asking(self._clock(), _BATCH))

    def _ask(self, booking: Booking) -> bool:
        came = booking.status in CAME
        told = [DinnerOver(booking_id=booking.id, event_id=booking.event, user_id=booking.user)] if came else []
        as_read = {"ask_at": booking.ask_at}
        return self._store.move(booking, (booking.status,), {"ask_at": None}, *told, when=as_read) is not None and came
