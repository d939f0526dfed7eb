"""The sweep over holds whose end has passed: what was left undone is done, as the booking says."""

from __future__ import annotations

import structlog
from pymongo.errors import ConnectionFailure

from dinnerkit.booking.paying import PayingService
from dinnerkit.booking.rules import SETTLED, UNPAID, has_expired
from dinnerkit.booking.service import BookingService
from dinnerkit.booking.store import BookingStore
from dinnerkit.clock import Clock
from dinnerkit.events.seats import SeatHold, Seats

log = structlog.get_logger(__name__)


class BookingSweep:
    """Finds the holds that nobody settled, extended or gave back in time. Safe to run in several processes at once."""

    def __init__(self, store: BookingStore, bookings: BookingService, paying: PayingService, seats: Seats, clock: Clock) -> None:
        self._store = store
        self._bookings = bookings
        self._paying = paying
        self._seats = seats
        self._clock = clock

    def run(self) -> int:
        """Go once over what is overdue; how many holds that was."""
        overdue = list(self._seats.overdue())
        for hold in overdue:
            try:
                self._resolve(hold)
            except ConnectionFailure:
                raise
            except Exception as error:  # noqa: BLE001 - one hold that can't be resolved must not keep the others
                log.warning("hold_not_resolved", dinner=hold.event, hold=hold.hold, error=repr(error))
        return len(overdue)

    def _resolve(self, hold: SeatHold) -> None:
        """Do what the booking says; a hold is freed only where the booking can't be confirmed with it any more."""
        booking = self._store.find(hold.booking) or self._bookings.write_off(hold)
        if booking.status in UNPAID:
            if has_expired(booking.status, booking.expires_at, self._clock()):
                self._bookings.expire(booking)
            elif booking.expires_at is not None:
                self._seats.extend(hold.event, hold.hold, booking.expires_at)
        elif booking.status in SETTLED and booking.hold == hold.hold:
            self._seats.settle(hold.event, hold.hold)
        elif booking.status == "expired" and booking.hold != hold.hold and self._paying.settle_again(hold.hold):
            log.info("late_payment_settled", booking=booking.id)
        else:
            if booking.status == "waitlisted":  # nobody told its party of the offer
                self._store.move(booking, ("waitlisted",), {"status": "expired"})
            self._bookings.give_up(hold, booking)
