"""How the ledger is stored."""

from __future__ import annotations

from typing import Any, ClassVar

import mongoengine
from mongoengine import DateTimeField, LongField, StringField
from pymongo import ASCENDING, IndexModel

from dinnerkit.payment.ledger.rules import Account
from dinnerkit.storage import StoredDocument


class PostingPart(mongoengine.EmbeddedDocument):  # type: ignore[misc]
    """What an entry does to one account: a debit above zero, a credit below."""

    account = StringField(required=True, choices=[str(account) for account in Account])
    amount = LongField(required=True)


class EntryDocument(StoredDocument):
    """An entry. Its id is its cause; it is inserted once and then never touched."""

    meta: ClassVar[dict[str, Any]] = {"collection": "ledger"}
    collection_name: ClassVar[str] = "ledger"
    index_models: ClassVar[tuple[IndexModel, ...]] = (
        IndexModel([("payment", ASCENDING)], name="by_payment", sparse=True),
        IndexModel([("payout", ASCENDING)], name="by_payout", sparse=True),
        IndexModel([("payee", ASCENDING), ("at", ASCENDING), ("_id", ASCENDING)], name="by_payee", sparse=True),
    )

    id = StringField(primary_key=True)
    at = DateTimeField(required=True)
    currency = StringField(required=True, regex=r"^[A-Z]{3}$")
    postings = mongoengine.EmbeddedDocumentListField(PostingPart, required=True)
    payment = StringField()
    payout = StringField()
    reference = StringField()
    payee = StringField()
    occasion = StringField()
    posted_at = DateTimeField(required=True)
