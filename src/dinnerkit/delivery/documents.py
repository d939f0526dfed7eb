"""What delivery keeps: deliveries, dead letters, notes of jobs, and leases."""

from __future__ import annotations

from typing import Any, ClassVar

from mongoengine import BooleanField, DateTimeField, DictField, IntField, ListField, StringField
from pymongo import ASCENDING, IndexModel

from dinnerkit.storage import StoredDocument

DONE_KEPT_SECONDS = 7 * 24 * 3600
"""How long a finished delivery is kept, to recognise its message should the relay meet it again."""

_NOT_DONE = {"due_at": {"$exists": True}}


class DeliveryDocument(StoredDocument):
    """One message for one handler. Its id is made of both, so that relaying twice makes one."""

    meta: ClassVar[dict[str, Any]] = {"collection": "deliveries"}
    collection_name: ClassVar[str] = "deliveries"
    index_models: ClassVar[tuple[IndexModel, ...]] = (
        IndexModel([("queue", ASCENDING), ("due_at", ASCENDING)], name="queue_due", partialFilterExpression=_NOT_DONE),
        IndexModel([("queue", ASCENDING), ("created_at", ASCENDING)], name="queue_age", partialFilterExpression=_NOT_DONE),
        IndexModel([("done_at", ASCENDING)], name="done", expireAfterSeconds=DONE_KEPT_SECONDS),
    )

    id = StringField(primary_key=True)
    handler = StringField(required=True)
    queue = StringField(required=True)
    kind = StringField(required=True)
    urgent = BooleanField()
    data = DictField()
    state = StringField(required=True, choices=("pending", "running", "done", "dead"))
    attempts = IntField(required=True, min_value=0)
    faults = IntField(min_value=0)
    """How many of the attempts failed, other than by an outage or a worker's death."""
    not_before = DateTimeField(required=True)
    """When the next attempt may start; while it runs, when its lease ends."""
    due_at = DateTimeField()
    """When the sweep shall look at it again; absent once it is done or dead."""
    created_at = DateTimeField(required=True)
    done_at = DateTimeField()
    claim = StringField()
    error = StringField()


class DeadLetterDocument(StoredDocument):
    """A delivery that failed for good, under the same id, with what is needed to judge it and to try again."""

    meta: ClassVar[dict[str, Any]] = {"collection": "dead_letters"}
    collection_name: ClassVar[str] = "dead_letters"
    index_models: ClassVar[tuple[IndexModel, ...]] = (IndexModel([("died_at", ASCENDING), ("_id", ASCENDING)], name="died"),)

    id = StringField(primary_key=True)
    handler = StringField(required=True)
    queue = StringField(required=True)
    kind = StringField(required=True)
    data = DictField()
    attempts = IntField(required=True, min_value=1)
    error = StringField(required=True)
    created_at = DateTimeField(required=True)
    died_at = DateTimeField(required=True)


class JobRecordsDocument(StoredDocument):
    """The last jobs of a queue, whose name is the id, and counts of all; :class:`dinnerkit.delivery.records.JobRecords` writes it."""

    meta: ClassVar[dict[str, Any]] = {"collection": "job_records"}
    collection_name: ClassVar[str] = "job_records"

    id = StringField(primary_key=True)
    finished = ListField(DictField())
    failed = ListField(DictField())
    totals = DictField()


class LeaseDocument(StoredDocument):
    """Who may do something that only one process shall do, and until when."""

    meta: ClassVar[dict[str, Any]] = {"collection": "leases"}
    collection_name: ClassVar[str] = "leases"

    id = StringField(primary_key=True)
    holder = StringField(required=True)
    until = DateTimeField(required=True)
