"""How payments and the notifications of gateways are stored."""

from __future__ import annotations

from typing import Any, ClassVar

import mongoengine
from mongoengine import DateTimeField, IntField, LongField, StringField
from pymongo import ASCENDING, IndexModel

from dinnerkit.delivery.outbox import OUTBOX_INDEX, SendingDocument

NOTIFICATIONS_KEPT_SECONDS = 90 * 24 * 3600
"""How long a notification is kept, to recognise its repetition; Stripe repeats for 3 days."""


class RefundFailure(mongoengine.EmbeddedDocument):  # type: ignore[misc]
    """An attempt to give money back that the gateway could not carry out, perhaps after it had said that it had."""

    attempt = IntField(required=True, min_value=1)
    gateway_id = StringField()
    succeeded_at = DateTimeField()
    failed_at = DateTimeField(required=True)


class RefundEntry(mongoengine.EmbeddedDocument):  # type: ignore[misc]
    """Money given back. ``key`` names the cause, so that one cause gives back once; ``id`` is the gateway's idempotency key.

    ``deposit`` is how much of it is of the deposit. A refund that failed may be attempted again, then with a key of its own at the gateway;
    it is ``dropped`` where the guest's bank gave the money back instead.
    """

    id = StringField(required=True)
    key = StringField(required=True)
    amount = LongField(required=True, min_value=1)
    deposit = LongField(min_value=0)
    reason = StringField(required=True)
    status = StringField(required=True, choices=("pending", "succeeded", "failed", "dropped"))
    attempt = IntField(min_value=1)
    gateway_id = StringField()
    at = DateTimeField(required=True)
    succeeded_at = DateTimeField()
    dropped_at = DateTimeField()
    failed = mongoengine.EmbeddedDocumentListField(RefundFailure)


class DisputeFeeChange(mongoengine.EmbeddedDocument):  # type: ignore[misc]
    """By how much more the gateway keeps for a dispute since then; below zero where it gave something back."""

    amount = LongField(required=True)
    at = DateTimeField(required=True)


class LostShares(mongoengine.EmbeddedDocument):  # type: ignore[misc]
    """Whose the money was that is lost, as :class:`dinnerkit.payment.ledger.rules.Shares` says."""

    price = LongField(required=True, min_value=0)
    fee = LongField(required=True, min_value=0)
    deposit = LongField(required=True, min_value=0)
    kept = LongField(required=True, min_value=0)


class DisputeEntry(mongoengine.EmbeddedDocument):  # type: ignore[misc]
    """Money that the guest's bank took; ``id`` is the gateway's."""

    id = StringField(required=True)
    amount = LongField(required=True, min_value=1)
    reason = StringField(required=True)
    status = StringField(required=True, choices=("open", "won", "lost"))
    lost = mongoengine.EmbeddedDocumentField(LostShares)
    opened_at = DateTimeField(required=True)
    closed_at = DateTimeField()
    fees = mongoengine.EmbeddedDocumentListField(DisputeFeeChange)


class KeptDeposit(mongoengine.EmbeddedDocument):  # type: ignore[misc]
    """How much of a deposit the payee was given for good, and when."""

    amount = LongField(required=True, min_value=0)
    at = DateTimeField(required=True)


class PaymentDocument(SendingDocument):
    """One attempt to pay for a reference; the id is the gateway's idempotency key.

    ``live`` holds the reference while the payment may still succeed or has done so: a reference has one live payment at most.
    ``refundable`` is the amount less all refunds asked for, so that no more than was paid can go back.
    ``check_at`` is when the sweep asks the gateway how it stands, for every payment that is not final; ``refund_check_at`` the same for
    refunds that the gateway has not settled yet.
    ``payee`` is whom the money is for and ``occasion`` what it comes in for, both opaque. Of ``amount``, ``deposit`` goes back or is kept
    later, and ``deposit_left`` is not spoken for; of the rest, ``platform_fee`` is the platform's. What follows from these for the ledger
    must not change afterwards: :mod:`dinnerkit.payment.ledger.rules` reads them again and again.
    """

    meta: ClassVar[dict[str, Any]] = {"collection": "payments"}
    collection_name: ClassVar[str] = "payments"
    index_models: ClassVar[tuple[IndexModel, ...]] = (
        IndexModel(  # begins with what payments are spread over shards by
            [("reference", ASCENDING), ("live", ASCENDING)],
            name="one_live",
            unique=True,
            partialFilterExpression={"live": {"$exists": True}},
        ),
        IndexModel([("reference", ASCENDING), ("_id", ASCENDING)], name="by_reference"),
        IndexModel([("charge", ASCENDING)], name="by_charge", sparse=True),
        IndexModel([("check_at", ASCENDING)], name="check", sparse=True),
        IndexModel([("refund_check_at", ASCENDING)], name="refund_check", sparse=True),
        IndexModel([("refunds.status", ASCENDING)], name="refund_status", sparse=True),
        IndexModel([("created_at", ASCENDING)], name="made"),
        IndexModel([("payee", ASCENDING), ("occasion", ASCENDING)], name="by_payee", sparse=True),
        IndexModel([("refunds.at", ASCENDING)], name="refunds_made", sparse=True),
        IndexModel([("disputes.status", ASCENDING), ("payee", ASCENDING)], name="disputed", sparse=True),
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
    disputes = mongoengine.EmbeddedDocumentListField(DisputeEntry)
    payee = StringField()
    occasion = StringField()
    deposit = LongField(min_value=0)
    deposit_left = LongField(min_value=0)
    deposit_kept = mongoengine.EmbeddedDocumentField(KeptDeposit)
    platform_fee = LongField(min_value=0)
    gateway_fee = LongField(min_value=0)
    created_at = DateTimeField(required=True)
    updated_at = DateTimeField(required=True)
    succeeded_at = DateTimeField()
    check_at = DateTimeField()
    refund_check_at = DateTimeField()


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
