"""Paying for bookings: seats and money come together, or both go back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import structlog

from dinnerkit.booking.errors import AmountChanged, HoldExpired, NothingToPay
from dinnerkit.booking.following import Following
from dinnerkit.booking.making import about
from dinnerkit.booking.messages import BookingCancelled, BookingConfirmed
from dinnerkit.booking.rules import SETTLED, UNPAID
from dinnerkit.booking.service import BookingService, must_be_unpaid
from dinnerkit.booking.store import Booking, BookingStore
from dinnerkit.booking.waiting import WaitingList
from dinnerkit.clock import Clock
from dinnerkit.errors import Conflict
from dinnerkit.events.seat_holds import SeatHold
from dinnerkit.events.seats import Seats
from dinnerkit.payment.errors import PaymentDeclined
from dinnerkit.payment.refunds import RefundService
from dinnerkit.payment.rules import Payment, Share
from dinnerkit.payment.service import PaymentService
from dinnerkit.vouchers.uses import VoucherUse, VoucherUses

log = structlog.get_logger(__name__)

_MOST_HOLD_LENGTHS = 3
"""How long attempts to pay may keep seats, in lengths of a hold since the booking: cards that never pass must not block seats."""


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
        uses: VoucherUses,
        payments: PaymentService,
        refunds: RefundService,
        waiting: WaitingList,
        following: Following,
        clock: Clock,
        hold_seconds: int,
    ) -> None:
        self._store = store
        self._bookings = bookings
        self._seats = seats
        self._uses = uses
        self._payments = payments
        self._refunds = refunds
        self._waiting = waiting
        self._following = following
        self._clock = clock
        self._hold_length = timedelta(seconds=hold_seconds)

    def pay(self, user_id: str, booking_id: str, method: str, *, payment_id: str) -> PayResult:
        """Pay for a held or offered booking.

        ``payment_id`` is a new id; the same call with the same id again, after a crash, finds the same payment.

        Raises:
            NoSuchBooking: there is none, or it is somebody else's.
            HoldExpired, BookingCancelled, AlreadyConfirmed: it can't be paid for any more.
            AmountChanged: a voucher made it cheaper while it was paid, and the money goes back.
            PaymentDeclined: the gateway refused; the hold stays.
            PaymentInProgress, Invalid, Unavailable: as :meth:`dinnerkit.payment.service.PaymentService.pay` says.
        """
        booking = self._bookings.get(user_id, booking_id)
        if booking.status in SETTLED and booking.payment == payment_id:
            self._bookings.settle(booking)
            return PayResult(booking)
        _must_be_payable(booking)
        facts = self._seats.facts(booking.event)
        if booking.about != about(facts):  # it was made while the host moved the dinner, and the others followed before it was there
            booking = self._following.catch_up(booking)
            _must_be_payable(booking)
        payment = self._payments.pay(
            payment_id=payment_id,
            reference=booking.id,
            user_id=user_id,
            money=booking.amount,
            method=method,
            description=f"Booking {booking.id}",
            share=Share(payee=facts.host, occasion=booking.event, deposit=booking.deposit),
        )
        if payment.status == "succeeded":
            return PayResult(_had_for(payment, self._settle(booking, payment)))
        if payment.final:
            raise PaymentDeclined("the payment was declined", decline_code=payment.decline_code or "declined")
        return PayResult(self._await_action(booking, payment), payment.client_secret)

    def settle(self, payment: Payment) -> None:
        """Confirm the booking that a successful payment is for, or give the money back where that can't be; safe to repeat."""
        booking = self._store.find(payment.reference)
        if booking is None:
            log.error("payment_without_booking", payment=payment.id)
            self._refund(payment, "no_booking")
        else:
            self._settle(booking, payment)

    def settle_again(self, payment_id: str) -> bool:
        """The same by the payment's id; False where that has not succeeded, or never was."""
        payment = self._payments.get(payment_id)
        if payment is None or payment.status != "succeeded":
            return False
        self.settle(payment)
        return True

    def finish(self, user_id: str, booking_id: str, payment_id: str) -> Booking:
        """See at once what became of a payment that its guest has authenticated, rather than when the gateway tells; safe to repeat.

        Raises:
            NoSuchBooking: there is none, or it is somebody else's.
            Unavailable: the gateway gave no answer.
        """
        booking = self._bookings.get(user_id, booking_id)
        payment = self._payments.sync(payment_id)
        if payment is not None and payment.reference == booking.id:
            if payment.status == "succeeded":
                self.settle(payment)
            elif payment.final and self._payments.live(booking.id) is None:
                self.unlock(booking.id)
        return self._bookings.get(user_id, booking_id)

    def unlock(self, reference: str) -> None:
        """After a failed authentication the booking is simply held again; safe to repeat."""
        booking = self._store.find(reference)
        if booking is not None:
            self._store.move(booking, ("action_required",), {"status": "held"})

    def _settle(self, booking: Booking, payment: Payment) -> Booking:
        """Bring seats and money together, from the booking as it was read last; the booking as it is then."""
        if payment.money != booking.amount:
            log.error("payment_of_another_amount", payment=payment.id)
            self._refund(payment, "wrong_amount")
            self._payments.let_go(payment.id)
            if self._payments.live(booking.id) is None:
                self.unlock(booking.id)
            return self._store.find(booking.id) or booking
        if booking.status in UNPAID:
            confirmed = self._confirm(booking, payment, UNPAID, booking.hold)
        elif booking.status == "expired":
            confirmed = self._confirm_late(booking, payment)
        else:
            self._finish(booking, payment)
            return booking
        return confirmed or self._settle(self._store.find(booking.id) or booking, payment)

    def _finish(self, booking: Booking, payment: Payment) -> None:
        """Settle a payment for a booking that is confirmed or cancelled already, perhaps by that payment."""
        while booking.transferred_to and (next_one := self._store.find(booking.transferred_to)):
            booking = next_one  # what the payment bought went along with the seats
        if booking.status in SETTLED and booking.payment == payment.id:
            self._bookings.settle(booking)
            if booking.hold == payment.id:  # it was expired, and who made it live again may have died since
                self._following.catch_up(booking)
            if booking.deposit:  # a dispute, won by now, may have kept it from going back
                self._bookings.pay_back(booking.id)
        elif booking.payment == payment.id:
            self._bookings.finish_cancellation(booking.id)
        else:
            self._refund(payment, "paid_twice" if booking.status in SETTLED else "paid_after_cancellation")

    def _await_action(self, booking: Booking, payment: Payment) -> Booking:
        """The guest gets the hold's length anew to authenticate, but not for ever by trying again and again.

        Raises:
            HoldExpired, BookingCancelled, AlreadyConfirmed: it ended meanwhile.
            AmountChanged: a voucher made it cheaper, and the bank must not be asked about the price of old.
        """
        latest = booking.created_at + _MOST_HOLD_LENGTHS * self._hold_length
        until = max(min(self._clock() + self._hold_length, latest), booking.expires_at or self._clock())
        as_paid = {"hold": booking.hold, "amount": payment.money.amount}
        waiting = self._store.move(booking, UNPAID, {"status": "action_required", "expires_at": until}, when=as_paid)
        if waiting is None:
            # It ended meanwhile, and what its end does to payments may have been done before there was this one. Or it costs less.
            self._payments.abandon(booking.id)
            now = self._store.find(booking.id) or booking
            must_be_unpaid(now)
            if now.amount != payment.money:
                raise AmountChanged("what is to be paid has changed meanwhile: pay again", amount=now.amount.to_document())
            return now
        self._seats.extend(booking.event, booking.hold, until)
        if waiting.voucher:
            self._uses.extend(waiting.voucher, waiting.hold, until)
        return waiting

    def _confirm(self, booking: Booking, payment: Payment, since: frozenset[str], hold: str) -> Booking | None:
        told = BookingConfirmed(booking_id=booking.id, event_id=booking.event, user_id=booking.user)
        values = {"status": "confirmed", "expires_at": None, "payment": payment.id, "hold": hold}
        # A voucher may have made it cheaper since it was read.
        as_read = {"hold": booking.hold, "amount": booking.amount.amount}
        confirmed = self._store.move(booking, since, values, told, when=as_read)
        if confirmed is not None:
            self._bookings.settle(confirmed)
        return confirmed

    def _confirm_late(self, booking: Booking, payment: Payment) -> Booking | None:
        """The money came after the hold's end: seats if there are still some (and a use of its voucher), else the money back.

        The new hold has the payment's id: whoever repeats this after a crash, or does it at the same time, finds it and goes on with it.
        """
        # The old hold must be gone first, or its guest would count as having a booking already.
        self._bookings.release(booking)
        until = self._clock() + self._hold_length
        hold = SeatHold(booking.event, payment.id, booking.id, booking.user, booking.guests, until)
        try:
            facts = self._seats.take(hold)
            if facts.waited_as:
                self._waiting.no_longer(booking.user, facts.waited_as)
            if booking.voucher:
                self._uses.take(VoucherUse(booking.voucher, payment.id, booking.id, booking.user, until))
        except Conflict:
            told = BookingCancelled(booking_id=booking.id, event_id=booking.event, user_id=booking.user, by="payment")
            values = {"status": "cancelled", "payment": payment.id, "refund": payment.money.amount, "cancelled_by": "payment"}
            values["cancelled_at"] = self._clock()
            cancelled = self._store.move(booking, ("expired",), values, told)
            if cancelled is not None:
                self._bookings.give_up(hold, cancelled)
                self._bookings.finish_cancellation(booking.id)
            return cancelled
        confirmed = self._confirm(booking, payment, frozenset({"expired"}), payment.id)
        return self._following.catch_up(confirmed) if confirmed else None

    def _refund(self, payment: Payment, reason: str) -> None:
        # One key whatever the reason: it may be another one when this is repeated.
        self._refunds.request_once_decided(payment.id, payment.money, key=f"{payment.id}:unused", reason=reason)


def _must_be_payable(booking: Booking) -> None:
    must_be_unpaid(booking)
    if not booking.amount.amount:
        raise NothingToPay("this offer costs nothing: accept it")


def _had_for(payment: Payment, booking: Booking) -> Booking:
    """The booking, if it is what this payment was made for.

    Raises:
        AlreadyConfirmed, BookingCancelled, HoldExpired, AmountChanged: it is not, and the money goes back.
    """
    if booking.payment != payment.id and booking.amount != payment.money:
        raise AmountChanged(
            "what is to be paid has changed meanwhile: your money goes back, pay again", amount=booking.amount.to_document()
        )
    if booking.payment != payment.id:
        must_be_unpaid(booking)
    if booking.status not in SETTLED:
        raise HoldExpired("the time to pay was over, and the seats are gone; your money goes back")
    return booking
