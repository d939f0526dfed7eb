"""What is kept of each reconciliation."""

from __future__ import annotations

from typing import Any, ClassVar

import mongoengine
from mongoengine import BooleanField, DateTimeField, IntField, StringField
from pymongo import DESCENDING, IndexModel

from dinnerkit.storage import StoredDocument

KEPT_SECONDS = 400 * 24 * 3600
MOST_KEPT = 100
"""How many of its mismatches are kept; all of them are counted."""


class MismatchEntry(mongoengine.EmbeddedDocument):  # type: ignore[misc]
    """Something that did not agree."""

    code = StringField(required=True)
    subject = StringField(required=True)
    text = StringField(required=True)
    repaired = BooleanField(required=True)


class ReconciliationDocument(StoredDocument):
    """A reconciliation that repaired what it could; ``until`` is how far the next one may rely on it."""

    meta: ClassVar[dict[str, Any]] = {"collection": "reconciliations"}
    collection_name: ClassVar[str] = "reconciliations"
    index_models: ClassVar[tuple[IndexModel, ...]] = (IndexModel([("at", DESCENDING)], name="newest", expireAfterSeconds=KEPT_SECONDS),)

    id = StringField(primary_key=True)
    at = DateTimeField(required=True)
    since = DateTimeField(required=True)
    until = DateTimeField(required=True)
    compared = IntField(required=True, min_value=0)
    repaired = IntField(required=True, min_value=0)
    left = IntField(required=True, min_value=0)
    mismatches = mongoengine.EmbeddedDocumentListField(MismatchEntry)
