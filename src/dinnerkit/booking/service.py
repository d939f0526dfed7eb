"""Bookings made, read and given back.

The event's account gives seats to a hold; the booking says what becomes of that hold. A booking is made after its hold, and ends before
its hold: whatever dies in between, :mod:`dinnerkit.booking.sweep` finds the hold and does what the booking says.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from pymongo.errors import DuplicateKeyError

from dinnerkit.booking.errors import (
    AlreadyConfirmed,
    BookingCancelled,
    BookingTransferred,
    HoldExpired,
    NoSuchBooking,
    PaymentNeeded,
    StillWaiting,
    TooLateToCancel,
)
from dinnerkit.booking.following import Following
from dinnerkit.booking.making import about, made
from dinnerkit.booking.messages import BookingCancelled as Cancelled
from dinnerkit.booking.messages import BookingConfirmed, BookingExpired, BookingResold
from dinnerkit.booking.refunds import owed_back, paid_for, refund_at
from dinnerkit.booking.rules import CANCELLABLE, LIVE, SETTLED, UNPAID, has_expired
from dinnerkit.booking.store import Booking, BookingStore
from dinnerkit.booking.waiting import WaitingList
from dinnerkit.clock import Clock
from dinnerkit.events.rules import Refund, resold_share
from dinnerkit.events.seat_holds import EventFacts, SeatHold
from dinnerkit.events.seats import Seats
from dinnerkit.payment.refunds import RefundService
from dinnerkit.ports.gateway import PaymentDisputed
from dinnerkit.vouchers.errors import VoucherUsedUp
from dinnerkit.vouchers.rules import Voucher
from dinnerkit.vouchers.uses import VoucherUse, VoucherUses


class BookingService:
    """What guests do with seats, but for paying (see :class:`dinnerkit.booking.paying.PayingService`)."""

    def __init__(
        self,
        store: BookingStore,
        seats: Seats,
        uses: VoucherUses,
        refunds: RefundService,
        waiting: WaitingList,
        following: Following,
        clock: Clock,
        hold_seconds: int,
    ) -> None:
        self._store = store
        self._seats = seats
        self._uses = uses
        self._refunds = refunds
        self._waiting = waiting
        self._following = following
        self._clock = clock
        self._hold_length = timedelta(seconds=hold_seconds)

    def reserve(
        self, user_id: str, event_id: str, guests: int, *, booking_id: str, code: str | None = None, repeated: bool = True
    ) -> Booking:
        """Hold seats for a payment, or confirm them at once where they cost nothing.

        ``booking_id`` is a new id; the same call with the same id again finds the same booking, so it can be repeated after a crash.
        ``code`` is of a voucher. Without ``repeated`` nobody is asked what that id made before: only for one that was made just now,
        and that nobody has been told.

        Raises:
            NoSuchEvent, BookingClosed, AlreadyBooked, SoldOut: as :meth:`dinnerkit.events.seats.Seats.take` says.
            VoucherUnknown, …, TooManyAttempts: as :meth:`dinnerkit.vouchers.uses.VoucherUses.look_up` says.
            HoldExpired: a repetition, and the time to pay is over, or the seats were given back or to somebody else since.
        """
        # Before seats are taken: the hold may be somebody else's by now, or be long gone and must not come back.
        if repeated and self._store.find(booking_id, user_id):
            return self._earlier(booking_id, user_id)
        hold = SeatHold(event_id, booking_id, booking_id, user_id, guests, self._clock() + self._hold_length)
        voucher = self._look_up(code, hold) if code else None
        facts = self._seats.take(hold)
        if voucher:
            self._use(voucher, hold)
        booking = made(hold, facts, "held", self._clock(), voucher)
        if not booking.amount.amount:
            booking = replace(booking, status="confirmed", expires_at=None)
        try:
            self._store.insert(booking, *_news(booking))
        except DuplicateKeyError:
            return self._earlier(booking_id, user_id)
        if facts.waited_as:
            self._waiting.no_longer(user_id, facts.waited_as)
        if booking.status == "confirmed":
            return self._following.catch_up(booking, self.settle(booking))  # what is to be paid for does so then
        return booking

    def get(self, user_id: str, booking_id: str) -> Booking:
        """The user's booking.

        Raises:
            NoSuchBooking: there is none, or it is somebody else's.
        """
        booking = self._store.find(booking_id, user_id)
        if booking is None:
            raise NoSuchBooking("there is no such booking")
        return self.expire(booking) if has_expired(booking.status, booking.expires_at, self._clock()) else booking

    def page(self, user_id: str, *, limit: int, before: str | None = None) -> list[Booking]:
        """The user's bookings, newest first."""
        return self._store.of_user(user_id, limit=limit, before=before)

    def live(self, user_id: str, event_id: str) -> Booking | None:
        """The user's booking of that event that has seats, or None."""
        return next((booking for booking in self._store.of_event(event_id, LIVE, user_id=user_id)), None)

    def refund_now(self, booking: Booking) -> Refund:
        """What its guest would get back by cancelling the booking at this moment: all of it for a while after the host moved the dinner."""
        return refund_at(booking, self._seats.facts(booking.event), self._clock())

    def accept(self, user_id: str, booking_id: str) -> Booking:
        """Accept an offer from the waiting list that costs nothing.

        A second call answers the same.

        Raises:
            NoSuchBooking: there is none, or it is somebody else's.
            PaymentNeeded: it costs something: pay for it.
            HoldExpired, BookingCancelled, AlreadyConfirmed: it is no offer any more.
        """
        booking = self.get(user_id, booking_id)
        if booking.amount.amount:
            must_be_unpaid(booking)
            raise PaymentNeeded("accept this offer by paying for it")
        if booking.status not in SETTLED:
            must_be_unpaid(booking)
            confirmed = self._store.move(booking, UNPAID, {"status": "confirmed", "expires_at": None}, _confirmed(booking))
            if confirmed is None:
                return self.accept(user_id, booking_id)
            booking = confirmed
        return self._following.catch_up(booking, self.settle(booking))

    def settle(self, booking: Booking) -> EventFacts | None:
        """Make the hold of a confirmed booking last: its seats, and the use of its voucher; safe to repeat. The event, if it was read."""
        facts = self._seats.settle(booking.event, booking.hold)
        if booking.voucher:
            self._uses.settle(booking.voucher, booking.hold)
        return facts

    def cancel(self, user_id: str, booking_id: str) -> Booking:
        """Give the seats back, or wait for them no longer; what was paid goes back by the event's policy. A second call answers the same.

        Raises:
            NoSuchBooking: there is none, or it is somebody else's.
            HoldExpired: it had expired already.
            BookingTransferred: the seats are somebody else's.
            TooLateToCancel: the dinner has begun, or the guests are in.
            PaymentDisputed: money would go back, and the guest's bank has taken it back already.
        """
        booking = self.get(user_id, booking_id)
        if booking.status == "cancelled":
            return booking
        if booking.status == "expired":
            raise HoldExpired("this booking had expired")
        if booking.status == "transferred":
            raise BookingTransferred("the seats of this booking went to somebody else")
        facts = self._seats.facts(booking.event)
        if booking.status not in CANCELLABLE or facts.starts_at <= self._clock():
            raise TooLateToCancel("this dinner has begun")
        if booking.status == "waitlisted":
            return self._waiting.give_up(booking) or self.cancel(user_id, booking_id)
        refund = refund_at(booking, facts, self._clock())
        something = refund.at_once.amount or refund.if_resold.amount
        if something and booking.payment and self._refunds.is_disputed(booking.payment):
            raise PaymentDisputed("your bank has taken this payment back, so it can't be refunded as well")
        return self._cancel(booking, refund, "guest", about(facts)) or self.cancel(user_id, booking_id)

    def cancel_by_host(self, hold: SeatHold) -> None:
        """Cancel the booking that has this hold, with all its money back; safe to repeat."""
        booking = self._store.find(hold.booking) or self.write_off(hold)
        if booking.event != hold.event:  # as :mod:`dinnerkit.booking.sweep` finds it
            self.free(hold)
            return
        # An expired booking with another hold than its own is being confirmed by a late payment: that must not succeed any more.
        while booking.status in LIVE or (booking.status == "expired" and booking.hold != hold.hold):
            booking = (
                self._cancel(booking, Refund(paid_for(booking), booking.amount * 0), "host") or self._store.find(booking.id) or booking
            )
        self.give_up(hold, booking)

    def finish_cancellation(self, booking_id: str) -> None:
        """Carry out what a cancelled booking owes: seats back to the event, money back to the guest; safe to repeat."""
        booking = self._store.find(booking_id)
        if booking is not None and booking.status == "cancelled":
            self._finish(booking)

    def pay_back(self, booking_id: str) -> None:
        """Give back what the booking owes as it stands, such as the deposit of those who have come; safe to repeat."""
        booking = self._store.find(booking_id)
        if booking is not None:
            self._pay_back(booking)

    def give_back_resold(self, booking_id: str, seats: int) -> None:
        """Give the money for ``seats`` of a cancelled booking back, now that they are sold again; safe to repeat, and in any order."""
        booking = self._store.find(booking_id)
        if booking is None or booking.refund_if_resold is None:
            return
        values = {"resold": seats, "refund": resold_share(booking.refund_if_resold, booking.guests, seats).amount}
        told = BookingResold(booking_id=booking.id, event_id=booking.event, user_id=booking.user, seats=seats)
        counted = self._store.move(booking, ("cancelled",), values, told, when={"resold": {"$not": {"$gte": seats}}})
        self._finish(counted or self._store.find(booking_id) or booking)

    def expire(self, booking: Booking) -> Booking:
        """End a booking whose time is over, and free its seats; the booking as it is then."""
        over = {"expires_at": {"$lte": self._clock()}}
        told = BookingExpired(booking_id=booking.id, event_id=booking.event, user_id=booking.user)
        expired = self._store.move(booking, UNPAID, {"status": "expired"}, told, when=over)
        if expired is None:
            return self._store.find(booking.id) or booking
        self.release(expired)
        return expired

    def free(self, hold: SeatHold) -> None:
        """Give a hold's seats back to the event, and make the bookings of those who are offered them."""
        for offer in self._seats.give_back(hold):
            self.record_offer(offer)

    def release(self, booking: Booking) -> None:
        """The same for the hold of a booking that is over, and for the use of its voucher."""
        self.give_up(SeatHold(booking.event, booking.hold, booking.id, booking.user, booking.guests, None), booking)

    def give_up(self, hold: SeatHold, booking: Booking) -> None:
        """The same for any hold of a booking that is over; its money may wait for its seats to be sold again."""
        if booking.voucher:
            self._uses.give_back(booking.voucher, hold.hold)
        resell_for = booking.id if booking.refund_if_resold and booking.hold == hold.hold else None
        for offer in self._seats.give_back(hold, resell_for=resell_for):
            self.record_offer(offer)

    def offer_free(self, event_id: str) -> None:
        """Offer the seats that are left to those who wait, after the capacity grew; safe to repeat."""
        for offer in self._seats.offer_free(event_id):
            self.record_offer(offer)

    def record_offer(self, offer: SeatHold) -> None:
        """Make the booking of an offer; safe to repeat. Where it is over already, its seats go to the next."""
        if not self._waiting.offer(offer):
            self.free(offer)

    def write_off(self, hold: SeatHold) -> Booking:
        """Make an expired booking for a hold whose own was never made, so that it can't be made any more; the one that is there."""
        facts = self._seats.facts(hold.event)
        booking = made(hold, facts, "expired", self._clock())
        try:
            self._store.insert(booking)
        except DuplicateKeyError:
            return self._store.find(hold.booking) or booking
        return booking

    def _cancel(self, booking: Booking, refund: Refund, by: str, reckoned_by: dict[str, Any] | None = None) -> Booking | None:
        told = Cancelled(booking_id=booking.id, event_id=booking.event, user_id=booking.user, by=by)
        values: dict[str, Any] = {"status": "cancelled", "expires_at": None, "refund": refund.at_once.amount, "cancelled_by": by}
        values |= {"refund_if_resold": refund.if_resold.amount or None, "cancelled_at": self._clock()}
        values |= {"about": reckoned_by} if reckoned_by else {}
        # Only from the status that the refund was computed for: a payment may come in between.
        cancelled = self._store.move(booking, (booking.status,), values, told)
        if cancelled is not None:
            self._finish(cancelled)
        return cancelled

    def _finish(self, booking: Booking) -> None:
        self.release(booking)
        self._pay_back(booking)

    def _pay_back(self, booking: Booking) -> None:
        for owed in owed_back(booking):
            self._refunds.request_once_decided(booking.payment or "", owed.money, key=owed.key, reason=owed.reason, deposit=owed.deposit)

    def _earlier(self, booking_id: str, user_id: str) -> Booking:
        booking = self.get(user_id, booking_id)
        if booking.status not in LIVE:
            if booking.status != "transferred":  # else the hold is that of another booking
                self.release(booking)
            raise HoldExpired("the time to pay for this booking is over")
        return self._following.catch_up(booking)

    def _look_up(self, code: str, hold: SeatHold) -> Voucher:
        facts = self._seats.facts(hold.event)
        price = facts.price * hold.guests
        return self._uses.look_up(code, hold_id=hold.hold, user_id=hold.user, host_id=facts.host, event_id=hold.event, price=price)

    def _use(self, voucher: Voucher, hold: SeatHold) -> None:
        """Count a use of the voucher; where others were faster, the hold goes back, and its booking can't be made any more."""
        try:
            self._uses.take(VoucherUse(voucher.id, hold.hold, hold.booking, hold.user, hold.until))
        except VoucherUsedUp:
            written_off = self.write_off(hold)
            if written_off.status not in LIVE:
                self.give_up(hold, written_off)
            raise


def must_be_unpaid(booking: Booking) -> None:
    """Let only a booking pass that waits to be confirmed.

    Raises:
        AlreadyConfirmed, BookingCancelled, HoldExpired, BookingTransferred, StillWaiting: what it is instead.
    """
    if booking.status in SETTLED:
        raise AlreadyConfirmed("this booking is confirmed already")
    if booking.status == "cancelled":
        raise BookingCancelled("this booking is cancelled")
    if booking.status == "expired":
        raise HoldExpired("the time to pay for this booking is over")
    if booking.status == "transferred":
        raise BookingTransferred("the seats of this booking went to somebody else")
    if booking.status == "waitlisted":
        raise StillWaiting("there are no seats for your party yet")


def _news(booking: Booking) -> list[BookingConfirmed]:
    return [_confirmed(booking)] if booking.status == "confirmed" else []


def _confirmed(booking: Booking) -> BookingConfirmed:
    return BookingConfirmed(booking_id=booking.id, event_id=booking.event, user_id=booking.user)
