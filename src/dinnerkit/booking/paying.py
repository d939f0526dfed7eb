"""Paying for bookings: seats and money come together, or both go back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import structlog

from dinnerkit.booking.errors import HoldExpired, NothingToPay
from dinnerkit.booking.messages import BookingCancelled, BookingConfirmed
from dinnerkit.booking.rules import UNPAID
from dinnerkit.booking.service import BookingService, must_be_unpaid
from dinnerkit.booking.store import Booking, BookingStore
from dinnerkit.clock import Clock
from dinnerkit.errors import Conflict
from dinnerkit.events.seats import SeatHold, Seats
from dinnerkit.ids import new_id
from dinnerkit.payment.errors import PaymentDeclined
from dinnerkit.payment.refunds import RefundService
from dinnerkit.payment.rules import Payment
from dinnerkit.payment.service import PaymentService

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class PayResult:
    """The booking after an attempt to pay; with a ``client_secret``, the guest must authenticate first."""

    booking: Booking
    client_secret: str | None = None


class PayingService:
    """Takes the money for bookings, and settles every way in which money and seats can miss each other."""

    def __init__(
        self,
        store: BookingStore,
        bookings: BookingService,
        seats: Seats,
        payments: PaymentService,
        refunds: RefundService,
        clock: Clock,
        hold_seconds: int,
    ) -> None:
        self._store = store
        self._bookings = bookings
        self._seats = seats
        self._payments = payments
        self._refunds = refunds
        self._clock = clock
        self._hold_length = timedelta(seconds=hold_seconds)

    def pay(self, user_id: str, booking_id: str, method: str, *, payment_id: str) -> PayResult:
        """Pay for a held or offered booking.

        ``payment_id`` is a new id; the same call with the same id again, after a crash, finds the same payment.

        Raises:
            NoSuchBooking: there is none, or it is somebody else's.
            HoldExpired, BookingCancelled, AlreadyConfirmed: it can't be paid for any more.
            PaymentDeclined: the gateway refused; the hold stays.
            PaymentInProgress, Invalid, Unavailable: as :meth:`dinnerkit.payment.service.PaymentService.pay` says.
        """
        booking = self._bookings.get(user_id, booking_id)
        if booking.status == "confirmed" and booking.payment == payment_id:
            return PayResult(booking)
        must_be_unpaid(booking)
        if not booking.amount.amount:
            raise NothingToPay("this offer costs nothing: accept it")
        payment = self._payments.pay(
            payment_id=payment_id,
            reference=booking.id,
            user_id=user_id,
            money=booking.amount,
            method=method,
            description=f"Booking {booking.id}",
        )
        if payment.status == "succeeded":
            self.settle(payment)
            return PayResult(self._after_success(user_id, booking_id, payment))
        if payment.final:
            raise PaymentDeclined("the payment was declined", decline_code=payment.decline_code or "declined")
        return PayResult(self._await_action(booking), payment.client_secret)

    def settle(self, payment: Payment) -> None:
        """Confirm the booking that a successful payment is for, or give the money back where that can't be; safe to repeat."""
        booking = self._store.find(payment.reference)
        if booking is None:
            log.error("payment_without_booking", payment=payment.id)
            self._refund(payment, "no_booking")
        elif payment.money != booking.amount:
            log.error("payment_of_another_amount", payment=payment.id)
            self._refund(payment, "wrong_amount")
        elif booking.payment == payment.id:
            self._seats.settle(booking.event, booking.hold)
        elif booking.status in UNPAID:
            self._confirm(booking, payment, booking.hold)
        elif booking.status == "expired":
            self._confirm_late(booking, payment)
        else:
            self._refund(payment, "paid_twice" if booking.status == "confirmed" else "paid_after_cancellation")

    def unlock(self, reference: str) -> None:
        """After a failed authentication the booking is simply held again; safe to repeat."""
        booking = self._store.find(reference)
        if booking is not None:
            self._store.move(booking, ("action_required",), {"status": "held"})

    def _after_success(self, user_id: str, booking_id: str, payment: Payment) -> Booking:
        booking = self._bookings.get(user_id, booking_id)
        if booking.payment != payment.id:
            must_be_unpaid(booking)
        if booking.status != "confirmed":
            raise HoldExpired("the time to pay was over, and the seats are gone; your money goes back")
        return booking

    def _await_action(self, booking: Booking) -> Booking:
        """The guest gets the hold's length anew to authenticate, once for each attempt."""
        until = max(self._clock() + self._hold_length, booking.expires_at or self._clock())
        waiting = self._store.move(booking, UNPAID, {"status": "action_required", "expires_at": until})
        if waiting is None:
            return self._store.find(booking.id) or booking
        self._seats.extend(booking.event, booking.hold, until)
        return waiting

    def _confirm(self, booking: Booking, payment: Payment, hold: str) -> None:
        told = BookingConfirmed(booking_id=booking.id, event_id=booking.event, user_id=booking.user)
        values = {"status": "confirmed", "expires_at": None, "payment": payment.id, "hold": hold}
        if self._store.move(booking, (booking.status,), values, told, when={"hold": booking.hold}) is None:
            self.settle(payment)
            return
        self._seats.settle(booking.event, hold)

    def _confirm_late(self, booking: Booking, payment: Payment) -> None:
        """The money came after the hold's end: seats if there are still some, else the money back."""
        # The old hold must be gone first, or its guest would count as having a booking already.
        self._bookings.free(booking.event, booking.hold)
        hold = SeatHold(booking.event, new_id(), booking.id, booking.user, booking.guests, self._clock() + self._hold_length)
        try:
            self._seats.take(hold)
        except Conflict:
            told = BookingCancelled(booking_id=booking.id, event_id=booking.event, user_id=booking.user, by="payment")
            values = {"status": "cancelled", "payment": payment.id, "refund": payment.money.amount, "cancelled_by": "payment"}
            if self._store.move(booking, ("expired",), values, told) is None:
                self.settle(payment)
                return
            self._bookings.finish_cancellation(booking.id)
            return
        self._confirm(booking, payment, hold.hold)

    def _refund(self, payment: Payment, reason: str) -> None:
        self._refunds.request(payment.id, payment.money, key=f"{payment.id}:{reason}", reason=reason)
