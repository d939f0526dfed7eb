"""The sweep over holds whose end has passed: what was left undone is done, as the booking says."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import structlog

from dinnerkit.booking.paying import PayingService
from dinnerkit.booking.rules import SETTLED, UNPAID, has_expired
from dinnerkit.booking.service import BookingService
from dinnerkit.booking.store import Booking, BookingStore
from dinnerkit.clock import Clock
from dinnerkit.events.seat_holds import SeatHold
from dinnerkit.events.seats import Seats
from dinnerkit.storage import is_outage
from dinnerkit.vouchers.uses import VoucherUse, VoucherUses

T = TypeVar("T", SeatHold, VoucherUse)

log = structlog.get_logger(__name__)


class BookingSweep:
    """Finds the holds, and the uses of vouchers, that nobody settled, extended or gave back in time. Safe to run in several processes."""

    def __init__(
        self, store: BookingStore, bookings: BookingService, paying: PayingService, seats: Seats, uses: VoucherUses, clock: Clock
    ) -> None:
        self._store = store
        self._bookings = bookings
        self._paying = paying
        self._seats = seats
        self._uses = uses
        self._clock = clock

    def run(self) -> int:
        """Go once over what is overdue; how many holds and uses that was."""
        holds = list(self._seats.overdue())
        for hold in holds:
            self._attempt(self._resolve, hold)
        uses = list(self._uses.overdue())
        for use in uses:
            self._attempt(self._resolve_use, use)
        return len(holds) + len(uses)

    def _attempt(self, resolve: Callable[[T], None], what: T) -> None:
        try:
            resolve(what)
        except Exception as error:
            if is_outage(error):
                raise
            # One hold that can't be resolved must not keep the others.
            log.warning("hold_not_resolved", hold=what.hold, error=repr(error))

    def _resolve(self, hold: SeatHold) -> None:
        """Do what the booking says; a hold is freed only where the booking can't be confirmed with it any more."""
        booking = self._store.find(hold.booking) or self._bookings.write_off(hold)
        if booking.event != hold.event:  # its id came with two forms at once, for two dinners, and it is of the other
            self._bookings.free(hold)
        elif not self._kept(hold, booking):
            if booking.status == "waitlisted":  # nobody told its party of the offer
                self._store.move(booking, ("waitlisted",), {"status": "expired"})
            self._bookings.give_up(hold, booking)
        elif booking.status in UNPAID and booking.expires_at is not None:
            self._seats.extend(hold.event, hold.hold, booking.expires_at)

    def _resolve_use(self, use: VoucherUse) -> None:
        """The same for the use of a voucher, which goes the way of its hold."""
        booking = self._store.find(use.booking)
        if booking is None:
            return  # the hold was taken before the use: its own turn comes first, and writes the booking off
        if not self._kept(use, booking) or booking.voucher != use.voucher:  # else its process died before the booking had the discount
            self._uses.give_back(use.voucher, use.hold)
        elif booking.status in UNPAID and booking.expires_at is not None:
            self._uses.extend(use.voucher, use.hold, booking.expires_at)

    def _kept(self, hold: SeatHold | VoucherUse, booking: Booking) -> bool:
        """Whether the booking keeps the hold; what it owes to that is done."""
        if booking.status in UNPAID:
            return not has_expired(booking.status, booking.expires_at, self._clock()) or self._bookings.expire(booking).status != "expired"
        if booking.status in SETTLED and booking.hold == hold.hold:
            self._bookings.settle(booking)
            return True
        if booking.status == "expired" and booking.hold != hold.hold and self._paying.settle_again(hold.hold):
            log.info("late_payment_settled", booking=booking.id)
            return True
        return False
