"""How vouchers are stored, with every use of them."""

from __future__ import annotations

from typing import Any, ClassVar

import mongoengine
from mongoengine import DateTimeField, IntField, LongField, StringField
from pymongo import ASCENDING, DESCENDING, IndexModel

from dinnerkit.storage import StoredDocument
from dinnerkit.vouchers.rules import MOST_USES, Kind


class Sum(mongoengine.EmbeddedDocument):  # type: ignore[misc]
    """Money, in minor units of an ISO 4217 currency."""

    amount = LongField(required=True, min_value=0)
    currency = StringField(required=True, regex=r"^[A-Z]{3}$")


class Use(mongoengine.EmbeddedDocument):  # type: ignore[misc]
    """A booking that has the voucher, by its hold: until a moment, or for good where ``until`` is null. Written by ``uses`` alone."""

    hold = StringField(required=True)
    booking = StringField(required=True)
    user = StringField(required=True)
    until = DateTimeField(null=True)


class VoucherDocument(StoredDocument):
    """A voucher. ``owner`` is the host whose events it is good for, empty where it is good for all; ``code_key`` is how codes compare."""

    meta: ClassVar[dict[str, Any]] = {"collection": "vouchers"}
    collection_name: ClassVar[str] = "vouchers"
    index_models: ClassVar[tuple[IndexModel, ...]] = (
        IndexModel([("code_key", ASCENDING), ("owner", ASCENDING)], name="code", unique=True),
        IndexModel([("owner", ASCENDING), ("_id", DESCENDING)], name="by_owner"),
        IndexModel([("uses.until", ASCENDING)], name="uses_by_end", sparse=True),
    )

    id = StringField(primary_key=True)
    code = StringField(required=True)
    code_key = StringField(required=True)
    owner = StringField(default="")
    kind = StringField(required=True, choices=tuple(Kind))
    percent = IntField(min_value=1, max_value=100)
    amount = mongoengine.EmbeddedDocumentField(Sum)
    event = StringField()
    max_uses = IntField(required=True, min_value=1, max_value=MOST_USES)
    per_guest = IntField(required=True, min_value=1, max_value=MOST_USES)
    minimum = mongoengine.EmbeddedDocumentField(Sum)
    valid_from = DateTimeField()
    valid_until = DateTimeField()
    stopped_at = DateTimeField()
    created_at = DateTimeField(required=True)
    uses = mongoengine.EmbeddedDocumentListField(Use)
