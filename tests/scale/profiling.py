"""What a database is asked, by MongoDB's profiler: whether that reads more than it needs, or goes to more shards than it must."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pymongo.database import Database

from dinnerkit.analytics.service import WALK
from dinnerkit.documents import SENDERS
from dinnerkit.shards import WHOLE
from dinnerkit.storage import Row
from tests.scale.routing import broadcasts

PROFILED_BYTES = 32 << 20
MOST_DOCUMENTS, MOST_KEYS = 40, 80
"""How much a query may look at beside three times what it returns or changes: far less than there is of anything."""

BROADCASTS = [
    ("events", "read", "listed", "a page of a list: each shard gives its first ones by an index, and the fast lane keeps the answer"),
    ("events", "read", "host", "a host's own dinners"),
    ("events", "read", "holds.until", "sweep"),
    ("events", "update", "listed", "sweep: dinners that have begun, all at once"),
    ("bookings", "read", "event", "who comes to a dinner: for its host, and for seating"),
    ("bookings", "read", "_id", "what a message, a hold or a ticket names: a step in an index of each shard"),
    ("bookings", "read", "about.starts_at", "sweep"),
    ("bookings", "read", "ask_at", "sweep"),
    ("bookings", "read", "remind_at", "sweep"),
    ("bookings", "read", "deposit_due_at", "sweep"),
    ("bookings", "read", "status", "sweep: who waits"),
    ("bookings", "update", "event", "a whole dinner's, when its tables are published"),
    ("seatings", "read", "_id", "what a message names: a step in an index of each shard"),
    ("seatings", "read", "tables.places.user", "whom the guests of a dinner have met: once, when they are seated"),
    ("feedback", "read", "user", "with whom they would sit again: the same"),
    ("payments", "read", "_id", "what a message names: a step in an index of each shard, some for each payment"),
    ("payments", "update", "_id", "the same"),
    ("payments", "read", "charge", "what the gateway names"),
    ("payments", "read", "check_at", "sweep"),
    ("payments", "read", "refund_check_at", "sweep"),
    ("ledger", "read", "payee", "a host's statement"),
    ("payouts", "read", "try_at", "sweep"),
    ("payouts", "read", "account", "what waits for a host's account at the gateway, when that changes"),
    ("deliveries", "read", "queue", "sweep, and the figures of the queues"),
    *((sender.collection_name, "read", "outbox.at", "the relay: one question for all while nothing is to be told") for sender in SENDERS),
]
"""What may go to every shard: of a collection, by a filter with that field, and why. Nothing else may."""


@contextmanager
def profiled(database: Database[Row]) -> Iterator[list[Row]]:
    """Fail for each query in here that looks at more than it needs, or would go to more shards than it must. What was done, at the end."""
    operations: list[Row] = []
    with recorded(database, operations):
        yield operations
    _assert_moderate(operations)


def assert_routed(operations: list[Row]) -> None:
    """Fail for what mongos would refuse, and for what it would send everywhere and is not meant to."""
    found = {broadcast for operation in operations for broadcast in broadcasts(operation)}
    allowed = {(collection, verb, field) for collection, verb, field, _ in BROADCASTS}
    wrong = [one for one in found if one.refused or not any((one.collection, one.verb, field) in allowed for field in one.fields)]
    assert not wrong, "\n".join(map(str, wrong))


@contextmanager
def recorded(database: Database[Row], operations: list[Row]) -> Iterator[None]:
    """Have all that is done in here appended to the list at its end."""
    database.drop_collection("system.profile")
    database.create_collection("system.profile", capped=True, size=PROFILED_BYTES)
    database.command("profile", 2)
    try:
        yield
    finally:
        database.command("profile", 0)
    others = {"ns": {"$ne": f"{database.name}.system.profile"}, "command.comment": {"$ne": WALK}}
    operations += database["system.profile"].find(others)
    assert operations


def _assert_moderate(operations: list[Row]) -> None:
    greedy = [told for operation in operations if (told := _greedy(operation))]
    assert not greedy, "\n".join(greedy)
    assert_routed(operations)


def _greedy(operation: Row) -> str:
    useful = max(operation.get(name, 0) for name in ("nreturned", "nModified", "ndeleted"))
    documents, keys = operation.get("docsExamined", 0), operation.get("keysExamined", 0)
    walked = operation.get("planSummary") == "COLLSCAN" and operation["ns"].partition(".")[2] not in WHOLE
    if not walked and documents <= 3 * useful + MOST_DOCUMENTS and keys <= 3 * useful + MOST_KEYS:
        return ""
    command = {name: value for name, value in operation["command"].items() if name not in {"lsid", "$clusterTime", "$db"}}
    return f"{documents} documents, {keys} keys for {useful}, {operation.get('planSummary')}: {command}"


@contextmanager
def moderate(database: Database[Row]) -> Iterator[None]:
    """The same, but for what run_background asks for itself: a worker finds what is due in other ways, which have a test of their own."""
    operations: list[Row] = []
    with recorded(database, operations):
        yield
    _assert_moderate([operation for operation in operations if "not_before" not in operation["command"].get("filter", {})])
