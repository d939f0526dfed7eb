"""What dinnerkit ought to do with one dinner, written down a second time without a database: lists, dictionaries, and nothing at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from tests.booking.model.records import CHANGES, CORRECTABLE, EXPECTED, FREE_AFTER_A_MOVE, SETTLED, UNPAID, Booking, Hold, Payment, Use
from tests.booking.model.work import Worked
from tests.booking.world import CHECK, HOLD


class Model(Worked):
    """What each act of a guest or a host comes to: the status of the booking, or the name of the error."""

    def reserve(self, user: str, guests: int, booking: str, now: datetime, code: str | None = None) -> str:
        if code and not self.price:
            return "VoucherMinimum"
        if code and self._used_up(code, user):
            return "VoucherUsedUp"
        if self._closed(now):
            return "BookingClosed"
        if self._held_by(user):
            return "AlreadyBooked"
        if self.seats_left < guests:
            return "SoldOut"
        price = self.price * guests
        amount = price - {None: 0, "HALF": (price + 1) // 2, "GIFT": price}[code] + self.deposit * guests
        until = now + HOLD if amount else None
        self._take(Hold(booking, booking, user, guests, until))
        if code:
            self.uses[code].append(Use(booking, booking, user, until))
        status = "held" if amount else "confirmed"
        self.bookings[booking] = Booking(user, guests, status, booking, now, until, self.starts_at, amount, code)
        return self.bookings[booking].status

    def join(self, user: str, guests: int, entry: str, seats: int, now: datetime) -> str:
        if self._closed(now):
            return "BookingClosed"
        if self._held_by(user):
            return "AlreadyBooked"
        if any(waiting == user for _, waiting, _ in self.waiting):
            return "AlreadyWaiting"
        if guests > seats:
            return "PartyTooLarge"
        if guests <= self.seats_left:
            return "SeatsAvailable"
        self.waiting.append((entry, user, guests))
        self.bookings[entry] = Booking(user, guests, "waitlisted", entry, now, None, self.starts_at, self._costs(guests))
        return str(len(self.waiting))

    def leave(self, user: str) -> str:
        gone = self._off_the_list(user)
        return "gone" if gone else "NotWaiting"

    def accept(self, booking_id: str, now: datetime) -> str:
        booking = self._look(booking_id, now)
        if booking.status in SETTLED and not booking.amount:
            self._keep(booking)
            booking.starts_at = self.starts_at
            return booking.status
        if booking.status not in UNPAID:
            return _refusal(booking.status)
        if booking.amount:
            return "PaymentNeeded"
        self._confirm(booking, None, booking.hold)
        booking.starts_at = self.starts_at
        return "confirmed"

    def pay(self, booking_id: str, payment_id: str, outcome: str, now: datetime) -> str:
        booking = self._look(booking_id, now)
        if booking.status not in UNPAID:
            return _refusal(booking.status)
        if not booking.amount:
            return "NothingToPay"
        booking.starts_at = self.starts_at
        live = self.live(booking_id)
        if live and live.status == "created" and live.check_at and live.check_at > now:
            return "PaymentInProgress"
        if live:
            self.abandon(booking_id)
            if live.status == "succeeded":
                self.settle(next(name for name, payment in self.payments.items() if payment is live), now)
                return booking.status
        self.payments[payment_id] = Payment(booking_id, outcome, outcome, outcome != "declined", now, None)
        if outcome == "declined":
            return "PaymentDeclined"
        if outcome == "action_required":
            self.payments[payment_id].check_at = now + CHECK
            booking.status = "action_required"
            booking.expires_at = max(min(now + HOLD, booking.booked_at + 3 * HOLD), booking.expires_at or now)
            self._hold(booking.hold).until = booking.expires_at
            for use in self._uses_of(booking):
                use.until = booking.expires_at
            return "action_required"
        self.settle(payment_id, now)
        return booking.status

    def cancel(self, booking_id: str, now: datetime) -> str:
        booking = self._look(booking_id, now)
        if booking.status == "cancelled":
            return "cancelled"
        if booking.status == "expired":
            return "HoldExpired"
        if booking.status == "transferred":
            return "BookingTransferred"
        if now >= self.starts_at or booking.status in ("checked_in", "no_show"):
            return "TooLateToCancel"
        if booking.status == "waitlisted":
            self.waiting = [party for party in self.waiting if party[0] != booking_id]
            booking.status = "cancelled"
            return "cancelled"
        self._cancel(booking, self._goes_back(booking, now), now)
        booking.starts_at = self.starts_at  # by which its refund was reckoned
        return "cancelled"

    def transfer(self, booking_id: str, taker: str, new: str, now: datetime) -> str:
        """The seats are offered to somebody, who takes them at once."""
        booking = self._look(booking_id, now)
        if booking.status not in EXPECTED:
            return "BookingNotConfirmed"
        if self.status != "published" or now >= self.starts_at - CHANGES:
            return "TransferClosed"
        if taker == booking.user:
            return "Invalid"
        self._keep(booking)
        if self._held_by(taker):
            return "AlreadyBooked"
        self._off_the_list(taker)
        hold = self._hold(booking.hold)
        hold.booking, hold.user = new, taker
        booking.status = "transferred"
        # The giver's may not have followed the dinner yet, and is over. Whether a move came after it counts from the giver's beginning.
        self.bookings[new] = replace(booking, user=taker, status="confirmed", starts_at=self.starts_at)
        return "confirmed"

    def arrive(self, booking_id: str, now: datetime) -> str:
        booking = self.bookings[booking_id]
        if self.status == "cancelled":
            return "BookingNotConfirmed"
        if booking.status == "checked_in":
            return "AlreadyCheckedIn"
        if now >= self.starts_at + CORRECTABLE:
            return "TooLateToCorrect"
        if booking.status not in SETTLED:
            return "BookingNotConfirmed"
        booking.status = "checked_in"
        return "checked_in"

    def note(self, booking_id: str, now: datetime, *, came: bool) -> str:
        booking = self.bookings[booking_id]
        if self.status == "cancelled":
            return "BookingNotConfirmed"
        if now >= self.starts_at + CORRECTABLE:
            return "TooLateToCorrect"
        if not came and now < self.starts_at:
            return "DinnerNotBegun"
        if booking.status not in SETTLED:
            return "BookingNotConfirmed"
        booking.status = "checked_in" if came else "no_show"
        return booking.status

    def seat(self, seated: set[str]) -> None:
        for name, booking in self.bookings.items():
            if booking.status in EXPECTED:
                booking.status = "seated" if name in seated else "confirmed"

    def call_off(self, now: datetime) -> str:
        if self.status == "cancelled":
            return "EventIsCancelled"
        if now >= self.starts_at:
            return "EventHasBegun"
        self.status = "cancelled"
        return "cancelled"

    def move(self, starts_at: datetime, now: datetime) -> str:
        if self.status == "cancelled":
            return "EventIsCancelled"
        if now >= self.starts_at:
            return "EventHasBegun"
        if starts_at <= now and starts_at != self.starts_at:
            return "EventNotReady"
        if starts_at != self.starts_at:
            self.moved_at, self.free_until = now, min(now + FREE_AFTER_A_MOVE, starts_at)
        self.starts_at = starts_at
        return "published"


def _refusal(status: str) -> str:
    if status in SETTLED:
        return "AlreadyConfirmed"
    return {"cancelled": "BookingCancelled", "expired": "HoldExpired", "waitlisted": "StillWaiting", "transferred": "BookingTransferred"}[
        status
    ]
