"""How payees' accounts and payouts are stored."""

from __future__ import annotations

from typing import Any, ClassVar

from mongoengine import BooleanField, DateTimeField, IntField, ListField, LongField, StringField
from pymongo import ASCENDING, IndexModel

from dinnerkit.delivery.outbox import OUTBOX_INDEX, SendingDocument
from dinnerkit.storage import StoredDocument


class PayeeDocument(StoredDocument):
    """A payee's account at the gateway, as it was known last; the id is the payee's."""

    meta: ClassVar[dict[str, Any]] = {"collection": "payees"}
    collection_name: ClassVar[str] = "payees"
    index_models: ClassVar[tuple[IndexModel, ...]] = (IndexModel([("account", ASCENDING)], name="by_account", unique=True),)

    id = StringField(primary_key=True)
    account = StringField(required=True)
    country = StringField(required=True, regex=r"^[A-Z]{2}$")
    ready = BooleanField(required=True)
    missing = ListField(StringField())
    updated_at = DateTimeField(required=True)


class PayoutDocument(SendingDocument):
    """A payout. Its id is made of occasion, currency and number, and is the gateway's idempotency key.

    Number 0 is the occasion's own payout, and by its existence beyond ``waiting`` the occasion's money is released; further numbers
    pay what was freed later. ``amount`` is fixed at ``fixed_at``, when it begins to be sent by that ``gateway``; ``try_at`` is when to go
    on with it, absent once it is done.
    """

    meta: ClassVar[dict[str, Any]] = {"collection": "payouts"}
    collection_name: ClassVar[str] = "payouts"
    index_models: ClassVar[tuple[IndexModel, ...]] = (
        IndexModel([("try_at", ASCENDING)], name="due", sparse=True),
        IndexModel([("payee", ASCENDING), ("currency", ASCENDING)], name="by_payee"),
        IndexModel([("account", ASCENDING)], name="by_account", sparse=True),
        IndexModel([("sent_at", ASCENDING)], name="sent", sparse=True),
        OUTBOX_INDEX,
    )

    id = StringField(primary_key=True)
    payee = StringField(required=True)
    occasion = StringField(required=True)
    currency = StringField(required=True, regex=r"^[A-Z]{3}$")
    number = IntField(required=True, min_value=0)
    status = StringField(required=True, choices=("waiting", "sending", "sent", "nothing", "failed"))
    amount = LongField(min_value=1)
    gateway = StringField()
    account = StringField()
    gateway_id = StringField()
    created_at = DateTimeField(required=True)
    fixed_at = DateTimeField()
    sent_at = DateTimeField()
    failed_at = DateTimeField()
    try_at = DateTimeField()
