"""What dinnerkit ought to do with one dinner, written down a second time without a database: lists, dictionaries, and nothing at once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from tests.booking.balance import gateway_books
from tests.booking.world import CHECK, HOLD, OFFER, World

UNPAID = ("offered", "held", "action_required")
OPEN = ("created", "action_required")
EXPECTED = ("confirmed", "seated")
SETTLED = (*EXPECTED, "checked_in", "no_show")
NO_SHOW, LOOKED_BACK, CORRECTABLE = timedelta(hours=6), timedelta(days=3), timedelta(days=7)
CHANGES = timedelta(hours=2)
VOUCHERS = {"HALF": 2, "GIFT": 1}
"""Codes, and how often each may be used at a time; by each guest once."""


@dataclass
class Hold:
    name: str
    booking: str
    user: str
    guests: int
    until: datetime | None


@dataclass
class Use:
    hold: str
    booking: str
    user: str
    until: datetime | None


@dataclass
class Booking:
    user: str
    guests: int
    status: str
    hold: str
    created_at: datetime
    expires_at: datetime | None
    starts_at: datetime
    amount: int
    voucher: str | None = None
    payment: str | None = None


@dataclass
class Payment:
    booking: str
    status: str
    at_gateway: str | None
    live: bool
    begun: datetime
    check_at: datetime | None


@dataclass
class Model:
    """The state of one dinner, and what each act makes of it. Acts return the status of the booking, or the name of the error."""

    status: str
    starts_at: datetime
    seats_left: int
    price: int
    deposit: int
    holds: list[Hold] = field(default_factory=list)
    waiting: list[tuple[str, str, int]] = field(default_factory=list)
    bookings: dict[str, Booking] = field(default_factory=dict)
    payments: dict[str, Payment] = field(default_factory=dict)
    uses: dict[str, list[Use]] = field(default_factory=dict)

    @classmethod
    def of(cls, world: World, event_id: str) -> Model:
        """What is there now, as after a crash that may or may not have done a thing."""
        event = world.database["events"].find_one({"_id": event_id}) or {}
        charges, _ = gateway_books(world)
        vouchers = list(world.database["vouchers"].find())
        codes = {row["_id"]: row["code"] for row in vouchers}
        return cls(
            event["status"],
            event["starts_at"],
            event["seats_left"],
            event["price"]["amount"],
            (event.get("deposit") or {}).get("amount", 0),
            [Hold(hold["hold"], hold["booking"], hold["user"], hold["guests"], hold["until"]) for hold in event["holds"]],
            [(party["entry"], party["user"], party["guests"]) for party in event["waitlist"]],
            {
                row["_id"]: Booking(
                    row["user"],
                    row["guests"],
                    row["status"],
                    row["hold"],
                    row["created_at"],
                    row.get("expires_at"),
                    row["about"]["starts_at"],
                    row["amount"],
                    codes.get(row.get("voucher")),
                    row.get("payment"),
                )
                for row in world.database["bookings"].find().sort("_id", 1)
            },
            {
                row["_id"]: Payment(
                    row["reference"],
                    row["status"],
                    charges.get(row["_id"], {}).get("status"),
                    "live" in row,
                    row["created_at"],
                    row.get("check_at"),
                )
                for row in world.database["payments"].find().sort("_id", 1)
            },
            {row["code"]: [Use(use["hold"], use["booking"], use["user"], use["until"]) for use in row["uses"]] for row in vouchers},
        )

    def reserve(self, user: str, guests: int, booking: str, now: datetime, code: str | None = None) -> str:
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
            return booking.status
        if booking.status not in UNPAID:
            return _refusal(booking.status)
        if booking.amount:
            return "PaymentNeeded"
        self._confirm(booking, None, booking.hold)
        return "confirmed"

    def pay(self, booking_id: str, payment_id: str, outcome: str, now: datetime) -> str:
        booking = self._look(booking_id, now)
        if booking.status not in UNPAID:
            return _refusal(booking.status)
        if not booking.amount:
            return "NothingToPay"
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
            booking.expires_at = max(min(now + HOLD, booking.created_at + 3 * HOLD), booking.expires_at or now)
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
        self._cancel(booking, now)
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
        self.bookings[new] = replace(booking, user=taker, status="confirmed", created_at=now)
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

    def find_no_shows(self, now: datetime) -> None:
        over = {b.status for b in self.bookings.values() if b.starts_at + NO_SHOW <= now <= b.starts_at + LOOKED_BACK}
        if "checked_in" in over and over & set(EXPECTED) and self.starts_at + NO_SHOW <= now:
            for booking in self.bookings.values():
                if booking.status in EXPECTED:
                    booking.status = "no_show"

    def call_the_roll(self, now: datetime) -> None:
        listed = {entry for entry, _, _ in self.waiting}
        for name, booking in self.bookings.items():
            if booking.status == "waitlisted":
                if self.status == "cancelled" or (name not in listed and now < self.starts_at):
                    booking.status = "cancelled"
                elif now >= self.starts_at:
                    booking.status = "expired"

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
        self.starts_at = starts_at
        return "published"

    def follow(self) -> None:
        for booking in self.bookings.values():
            if booking.status in ("waitlisted", *UNPAID, *SETTLED):
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
            case "booking.follow":
                self.follow()
            case "booking.cancel_all":
                self._cancel_all(now)

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
                booking.status, booking.payment = "cancelled", payment_id
                return
            if not mine:
                self._take(late)
            if booking.voucher and all(use.hold != late.name for use in self.uses[booking.voucher]):
                if self._used_up(booking.voucher, booking.user):
                    booking.status, booking.payment = "cancelled", payment_id
                    self._give_up(booking, late.name, now)
                    return
                self.uses[booking.voucher].append(Use(late.name, late.booking, late.user, late.until))
            self._confirm(booking, payment_id, late.name)
        elif booking.status in SETTLED and booking.payment == payment_id:
            self._keep(booking)

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

    def _costs(self, guests: int) -> int:
        return (self.price + self.deposit) * guests

    def _write_off(self, hold: Hold, now: datetime) -> Booking:
        written = Booking(hold.user, hold.guests, "expired", hold.name, now, None, self.starts_at, self._costs(hold.guests))
        self.bookings[hold.booking] = written
        return written

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

    def _cancel(self, booking: Booking, now: datetime) -> None:
        booking.status, booking.expires_at = "cancelled", None
        self._release(booking, now)

    def _cancel_all(self, now: datetime) -> None:
        for hold in list(self.holds):
            booking = self.bookings.get(hold.booking)
            if booking is None:
                booking = self._write_off(hold, now)
            if booking.status in (*UNPAID, *SETTLED) or (booking.status == "expired" and booking.hold != hold.name):
                self._cancel(booking, now)
            self._give_up(booking, hold.name, now)
        for booking in self.bookings.values():
            if booking.status == "waitlisted":
                booking.status = "cancelled"

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

    def _record_offer(self, data: dict[str, Any], now: datetime) -> None:
        guests = data["guests"]
        offered = Booking(data["user_id"], guests, "offered", data["hold_id"], now, data["until"], self.starts_at, self._costs(guests))
        if self._offer(data["booking_id"], offered).status not in (*UNPAID, *SETTLED):
            self._free(data["hold_id"], now)

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


def _refusal(status: str) -> str:
    if status in SETTLED:
        return "AlreadyConfirmed"
    return {"cancelled": "BookingCancelled", "expired": "HoldExpired", "waitlisted": "StillWaiting", "transferred": "BookingTransferred"}[
        status
    ]
