"""Bookings in the database: read as values, changed only from the status that was expected."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pymongo import ReturnDocument
from pymongo.database import Database

from dinnerkit.booking.documents import BookingDocument
from dinnerkit.booking.rules import OVER, SETTLED, asked_at, next_reminder, sources
from dinnerkit.clock import Clock
from dinnerkit.delivery.outbox import Outbox
from dinnerkit.events.rules import RefundPolicy
from dinnerkit.messages import Message
from dinnerkit.money import Money
from dinnerkit.storage import Row, collection


@dataclass(frozen=True, slots=True)
class Companion:
    """Somebody whom the guest of a booking brings.

    Attributes:
        link: the id of the private link that is good, or None.
        traits: the personality that was answered by the link; empty until then.
    """

    name: str
    diets: tuple[str, ...] = ()
    link: str | None = None
    traits: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Booking:
    """A booking as it was when it was read.

    Attributes:
        hold: the hold in the event's account that counts.
        amount: what is to be paid: the price of all its seats less the discount, and the deposit.
        companions: those of the party whom the guest has named, without the guest; ``companions_version`` rises with each change.
        transfer: the id, email, email_key and at of an offer to give the seats to somebody, or None.
        deposit: that part of it, or None. ``deposit_released_at`` is when it was given back because nobody was checked in at that dinner.
        voucher: the id of the voucher that it has, or None; ``discount`` is what that takes off.
        expires_at: when it ends unless it is confirmed; None once it is.
        about: title, starts_at, timezone, city and venue of the event, as they were when it was booked.
        refund: what a cancellation gives back by now, or None.
        refund_if_resold: what it gives back in all once its seats are sold again, or None where it does not depend on that.
        resold: how many of them are.
        remind_at: when the next reminder is due.
        ask_at: when its guests are asked how it was.
        free_until: until when all money comes back, since the host moved the dinner.
        booked_at: when somebody booked the seats that were given to this guest; None where they are the guest's from the beginning.
    """

    id: str
    event: str
    user: str
    guests: int
    status: str
    hold: str
    amount: Money
    refund_policy: RefundPolicy
    about: dict[str, Any]
    created_at: datetime
    expires_at: datetime | None = None
    payment: str | None = None
    refund: Money | None = None
    cancelled_by: str | None = None
    checked_in_at: datetime | None = None
    refund_if_resold: Money | None = None
    resold: int = 0
    voucher: str | None = None
    discount: Money | None = None
    companions: tuple[Companion, ...] = ()
    companions_version: int = 0
    transfer: dict[str, Any] | None = None
    transferred_to: str | None = None
    transferred_from: str | None = None
    deposit: Money | None = None
    deposit_due_at: datetime | None = None
    deposit_released_at: datetime | None = None
    remind_at: datetime | None = None
    ask_at: datetime | None = None
    free_until: datetime | None = None
    booked_at: datetime | None = None


class BookingStore:
    """The collection of bookings. Every change names the statuses that it may start from, and carries its messages."""

    def __init__(self, database: Database[Row], clock: Clock) -> None:
        self._bookings = collection(database, BookingDocument)
        self._clock = clock
        self._outbox = Outbox(clock)

    def insert(self, booking: Booking, *messages: Message) -> None:
        """Store a new booking.

        Raises:
            DuplicateKeyError: the id is taken.
        """
        self._bookings.insert_one(_row(booking, self._outbox.entries(*messages)))

    def find(self, booking_id: str, user_id: str | None = None) -> Booking | None:
        """The booking, if there is one and it is that user's (None asks for anybody's)."""
        query = {"_id": booking_id} | ({"user": user_id} if user_id else {})
        row = self._bookings.find_one(query, {"outbox": 0})
        return booking_of(row) if row else None

    def of_user(self, user_id: str, *, limit: int, before: str | None) -> list[Booking]:
        """The user's bookings, newest first, from behind the one with the id ``before``."""
        query = {"user": user_id} | ({"_id": {"$lt": before}} if before else {})
        return [booking_of(row) for row in self._bookings.find(query, {"outbox": 0}).sort("_id", -1).limit(limit)]

    def of_event(self, event_id: str, statuses: Collection[str], *, user_id: str | None = None) -> list[Booking]:
        """The bookings of an event that have one of these statuses, in the order they were made; of that user, or of everybody."""
        query: Row = {"event": event_id, "status": {"$in": sorted(statuses)}} | ({"user": user_id} if user_id else {})
        return [booking_of(row) for row in self._bookings.find(query, {"outbox": 0}).sort("_id", 1)]

    def offer(self, offered: Booking, message: Message, *, noted: str | None) -> bool:
        """Turn a booking that waits into this one, on the terms that are offered now; whether it did still, with the voucher ``noted``."""
        terms = {
            "amount": offered.amount.amount,
            "deposit": offered.deposit.amount if offered.deposit else None,
            "deposit_due_at": offered.deposit_due_at,
            "currency": offered.amount.currency,
            "voucher": offered.voucher,
            "discount": offered.discount.amount if offered.discount else None,
            "refund_policy": offered.refund_policy.to_document(),
            "about": offered.about,
            "expires_at": offered.expires_at,
        }
        return self.move(offered, ("waitlisted",), {"status": "offered", **terms}, message, when={"voucher": noted}) is not None

    def due_for_reminder(self, now: datetime, limit: int) -> list[Booking]:
        """Some of the bookings whose reminder is due, the longest overdue first."""
        rows = self._bookings.find({"remind_at": {"$lte": now}}, {"outbox": 0}).sort("remind_at", 1).limit(limit)
        return [booking_of(row) for row in rows]

    def due_for_asking(self, now: datetime, limit: int) -> list[Booking]:
        """Some of the bookings whose guests are to be asked how it was."""
        return [booking_of(row) for row in self._bookings.find({"ask_at": {"$lte": now}}, {"outbox": 0}).limit(limit)]

    def events_waited_for(self) -> list[str]:
        """The events for which a booking waits."""
        return sorted(self._bookings.distinct("event", {"status": "waitlisted"}))

    def events_with(self, statuses: Collection[str], begun: tuple[datetime, datetime]) -> set[str]:
        """The events that began between these moments and have a booking with one of the statuses."""
        first, last = begun
        query = {"status": {"$in": sorted(statuses)}, "about.starts_at": {"$gte": first, "$lte": last}}
        return set(self._bookings.distinct("event", query))

    def seat(self, event_id: str, seated: Collection[str]) -> None:
        """Make these of the event's confirmed bookings seated, and its other seated ones confirmed."""
        for source, target, which in (("confirmed", "seated", "$in"), ("seated", "confirmed", "$nin")):
            query = {"event": event_id, "status": source, "_id": {which: sorted(seated)}}
            self._bookings.update_many(query, {"$set": {"status": target, "updated_at": self._clock()}})

    def answered(self, booking: Booking, link: str, statuses: Collection[str], traits: Mapping[str, float]) -> bool:
        """Keep what a companion answered by a private link; whether the link was good."""
        query = {"_id": booking.id, "user": booking.user, "status": {"$in": sorted(statuses)}, "companions": {"$elemMatch": {"link": link}}}
        update = {"$set": {"companions.$.traits": dict(traits)}, "$inc": {"companions_version": 1}}
        return self._bookings.update_one(query, update).matched_count == 1

    def companions_of(self, booking_ids: Collection[str]) -> dict[str, tuple[Companion, ...]]:
        """Those whom the guests of these bookings have named, by booking; bookings without any are left out."""
        rows = self._bookings.find({"_id": {"$in": sorted(booking_ids)}, "companions.0": {"$exists": True}}, ("companions",))
        return {row["_id"]: tuple(_companion(entry) for entry in row["companions"]) for row in rows}

    def with_deposit_due(self, before: datetime, limit: int) -> list[Booking]:
        """Bookings whose deposit should have come to its end by then."""
        due = self._bookings.find({"deposit_due_at": {"$lte": before}}, {"outbox": 0})
        return [booking_of(row) for row in due.sort("deposit_due_at", 1).limit(limit)]

    def about_money(self) -> Iterator[tuple[Booking, datetime]]:
        """All bookings that are paid for or should be, each with when it was changed last, in the order they were made."""
        query: Row = {"$or": [{"payment": {"$exists": True}}, {"status": {"$in": sorted(SETTLED)}, "amount": {"$gt": 0}}]}
        for row in self._bookings.find(query, {"outbox": 0}).sort("_id", 1):
            yield booking_of(row), row["updated_at"]

    def counting_on(self, payment_ids: Collection[str]) -> dict[str, list[str]]:
        """Those of the payments that bookings have for their own, whatever became of these, each with those that did not pass it on."""
        found: dict[str, list[str]] = {}
        for row in self._bookings.find({"payment": {"$in": list(payment_ids)}}, ("payment", "status")).sort("_id", 1):
            found.setdefault(row["payment"], []).extend([row["_id"]] if row["status"] != "transferred" else [])
        return found

    def move(
        self,
        booking: Booking,
        since: Collection[str],
        values: dict[str, Any],
        *messages: Message,
        when: dict[str, Any] | None = None,
    ) -> Booking | None:
        """Change a booking that still has one of the statuses ``since`` (and meets ``when``); as it is then, or None where it had not.

        A value of None takes the field away.

        Raises:
            ValueError: no booking can come from one of those statuses to the new one.
        """
        if values.get("status") == "confirmed":
            values = values | _due(booking, self._clock())
        return self.move_by_id(booking.id, booking.user, since, values, *messages, when=when)

    def move_by_id(
        self,
        booking_id: str,
        user_id: str,
        since: Collection[str],
        values: dict[str, Any],
        *messages: Message,
        when: dict[str, Any] | None = None,
    ) -> Booking | None:
        """The same for a booking that was not read."""
        target = values.get("status")
        if target is not None and not set(since) <= sources(target) | {target}:
            raise ValueError(f"no booking becomes {target} from {sorted(set(since) - sources(target))}")
        if target in OVER:
            values = values | {"remind_at": None, "ask_at": None}
        kept = {name: value for name, value in values.items() if value is not None}
        gone = {name: "" for name, value in values.items() if value is None}
        update: dict[str, Any] = {"$set": kept | {"updated_at": self._clock()}}
        if gone:
            update["$unset"] = gone
        if messages:
            update["$push"] = self._outbox.push(*messages)
        query = {"_id": booking_id, "user": user_id, "status": {"$in": sorted(since)}} | (when or {})
        row = self._bookings.find_one_and_update(query, update, projection={"outbox": 0}, return_document=ReturnDocument.AFTER)
        return booking_of(row) if row else None


def _row(booking: Booking, outbox: list[Row]) -> Row:
    """A new booking as :class:`BookingDocument` stores it, without the hundreds of steps that building and validating one takes."""
    values: Row = {
        "_id": booking.id,
        "event": booking.event,
        "user": booking.user,
        "guests": booking.guests,
        "status": booking.status,
        "hold": booking.hold,
        "amount": booking.amount.amount,
        "currency": booking.amount.currency,
        "refund_policy": booking.refund_policy.to_document(),
        "voucher": booking.voucher,
        "payment": booking.payment,
        "transferred_from": booking.transferred_from,
        "deposit": booking.deposit.amount if booking.deposit else None,
        "deposit_due_at": booking.deposit_due_at,
        "free_until": booking.free_until,
        "booked_at": booking.booked_at,
        "discount": booking.discount.amount if booking.discount else None,
        "about": booking.about,
        "expires_at": booking.expires_at,
        **(_due(booking, booking.created_at) if booking.status == "confirmed" else {}),
        "created_at": booking.created_at,
        "updated_at": booking.created_at,
        "companions": [],
        "outbox": outbox,
    }
    return {name: value for name, value in values.items() if value is not None}


def _due(booking: Booking, now: datetime) -> dict[str, Any]:
    """What the clockwork has to do for a booking that is confirmed now."""
    starts_at, timezone = booking.about["starts_at"], booking.about["timezone"]
    return {"remind_at": next_reminder(starts_at, now), "ask_at": asked_at(starts_at, timezone)}


def _companion(row: Row) -> Companion:
    return Companion(row["name"], tuple(row.get("diets", ())), row.get("link"), row.get("traits") or {})


def booking_of(row: Row) -> Booking:
    """The booking of a stored row."""
    currency = row["currency"]
    return Booking(
        id=row["_id"],
        event=row["event"],
        user=row["user"],
        guests=row["guests"],
        status=row["status"],
        hold=row["hold"],
        amount=Money(row["amount"], currency),
        refund_policy=RefundPolicy(**row["refund_policy"]),
        about=row["about"],
        created_at=row["created_at"],
        expires_at=row.get("expires_at"),
        payment=row.get("payment"),
        refund=Money(row["refund"], currency) if row.get("refund") is not None else None,
        cancelled_by=row.get("cancelled_by"),
        checked_in_at=row.get("checked_in_at"),
        refund_if_resold=Money(row["refund_if_resold"], currency) if row.get("refund_if_resold") else None,
        resold=row.get("resold", 0),
        voucher=row.get("voucher"),
        companions=tuple(_companion(entry) for entry in row.get("companions", ())),
        companions_version=row.get("companions_version", 0),
        transfer=row.get("transfer"),
        transferred_to=row.get("transferred_to"),
        transferred_from=row.get("transferred_from"),
        deposit=Money(row["deposit"], currency) if row.get("deposit") else None,
        deposit_due_at=row.get("deposit_due_at"),
        deposit_released_at=row.get("deposit_released_at"),
        discount=Money(row["discount"], currency) if row.get("discount") is not None else None,
        remind_at=row.get("remind_at"),
        ask_at=row.get("ask_at"),
        free_until=row.get("free_until"),
        booked_at=row.get("booked_at"),
    )
