"""How payments and the notifications of gateways are stored."""

from __future__ import annotations

from typing import Any, ClassVar

import mongoengine
from mongoengine import DateTimeField, LongField, StringField
from pymongo import ASCENDING, IndexModel

from dinnerkit.delivery.outbox import OUTBOX_INDEX, SendingDocument

NOTIFICATIONS_KEPT_SECONDS = 90 * 24 * 3600
"""How long a notification is kept, to recognise its repetition; Stripe repeats for 3 days."""


class RefundEntry(mongoengine.EmbeddedDocument):  # type: ignore[misc]
    """Money given back. ``key`` names the cause, so that one cause gives back once; ``id`` is the gateway's idempotency key."""

    id = StringField(required=True)
    key = StringField(required=True)
    amount = LongField(required=True, min_value=1)
    reason = StringField(required=True)
    status = StringField(required=True, choices=("pending", "succeeded", "failed"))
    gateway_id = StringField()
    at = DateTimeField(required=True)


class PaymentDocument(SendingDocument):
    """One attempt to pay for a reference; the id is the gateway's idempotency key.

    ``live`` holds the reference while the payment may still succeed or has done so: a reference has one live payment at most.
    ``refundable`` is the amount less all refunds asked for, so that no more than was paid can go back.
    ``check_at`` is when the sweep asks the gateway how it stands, for every payment that is not final.
    """

    meta: ClassVar[dict[str, Any]] = {"collection": "payments"}
    collection_name: ClassVar[str] = "payments"
    index_models: ClassVar[tuple[IndexModel, ...]] = (
        IndexModel([("live", ASCENDING)], name="live", unique=True, sparse=True),
        IndexModel([("reference", ASCENDING), ("_id", ASCENDING)], name="by_reference"),
        IndexModel([("charge", ASCENDING)], name="by_charge", sparse=True),
        IndexModel([("check_at", ASCENDING)], name="check", sparse=True),
        OUTBOX_INDEX,
    )

    id = StringField(primary_key=True)
    reference = StringField(required=True)
    user = StringField(required=True)
    amount = LongField(required=True, min_value=1)
    currency = StringField(required=True, regex=r"^[A-Z]{3}$")
    gateway = StringField(required=True)
    method = StringField(required=True, max_length=100)
    status = StringField(required=True, choices=("created", "processing", "action_required", "succeeded", "declined", "cancelled"))
    live = StringField()
    charge = StringField()
    client_secret = StringField()
    decline_code = StringField()
    refundable = LongField(required=True, min_value=0)
    refunds = mongoengine.EmbeddedDocumentListField(RefundEntry)
    created_at = DateTimeField(required=True)
    updated_at = DateTimeField(required=True)
    check_at = DateTimeField()


class NotificationDocument(SendingDocument):
    """A webhook that was verified and stored, once for each (gateway, its event id); it says only where to look."""

    meta: ClassVar[dict[str, Any]] = {"collection": "gateway_notifications"}
    collection_name: ClassVar[str] = "gateway_notifications"
    index_models: ClassVar[tuple[IndexModel, ...]] = (
        IndexModel([("received_at", ASCENDING)], name="received", expireAfterSeconds=NOTIFICATIONS_KEPT_SECONDS),
        OUTBOX_INDEX,
    )

    id = StringField(primary_key=True)
    kind = StringField(required=True)
    charge = StringField()
    received_at = DateTimeField(required=True)
