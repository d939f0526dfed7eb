"""The state of one dinner, and the small steps of which everything that happens to it is made."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from tests.booking.model.records import IN_TIME, OPEN, SETTLED, UNPAID, VOUCHERS, Booking, Hold, Payment, Use
from tests.booking.snapshot import Snapshot
from tests.booking.world import HOLD, OFFER


@dataclass
class State:
    """One dinner: its seats, who has them, and what was paid."""

    status: str
    starts_at: datetime
    seats_left: int
    price: int
    deposit: int
    moved_at: datetime | None = None
    free_until: datetime | None = None
    holds: list[Hold] = field(default_factory=list)
    waiting: list[tuple[str, str, int]] = field(default_factory=list)
    bookings: dict[str, Booking] = field(default_factory=dict)
    payments: dict[str, Payment] = field(default_factory=dict)
    uses: dict[str, list[Use]] = field(default_factory=dict)

    @classmethod
    def of(cls, there: Snapshot, event_id: str) -> Self:
        """What is there now, as after a crash that may or may not have done a thing."""
        event = there.events[event_id]
        codes = {name: row["code"] for name, row in there.vouchers.items()}
        return cls(
            event["status"],
            event["starts_at"],
            event["seats_left"],
            event["price"]["amount"],
            (event.get("deposit") or {}).get("amount", 0),
            event.get("moved_at"),
            event.get("free_until"),
            [Hold(hold["hold"], hold["booking"], hold["user"], hold["guests"], hold["until"]) for hold in event["holds"]],
            [(party["entry"], party["user"], party["guests"]) for party in event["waitlist"]],
            {
                name: Booking(
                    row["user"],
                    row["guests"],
                    row["status"],
                    row["hold"],
                    row.get("booked_at", row["created_at"]),
                    row.get("expires_at"),
                    row["about"]["starts_at"],
                    row["amount"],
                    codes.get(row.get("voucher")),
                    row.get("payment"),
                    row.get("refund"),
                )
                for name, row in there.bookings.items()
            },
            {
                name: Payment(
                    row["reference"],
                    row["status"],
                    there.charges.get(name, {}).get("status"),
                    "live" in row,
                    row["created_at"],
                    row.get("check_at"),
                )
                for name, row in there.payments.items()
            },
            {
                row["code"]: [Use(use["hold"], use["booking"], use["user"], use["until"]) for use in row["uses"]]
                for row in there.vouchers.values()
            },
        )

    def live(self, booking_id: str) -> Payment | None:
        return next((payment for payment in self.payments.values() if payment.booking == booking_id and payment.live), None)

    def sync(self, payment_id: str) -> None:
        """Learn what the gateway knows."""
        payment = self.payments[payment_id]
        if payment.status == "succeeded":
            return
        if payment.at_gateway == "succeeded":
            payment.status, payment.check_at = "succeeded", None
        elif payment.status in OPEN and payment.at_gateway != "action_required":
            payment.status, payment.live, payment.check_at = payment.at_gateway or "cancelled", False, None
        elif payment.at_gateway == "action_required":
            if payment.status in OPEN:
                payment.status = "action_required"
            else:
                payment.at_gateway = "cancelled"

    def abandon(self, booking_id: str) -> None:
        name = next((name for name, p in self.payments.items() if p.booking == booking_id and p.live and p.status in OPEN), None)
        if name is None:
            return
        if self.payments[name].at_gateway == "action_required":
            self.payments[name].at_gateway = "cancelled"
        self.sync(name)

    def settle(self, payment_id: str, now: datetime) -> None:
        booking = self.bookings[self.payments[payment_id].booking]
        if booking.status in UNPAID:
            self._confirm(booking, payment_id, booking.hold)
        elif booking.status == "expired":
            self._release(booking, now)
            late = Hold(payment_id, self.payments[payment_id].booking, booking.user, booking.guests, now + HOLD)
            mine = any(hold.name == late.name for hold in self.holds)
            if not mine and (self._closed(now) or self._held_by(booking.user) or self.seats_left < booking.guests):
                booking.status, booking.payment, booking.refund = "cancelled", payment_id, booking.amount
                return
            if not mine:
                self._take(late)
            if booking.voucher and all(use.hold != late.name for use in self.uses[booking.voucher]):
                if self._used_up(booking.voucher, booking.user):
                    booking.status, booking.payment, booking.refund = "cancelled", payment_id, booking.amount
                    self._give_up(booking, late.name, now)
                    return
                self.uses[booking.voucher].append(Use(late.name, late.booking, late.user, late.until))
            self._confirm(booking, payment_id, late.name)
        had = next((found for found in self.bookings.values() if found.payment == payment_id and found.status in SETTLED), None)
        if had:
            self._keep(had)
            if had.hold == payment_id:
                had.starts_at = self.starts_at

    def _look(self, booking_id: str, now: datetime) -> Booking:
        booking = self.bookings[booking_id]
        if booking.status in UNPAID and booking.expires_at and booking.expires_at <= now:
            booking.status = "expired"
            self._release(booking, now)
        return booking

    def _used_up(self, code: str, user: str) -> bool:
        uses = self.uses[code]
        return len(uses) >= VOUCHERS[code] or any(use.user == user for use in uses)

    def _uses_of(self, booking: Booking) -> list[Use]:
        return [use for use in self.uses[booking.voucher] if use.hold == booking.hold] if booking.voucher else []

    def _paid(self, booking: Booking) -> int:
        return booking.amount if booking.payment and booking.status in SETTLED else 0

    def _goes_back(self, booking: Booking, now: datetime) -> int:
        """What a guest gets who cancels now: all in time, and for a while after a move under them; else half of it without the deposit."""
        moved = self.moved_at and self.free_until and booking.booked_at < self.moved_at and now <= self.free_until
        paid = self._paid(booking)
        if not paid or moved or now <= self.starts_at - IN_TIME:
            return paid
        return (paid - self.deposit * booking.guests + 1) // 2

    def _costs(self, guests: int) -> int:
        return (self.price + self.deposit) * guests

    def _keep(self, booking: Booking) -> None:
        self._hold(booking.hold).until = None
        for use in self._uses_of(booking):
            use.until = None

    def _release(self, booking: Booking, now: datetime) -> None:
        self._give_up(booking, booking.hold, now)

    def _give_up(self, booking: Booking, hold: str, now: datetime) -> None:
        if booking.voucher:
            self.uses[booking.voucher] = [use for use in self.uses[booking.voucher] if use.hold != hold]
        self._free(hold, now)

    def _confirm(self, booking: Booking, payment: str | None, hold: str) -> None:
        booking.status, booking.payment, booking.hold, booking.expires_at = "confirmed", payment, hold, None
        self._keep(booking)

    def _cancel(self, booking: Booking, refund: int, now: datetime) -> None:
        booking.status, booking.expires_at, booking.refund = "cancelled", None, refund
        self._release(booking, now)

    def _take(self, hold: Hold) -> None:
        self.holds.append(hold)
        self.seats_left -= hold.guests
        self._off_the_list(hold.user, but=hold.name)

    def _off_the_list(self, user: str, but: str = "") -> list[str]:
        """Take a user's party off; its booking is over, unless its entry becomes an offer."""
        gone = [entry for entry, waiting, _ in self.waiting if waiting == user]
        self.waiting = [party for party in self.waiting if party[1] != user]
        for entry in gone:
            if entry != but and entry in self.bookings:
                self.bookings[entry].status = "cancelled"
        return gone

    def _free(self, name: str, now: datetime) -> None:
        freed = [hold for hold in self.holds if hold.name == name]
        if not freed:
            return
        self.holds.remove(freed[0])
        self.seats_left += freed[0].guests
        for entry, user, guests in list(self.waiting):
            if guests <= self.seats_left and not self._closed(now):
                until = min(now + OFFER, self.starts_at)
                self._take(Hold(entry, entry, user, guests, until))
                self._offer(entry, Booking(user, guests, "offered", entry, now, until, self.starts_at, self._costs(guests)))

    def _offer(self, entry: str, offered: Booking) -> Booking:
        """Make a booking of an offer, or of the one that waits for it."""
        booking = self.bookings.setdefault(entry, offered)
        if booking.status == "waitlisted":
            booking.status, booking.expires_at, booking.starts_at = "offered", offered.expires_at, self.starts_at
        return booking

    def _hold(self, name: str) -> Hold:
        return next(hold for hold in self.holds if hold.name == name)

    def _held_by(self, user: str) -> bool:
        return any(hold.user == user for hold in self.holds)

    def _closed(self, now: datetime) -> bool:
        return self.status != "published" or now >= self.starts_at
