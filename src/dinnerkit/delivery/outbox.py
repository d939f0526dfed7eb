"""The outbox: messages recorded in the same update as the change that they tell of."""

from __future__ import annotations

from typing import Any, ClassVar

import mongoengine
from pymongo import ASCENDING, IndexModel

from dinnerkit.clock import Clock
from dinnerkit.ids import new_id
from dinnerkit.messages import Message
from dinnerkit.storage import StoredDocument


class OutboxEntry(mongoengine.EmbeddedDocument):  # type: ignore[misc]
    """A message that waits for the relay."""

    id = mongoengine.StringField(required=True)
    kind = mongoengine.StringField(required=True)
    at = mongoengine.DateTimeField(required=True)
    data = mongoengine.DictField()


class SendingDocument(StoredDocument):
    """A document that carries an outbox; its collection must be known to the relay."""

    meta: ClassVar[dict[str, Any]] = {"abstract": True, "auto_create_index": False}
    outbox = mongoengine.EmbeddedDocumentListField(OutboxEntry)


OUTBOX_INDEX = IndexModel([("outbox.at", ASCENDING)], name="outbox", sparse=True)
"""Finds the documents with a message to relay; goes into ``index_models`` of every sending document."""


class Outbox:
    """Writes messages down in the shape that the relay reads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def entries(self, *messages: Message) -> list[dict[str, Any]]:
        """The messages as elements of an ``outbox`` array, for a new document."""
        now = self._clock()
        return [{"id": new_id(), "kind": message.kind, "at": now, "data": message.to_document()} for message in messages]

    def push(self, *messages: Message) -> dict[str, Any]:
        """The operand of ``$push`` that records the messages: ``{"$set": …, "$push": outbox.push(BookingConfirmed(…))}``."""
        return {"outbox": {"$each": self.entries(*messages)}}
