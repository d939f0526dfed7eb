"""The sweep over deposits of dinners that are over: kept from the absent and the late, given back where nobody kept the door."""

from __future__ import annotations

from datetime import timedelta

from dinnerkit.booking.checking_in import CORRECTABLE_FOR
from dinnerkit.booking.making import DEPOSIT_KEPT
from dinnerkit.booking.messages import DepositReleased
from dinnerkit.booking.refunds import deposit_outcome
from dinnerkit.booking.rules import EXPECTED
from dinnerkit.booking.store import Booking, BookingStore
from dinnerkit.clock import Clock
from dinnerkit.events.seats import Seats
from dinnerkit.payment.deposits import DepositService

_BATCH = 200


class DepositSweep:
    """Ends the deposits that a check-in or a cancellation in time has not ended."""

    def __init__(self, store: BookingStore, seats: Seats, deposits: DepositService, clock: Clock) -> None:
        self._store = store
        self._seats = seats
        self._deposits = deposits
        self._clock = clock

    def run(self) -> int:
        """Go once over what is due; how many deposits that was. Safe to run in several processes at once."""
        due = self._store.with_deposit_due(self._clock(), _BATCH)
        for booking in due:
            self._end(booking)
        return len(due)

    def _end(self, booking: Booking) -> None:
        # A host may have moved the dinner, and the booking not know of it yet.
        now, ends_at = self._clock(), self._seats.facts(booking.event).starts_at + _kept_for(booking)
        as_read = {"deposit_due_at": booking.deposit_due_at}
        if booking.status in {*EXPECTED, "no_show"} and ends_at > now:  # the dinner was put off, or its host may still put it right
            self._store.move(booking, (booking.status,), {"deposit_due_at": ends_at}, when=as_read)
        elif booking.status in EXPECTED:
            told = DepositReleased(booking_id=booking.id, event_id=booking.event, user_id=booking.user)
            self._store.move(booking, EXPECTED, {"deposit_due_at": None, "deposit_released_at": now}, told, when=as_read)
        else:
            if booking.payment and deposit_outcome(booking) == "kept":
                self._deposits.keep(booking.payment)
            self._store.move(booking, (booking.status,), {"deposit_due_at": None}, when=as_read)


def _kept_for(booking: Booking) -> timedelta:
    """How long after the beginning of the dinner it may still be told who was there."""
    return CORRECTABLE_FOR if booking.status == "no_show" else DEPOSIT_KEPT
