"""Vouchers for bookings that are there already: of parties that wait, and of seats that nobody has paid for yet.

A party that waits only says which voucher it wants to use: it is counted once seats are offered. For seats the use is taken first, for as
long as they are kept, and the booking gets its discount then. Whatever dies in between, the same call again goes on from there, and the
use goes back with the seats.
"""

from __future__ import annotations

from dinnerkit.booking.applying import apply
from dinnerkit.booking.errors import AlreadyDiscounted
from dinnerkit.booking.making import price_of
from dinnerkit.booking.rules import DISCOUNTABLE
from dinnerkit.booking.service import BookingService, must_be_unpaid
from dinnerkit.booking.store import Booking, BookingStore
from dinnerkit.events.seats import Seats
from dinnerkit.payment.errors import PaymentInProgress
from dinnerkit.payment.service import PaymentService
from dinnerkit.vouchers.rules import Voucher
from dinnerkit.vouchers.uses import VoucherUses


class DiscountService:
    """Lets guests use a voucher after they have booked, or joined a waiting list."""

    def __init__(self, store: BookingStore, bookings: BookingService, seats: Seats, uses: VoucherUses, payments: PaymentService) -> None:
        self._store = store
        self._bookings = bookings
        self._seats = seats
        self._uses = uses
        self._payments = payments

    def use(self, user_id: str, booking_id: str, code: str) -> Booking:
        """Use a voucher for a booking that waits, or waits to be paid; a second call answers the same.

        A party that waits can change its mind; what is taken off then is what the seats cost now. A booking with seats has one voucher.

        Raises:
            NoSuchBooking: there is none, or it is somebody else's.
            AlreadyConfirmed, BookingCancelled, HoldExpired, BookingTransferred: nothing is to be paid any more.
            PaymentInProgress: a payment of the price as it is has no answer yet.
            AlreadyDiscounted: the seats have another voucher.
            VoucherUnknown, …, TooManyAttempts: as :meth:`dinnerkit.vouchers.uses.VoucherUses.look_up` says.
        """
        booking = self._discountable(self._bookings.get(user_id, booking_id))
        voucher = self._uses.look_up(
            code,
            hold_id=booking.hold,
            user_id=user_id,
            host_id=self._seats.facts(booking.event).host,
            event_id=booking.event,
            price=price_of(booking),
        )
        while booking.voucher != voucher.id:
            booking = self._use(booking, voucher) or self._discountable(self._bookings.get(user_id, booking_id))
        return booking

    def _use(self, booking: Booking, voucher: Voucher) -> Booking | None:
        """The booking with the voucher; None where it has changed meanwhile."""
        if booking.voucher and booking.status != "waitlisted":
            raise AlreadyDiscounted("these seats have another voucher")
        return apply(self._store, self._uses, booking, voucher)

    def _discountable(self, booking: Booking) -> Booking:
        if booking.status not in DISCOUNTABLE:
            must_be_unpaid(booking)
            raise PaymentInProgress("your bank is asked about a payment of these seats")
        if booking.status != "waitlisted" and not booking.voucher:
            live = self._payments.live(booking.id)
            if live is not None:
                raise PaymentInProgress("a payment of these seats is under way")
        return booking
