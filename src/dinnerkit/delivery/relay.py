"""The relay: from the outboxes to one delivery for each handler."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

import structlog
from pymongo import UpdateOne
from pymongo.database import Database

from dinnerkit.clock import Clock
from dinnerkit.delivery.dispatch import Dispatcher
from dinnerkit.delivery.documents import DeliveryDocument
from dinnerkit.delivery.outbox import SendingDocument
from dinnerkit.messages import Handler
from dinnerkit.shards import SHARD_KEYS, located
from dinnerkit.storage import Row, collection, insert_missing

log = structlog.get_logger(__name__)

HINT_GRACE = timedelta(seconds=20)
"""How long a hint is trusted to reach a worker before the sweep gives another."""

_BATCH = 200

_SPEAKS = {"outbox.at": {"$exists": True}}
"""Documents with something in their outbox; the index "outbox" has these alone."""


class Relay:
    """Takes messages out of the outboxes of the sending collections.

    First the deliveries are made, under ids that a repetition meets again; then the message is taken out. A crash between the two costs
    a repetition that changes nothing. Whoever overhears what is relayed hears it at least once where all goes well, and perhaps never
    where a process dies: that is for hints.
    """

    def __init__(
        self,
        database: Database[Row],
        senders: Sequence[type[SendingDocument]],
        handlers: Mapping[str, Sequence[Handler[Any]]],
        dispatcher: Dispatcher,
        clock: Clock,
        overhear: Callable[[Sequence[Row]], None] = lambda _: None,
    ) -> None:
        self._database = database
        self._overhear = overhear
        self._senders = senders
        self._handlers = handlers
        self._dispatcher = dispatcher
        self._clock = clock

    def run(self) -> int:
        """Relay what lies in the outboxes now; how many messages that was. Safe to run in several processes at once."""
        if not self._speaks():
            return 0
        return sum(self._relay_collection(sender) for sender in self._senders)

    def _speaks(self) -> bool:
        """Whether any collection has something to relay: one question for the many turns in which none has."""
        return next(self._first_of_each({"_id": 1}, []), None) is not None

    def age(self) -> float:
        """The age in seconds of the message that lies in an outbox for the longest time; 0 where none does."""
        found = self._first_of_each({"outbox.at": 1}, [{"$sort": {"outbox.at": 1}}])
        oldest = min((entry["at"] for row in found for entry in row["outbox"]), default=None)
        return 0.0 if oldest is None else max(0.0, (self._clock() - oldest).total_seconds())

    def _first_of_each(self, wanted: Row, order: list[Row]) -> Iterator[Row]:
        """One document of each collection that has something to relay, in one question."""
        first, *others = (sender.collection_name for sender in self._senders)
        one: list[Row] = [{"$match": _SPEAKS}, *order, {"$limit": 1}, {"$project": wanted}]
        return self._database[first].aggregate([*one, *({"$unionWith": {"coll": other, "pipeline": one}} for other in others)])

    def _relay_collection(self, sender: type[SendingDocument]) -> int:
        rows = collection(self._database, sender)
        wanted = {"outbox": 1} | dict.fromkeys(SHARD_KEYS.get(sender.collection_name, ()), 1)
        found = list(rows.find(_SPEAKS, wanted, limit=_BATCH).hint("outbox"))
        if not found:
            return 0
        self._deliver(entry for row in found for entry in row["outbox"])
        taken = [(located(sender.collection_name, row), [entry["id"] for entry in row["outbox"]]) for row in found]
        rows.bulk_write([UpdateOne(where, {"$pull": {"outbox": {"id": {"$in": ids}}}}) for where, ids in taken], ordered=False)
        self._overhear([entry for row in found for entry in row["outbox"]])
        return sum(len(ids) for _, ids in taken)

    def _deliver(self, entries: Iterable[Row]) -> None:
        pairs = [(entry, handler) for entry in entries for handler in self._listeners(entry)]
        if not pairs:
            return
        now = self._clock()
        add_deliveries(self._database, self._dispatcher, [new_delivery(entry, handler, now) for entry, handler in pairs])

    def _listeners(self, entry: Row) -> Sequence[Handler[Any]]:
        return self._handlers.get(entry["kind"], ())


def add_deliveries(database: Database[Row], dispatcher: Dispatcher, deliveries: Sequence[Row]) -> None:
    """Keep those deliveries that are not there yet, and give the hints."""
    insert_missing(collection(database, DeliveryDocument), deliveries)
    for row in deliveries:
        dispatcher.hint(row["queue"], row["_id"], urgent=row.get("urgent", False))


def new_delivery(entry: Row, handler: Handler[Any], now: Any) -> Row:
    """The delivery of what an outbox has, or would have, to one handler."""
    marked = {"urgent": True} if handler.urgent else {}
    return marked | {
        "_id": f"{entry['id']}:{handler.name}",
        "handler": handler.name,
        "queue": handler.queue,
        "kind": entry["kind"],
        "data": entry["data"],
        "state": "pending",
        "attempts": 0,
        "created_at": entry["at"],
        "not_before": now,
        "due_at": now + HINT_GRACE,
    }
