"""How seatings are stored."""

from __future__ import annotations

from typing import Any, ClassVar

import mongoengine
from mongoengine import BooleanField, DateTimeField, DictField, FloatField, IntField, ListField, LongField, StringField
from pymongo import ASCENDING, DESCENDING, IndexModel

from dinnerkit.delivery.outbox import OUTBOX_INDEX, SendingDocument


class StoredPlace(mongoengine.EmbeddedDocument):  # type: ignore[misc]
    """One person at a table; ``companion`` counts the guests whom the booking's user brought, from 1, and is 0 for the user."""

    booking = StringField(required=True)
    user = StringField(required=True)
    companion = IntField(required=True, min_value=0)


class StoredReason(mongoengine.EmbeddedDocument):  # type: ignore[misc]
    """What one rule gave to a table."""

    rule = StringField(required=True)
    text = StringField(required=True)
    points = FloatField(required=True)


class StoredTable(mongoengine.EmbeddedDocument):  # type: ignore[misc]
    """One table of a seating."""

    places = mongoengine.EmbeddedDocumentListField(StoredPlace)
    score = FloatField(required=True)
    reasons = mongoengine.EmbeddedDocumentListField(StoredReason)


class SeatingDocument(SendingDocument):
    """A seating of an event's guests: asked for, computed, perhaps published. Several may exist; the one published last is in force."""

    meta: ClassVar[dict[str, Any]] = {"collection": "seatings"}
    collection_name: ClassVar[str] = "seatings"
    index_models: ClassVar[tuple[IndexModel, ...]] = (
        IndexModel([("event", ASCENDING), ("published_at", DESCENDING)], name="by_event"),
        IndexModel([("tables.places.user", ASCENDING)], name="who_met", partialFilterExpression={"status": "published"}),
        OUTBOX_INDEX,
    )

    id = StringField(primary_key=True)
    event = StringField(required=True)
    status = StringField(required=True, choices=("queued", "done", "impossible", "published"))
    progress = FloatField(required=True, min_value=0, max_value=1)
    best = FloatField()
    """The best score so far, while the tables are made."""
    halfway = DictField()
    """Where the search is, see :mod:`dinnerkit.matching.halfway`; only while the tables are made."""
    seed = LongField(required=True)
    best_effort = BooleanField(required=True)
    least = FloatField(min_value=0, max_value=100)
    """The score that the host wants no table to be below."""
    locked = ListField(ListField(StringField()))
    """The guests of each table that the host wants to stay as it is."""
    locked_guests = ListField(ListField(StringField()))
    """Guests who keep their company: those of one list at one table, those of different lists at different ones."""
    keeps = StringField()
    """The earlier seating to which these belong."""
    mends = DictField()
    """The earlier ``seating`` that is mended, and how many ``moves`` that may cost."""
    tables = mongoengine.EmbeddedDocumentListField(StoredTable)
    unseated = ListField(DictField())
    below = ListField(DictField())
    broken = ListField(DictField())
    score = FloatField()
    floor = FloatField()
    chance = FloatField()
    problem = DictField()
    created_at = DateTimeField(required=True)
    finished_at = DateTimeField()
    published_at = DateTimeField()
