"""How bookings are stored."""

from __future__ import annotations

from typing import Any, ClassVar

import mongoengine
from mongoengine import DateTimeField, IntField, LongField, StringField
from pymongo import ASCENDING, DESCENDING, IndexModel

from dinnerkit.booking.rules import STATUSES
from dinnerkit.delivery.outbox import OUTBOX_INDEX, SendingDocument


class EventSnapshot(mongoengine.EmbeddedDocument):  # type: ignore[misc]
    """What the guest booked, as it was then: shown in lists without asking for the event."""

    title = StringField(required=True)
    starts_at = DateTimeField(required=True)
    timezone = StringField(required=True)
    city = StringField(required=True)
    venue = mongoengine.DictField()


class OpenTransfer(mongoengine.EmbeddedDocument):  # type: ignore[misc]
    """That the seats are offered to whoever has an address; the id is that of the booking which they would get."""

    id = StringField(required=True)
    email = StringField(required=True)
    email_key = StringField(required=True)
    at = DateTimeField(required=True)


class CompanionEntry(mongoengine.EmbeddedDocument):  # type: ignore[misc]
    """Somebody whom the guest brings; ``link`` is the id of the private link that is good, ``traits`` what it was answered with."""

    name = StringField(required=True)
    diets = mongoengine.ListField(StringField())
    link = StringField()
    traits = mongoengine.DictField()


class BookingDocument(SendingDocument):
    """A booking. Its ``status`` decides what its hold in the event's account shall become, never the other way round.

    ``hold`` is the hold that counts; ``expires_at`` is set while the booking may expire. ``refund`` is what a cancellation gives back by
    now, and ``refund_if_resold`` what it gives back once all its seats are sold again, of which ``resold`` are.
    ``transferred_to`` and ``transferred_from`` are bookings.
    ``deposit`` is a part of ``amount``; ``deposit_due_at`` is set until it is known what becomes of it.
    """

    meta: ClassVar[dict[str, Any]] = {"collection": "bookings"}
    collection_name: ClassVar[str] = "bookings"
    index_models: ClassVar[tuple[IndexModel, ...]] = (
        IndexModel([("user", ASCENDING), ("_id", DESCENDING)], name="by_user"),
        IndexModel([("event", ASCENDING), ("status", ASCENDING), ("_id", ASCENDING)], name="by_event"),
        IndexModel([("payment", ASCENDING)], name="by_payment", sparse=True),
        IndexModel([("status", ASCENDING), ("about.starts_at", ASCENDING)], name="by_status_and_start"),
        IndexModel([("deposit_due_at", ASCENDING)], name="deposit_due", sparse=True),
        IndexModel([("ask_at", ASCENDING)], name="asking", sparse=True),
        IndexModel([("remind_at", ASCENDING)], name="reminders", sparse=True),
        OUTBOX_INDEX,
    )

    id = StringField(primary_key=True)
    event = StringField(required=True)
    user = StringField(required=True)
    guests = IntField(required=True, min_value=1)
    status = StringField(required=True, choices=sorted(STATUSES))
    hold = StringField(required=True)
    amount = LongField(required=True, min_value=0)
    currency = StringField(required=True, regex=r"^[A-Z]{3}$")
    discount = LongField(min_value=0)
    voucher = StringField()
    companions = mongoengine.EmbeddedDocumentListField(CompanionEntry)
    companions_version = IntField(min_value=0)
    transfer = mongoengine.EmbeddedDocumentField(OpenTransfer)
    transferred_to = StringField()
    transferred_from = StringField()
    deposit = LongField(min_value=0)
    deposit_due_at = DateTimeField()
    deposit_released_at = DateTimeField()
    refund_policy = mongoengine.DictField()
    about = mongoengine.EmbeddedDocumentField(EventSnapshot, required=True)
    expires_at = DateTimeField()
    payment = StringField()
    refund = LongField(min_value=0)
    refund_if_resold = LongField(min_value=0)
    resold = IntField(min_value=0)
    checked_in_at = DateTimeField()
    remind_at = DateTimeField()
    """When the next reminder is due; gone where there is none."""
    ask_at = DateTimeField()
    """When its guests are asked how it was; gone once they were."""
    free_until = DateTimeField()
    """Until when all money comes back, since the host moved the dinner."""
    booked_at = DateTimeField()
    """When somebody booked the seats that were given to this guest."""
    cancelled_by = StringField(choices=("guest", "host", "payment"))
    cancelled_at = DateTimeField()
    created_at = DateTimeField(required=True)
    updated_at = DateTimeField(required=True)
