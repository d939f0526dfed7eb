"""What the clockwork does, and what deliveries come to."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tests.booking.model.records import EXPECTED, LOOKED_BACK, NO_SHOW, SETTLED, UNPAID, Booking, Hold
from tests.booking.model.state import State
from tests.booking.world import CHECK, OFFER


class Worked(State):
    """A dinner that a worker looks after."""

    def find_no_shows(self, now: datetime) -> None:
        over = {b.status for b in self.bookings.values() if b.starts_at + NO_SHOW <= now <= b.starts_at + LOOKED_BACK}
        if "checked_in" in over and over & set(EXPECTED) and self.starts_at + NO_SHOW <= now:
            for booking in self.bookings.values():
                if booking.status in EXPECTED:
                    booking.status = "no_show"

    def call_the_roll(self, now: datetime) -> None:
        known = {entry for entry, _, _ in self.waiting} | {hold.name for hold in self.holds}  # these are offered seats, and not told yet
        for name, booking in self.bookings.items():
            if booking.status == "waitlisted":
                if self.status == "cancelled":
                    booking.status, booking.refund = "cancelled", 0
                elif name not in known and now < self.starts_at:
                    booking.status = "cancelled"
                elif now >= self.starts_at:
                    booking.status = "expired"

    def follow(self) -> None:
        for booking in self.bookings.values():
            if booking.status == "waitlisted":
                booking.starts_at = self.starts_at
            self._catch_up(booking)

    def _catch_up(self, booking: Booking) -> None:
        if booking.status in (*UNPAID, *SETTLED):
            booking.starts_at = self.starts_at

    def sweep(self, now: datetime) -> None:
        for hold in [hold for hold in self.holds if hold.until and hold.until <= now]:
            booking = self.bookings.get(hold.booking)
            if booking is None:
                booking = self._write_off(hold, now)
            if booking.status in UNPAID:
                if booking.expires_at and booking.expires_at > now:
                    hold.until = booking.expires_at
                self._look(hold.booking, now)
            elif booking.status in SETTLED and booking.hold == hold.name:
                self._keep(booking)
            elif booking.status == "expired" and booking.hold != hold.name:
                self.settle(hold.name, now)
            else:
                if booking.status == "waitlisted":
                    booking.status = "expired"
                self._give_up(booking, hold.name, now)
        self._sweep_uses(now)

    def _sweep_uses(self, now: datetime) -> None:
        for uses in self.uses.values():
            for use in [use for use in uses if use.until and use.until <= now]:
                booking = self.bookings[use.booking]
                if booking.status in UNPAID:
                    if booking.expires_at and booking.expires_at > now:
                        use.until = booking.expires_at
                    self._look(use.booking, now)
                elif booking.status in SETTLED and booking.hold == use.hold:
                    self._keep(booking)
                elif booking.status == "expired" and booking.hold != use.hold:
                    self.settle(use.hold, now)
                elif use in uses:
                    uses.remove(use)

    def look_after_payments(self, now: datetime) -> None:
        for name, payment in self.payments.items():
            if payment.check_at and payment.check_at <= now:
                payment.check_at = now + CHECK
                if now - payment.begun > OFFER:
                    self.abandon(payment.booking)
                else:
                    self.sync(name)

    def handled(self, delivery: dict[str, Any], now: datetime) -> None:
        """A delivery was run: the same here."""
        data = delivery["data"]
        match delivery["handler"]:
            case "booking.settle":
                self.settle(data["payment_id"], now)
            case "booking.unlock":
                booking = self.bookings[data["reference"]]
                if not self.live(data["reference"]) and booking.status == "action_required":
                    booking.status = "held"
            case "booking.record_offer":
                self._record_offer(data, now)
            case "booking.stop_paying":
                self.abandon(data["booking_id"])
            case "booking.finish_cancellation":
                self._release(self.bookings[data["booking_id"]], now)
                self.abandon(data["booking_id"])
            case "booking.finish_transfer":
                self._catch_up(self.bookings[data["booking_id"]])
            case "booking.follow":
                self.follow()
            case "booking.cancel_all":
                self._cancel_all(now)

    def _record_offer(self, data: dict[str, Any], now: datetime) -> None:
        guests = data["guests"]
        offered = Booking(data["user_id"], guests, "offered", data["hold_id"], now, data["until"], self.starts_at, self._costs(guests))
        over = self._offer(data["booking_id"], offered).status not in (*UNPAID, *SETTLED)
        if over and any((hold.name, hold.booking) == (data["hold_id"], data["booking_id"]) for hold in self.holds):
            self._free(data["hold_id"], now)

    def _cancel_all(self, now: datetime) -> None:
        for hold in list(self.holds):
            booking = self.bookings.get(hold.booking)
            if booking is None:
                booking = self._write_off(hold, now)
            if booking.status in (*UNPAID, *SETTLED) or (booking.status == "expired" and booking.hold != hold.name):
                self._cancel(booking, self._paid(booking), now)
            self._give_up(booking, hold.name, now)
        for booking in self.bookings.values():
            if booking.status == "waitlisted":
                booking.status, booking.refund = "cancelled", 0

    def _write_off(self, hold: Hold, now: datetime) -> Booking:
        written = Booking(hold.user, hold.guests, "expired", hold.name, now, None, self.starts_at, self._costs(hold.guests))
        self.bookings[hold.booking] = written
        return written
