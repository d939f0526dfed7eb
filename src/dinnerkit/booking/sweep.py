"""The sweep over holds whose end has passed: what was left undone is done, as the booking says."""

from __future__ import annotations

from dinnerkit.booking.rules import LIVE, has_expired
from dinnerkit.booking.service import BookingService
from dinnerkit.booking.store import BookingStore
from dinnerkit.clock import Clock
from dinnerkit.events.seats import SeatHold, Seats


class BookingSweep:
    """Finds the holds that nobody settled, extended or gave back in time. Safe to run in several processes at once."""

    def __init__(self, store: BookingStore, bookings: BookingService, seats: Seats, clock: Clock) -> None:
        self._store = store
        self._bookings = bookings
        self._seats = seats
        self._clock = clock

    def run(self) -> int:
        """Go once over what is overdue; how many holds that was."""
        overdue = list(self._seats.overdue())
        for hold in overdue:
            self._resolve(hold)
        return len(overdue)

    def _resolve(self, hold: SeatHold) -> None:
        booking = self._store.find(hold.booking) or self._bookings.write_off(hold)
        if booking.hold != hold.hold or booking.status not in LIVE:
            self._bookings.free(hold.event, hold.hold)
        elif booking.status == "confirmed":
            self._seats.settle(hold.event, hold.hold)
        elif has_expired(booking.status, booking.expires_at, self._clock()):
            self._bookings.expire(booking)
        elif booking.expires_at is not None:
            self._seats.extend(hold.event, hold.hold, booking.expires_at)
