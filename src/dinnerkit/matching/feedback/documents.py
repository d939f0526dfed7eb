"""How feedback is stored."""

from __future__ import annotations

from typing import Any, ClassVar

import mongoengine
from mongoengine import DateTimeField, IntField, StringField
from pymongo import ASCENDING, IndexModel

from dinnerkit.matching.feedback.rules import BEST, WISHES, WORST
from dinnerkit.storage import StoredDocument


class WishEntry(mongoengine.EmbeddedDocument):  # type: ignore[misc]
    """What a guest wishes about somebody of the same table. Nobody but seating ever reads it."""

    user = StringField(required=True)
    wish = StringField(required=True, choices=sorted(WISHES))


class FeedbackDocument(StoredDocument):
    """What one guest said of one dinner; ``_id`` is the booking's."""

    meta: ClassVar[dict[str, Any]] = {"collection": "feedback"}
    collection_name: ClassVar[str] = "feedback"
    index_models: ClassVar[tuple[IndexModel, ...]] = (
        IndexModel([("user", ASCENDING), ("at", ASCENDING)], name="by_user"),
        IndexModel([("event", ASCENDING)], name="by_event"),
    )

    id = StringField(primary_key=True)
    event = StringField(required=True)
    user = StringField(required=True)
    rating = IntField(min_value=WORST, max_value=BEST)
    wishes = mongoengine.EmbeddedDocumentListField(WishEntry)
    at = DateTimeField(required=True)
