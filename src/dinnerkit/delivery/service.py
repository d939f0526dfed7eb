"""Deliveries: claimed, run, tried again, given up, and looked after."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import structlog
from pymongo import ReturnDocument, UpdateOne, WriteConcern
from pymongo.database import Database
from pymongo.errors import ConnectionFailure, DuplicateKeyError

from dinnerkit.clock import Clock
from dinnerkit.delivery.dispatch import Dispatcher
from dinnerkit.delivery.documents import DeadLetterDocument, DeliveryDocument
from dinnerkit.delivery.errors import NoSuchDeadLetter
from dinnerkit.delivery.relay import HINT_GRACE
from dinnerkit.errors import Unavailable
from dinnerkit.ids import new_id
from dinnerkit.messages import Handler
from dinnerkit.ports.queue import Queue
from dinnerkit.retry import Backoff
from dinnerkit.storage import Row, collection

log = structlog.get_logger(__name__)

_PATIENT = Backoff(attempts=150)
"""While a backend can't be reached: some 24 hours. An outage is nobody's to mend here, and ends; so it does not count among the faults."""

_OUTAGES = (Unavailable, ConnectionFailure)

_LEASE = timedelta(seconds=60)
"""How long a delivery is its worker's without a sign of life: so late, at most, another goes on with what a killed worker had."""

_LONGEST_RUN = timedelta(hours=1)
"""From then on a worker is taken to hang rather than to be slow, and its leases run out."""

_ERROR_LENGTH = 500
_SWEEP_BATCH = 500
_FIELDS = ("handler", "queue", "kind", "data", "created_at")


class DeliveryService:
    """Runs deliveries at least once each, and keeps those that fail for good where a person can see them."""

    def __init__(
        self,
        database: Database[Row],
        queue: Queue,
        handlers: Iterable[Handler[Any]],
        clock: Clock,
        backoff: Backoff | None = None,
    ) -> None:
        self._deliveries = collection(database, DeliveryDocument)
        # A claim, or the note that it is done, may be lost with the server that had it: the delivery is then made once more.
        self._claims = self._deliveries.with_options(write_concern=WriteConcern(w=1, j=False))
        self._dead_letters = collection(database, DeadLetterDocument)
        self._handlers = {handler.name: handler for handler in handlers}
        self._clock = clock
        self._backoff = backoff or Backoff()
        self.dispatcher = Dispatcher(queue, self.run)
        self._running: dict[str, Row] = {}

    def run(self, delivery_id: str) -> bool:
        """Claim the delivery and run its handler; False where there was nothing to do (done, claimed by another, or not yet due)."""
        row = self._claim(delivery_id)
        if row is None:
            return False
        self._running[row["claim"]] = row
        try:
            self._react(row)
        except Exception as error:  # noqa: BLE001 - whatever a handler raises means: try again, or give up
            self._failed(row, error)
        else:
            self._done(row)
        finally:
            self._running.pop(row["claim"], None)
        return True

    def renew(self) -> None:
        """Prolong the leases of the deliveries that run in this process; to be called every few seconds while any may."""
        now = self._clock()
        alive = {"$set": {"not_before": now + _LEASE, "due_at": now + _LEASE}}
        updates = [
            UpdateOne({"_id": row["_id"], "claim": claim, "state": "running"}, alive)
            for claim, row in list(self._running.items())
            if now - row["not_before"] < _LONGEST_RUN
        ]
        if updates:
            self._claims.bulk_write(updates, ordered=False)

    def sweep(self) -> int:
        """Give new hints for what is overdue: hints that were lost, attempts whose worker died, waits that are over. How many."""
        now = self._clock()
        overdue = self._deliveries.find({"due_at": {"$lte": now}}, {"queue": 1}).sort("due_at", 1).limit(_SWEEP_BATCH)
        hinted = 0
        for row in overdue:
            if not self.dispatcher.hint(row["queue"], row["_id"]):
                return hinted  # the queue is gone: what is overdue stays so, and the next sweep after it is back finds it
            self._deliveries.update_one({"_id": row["_id"], "due_at": {"$lte": now}}, {"$set": {"due_at": now + HINT_GRACE}})
            hinted += 1
        return hinted

    def backlog(self) -> tuple[int, float]:
        """How many deliveries wait or run, and the age in seconds of the one that is longest overdue."""
        oldest = self._deliveries.find_one({"due_at": {"$exists": True}}, {"created_at": 1}, sort=[("due_at", 1)])
        if oldest is None:
            return 0, 0.0
        waiting = self._deliveries.count_documents({"due_at": {"$exists": True}}, hint="due")
        return waiting, max(0.0, (self._clock() - oldest["created_at"]).total_seconds())

    def dead_letters(self, *, limit: int, after: tuple[datetime, str] | None = None) -> list[Row]:
        """The dead letters, oldest first, from behind the one that died at ``after``."""
        query: dict[str, Any] = {}
        if after is not None:
            died_at, letter_id = after
            query = {"$or": [{"died_at": {"$gt": died_at}}, {"died_at": died_at, "_id": {"$gt": letter_id}}]}
        return list(self._dead_letters.find(query).sort([("died_at", 1), ("_id", 1)]).limit(limit))

    def dead_letter_count(self) -> int:
        """How many dead letters there are."""
        return self._dead_letters.estimated_document_count()

    def dead_letter(self, letter_id: str) -> Row:
        """A dead letter with all that is known of it.

        Raises:
            NoSuchDeadLetter: there is none of that id.
        """
        letter = self._dead_letters.find_one({"_id": letter_id})
        if letter is None:
            raise NoSuchDeadLetter("there is no such dead letter")
        return letter

    def retry(self, letter_id: str) -> None:
        """Deliver a dead letter's message again, with all its attempts before it.

        Raises:
            NoSuchDeadLetter: there is none of that id.
        """
        letter = self.dead_letter(letter_id)
        now = self._clock()
        revived = {name: letter[name] for name in _FIELDS}
        revived |= {"state": "pending", "attempts": 0, "not_before": now, "due_at": now + HINT_GRACE}
        # Upserted, since a dead letter outlives its delivery; a duplicate key means that somebody has just revived it.
        with suppress(DuplicateKeyError):
            self._deliveries.update_one(
                {"_id": letter_id, "state": "dead"}, {"$set": revived, "$unset": {"done_at": 1, "faults": 1}}, upsert=True
            )
        self._dead_letters.delete_one({"_id": letter_id})
        self.dispatcher.hint(letter["queue"], letter_id)

    def discard(self, letter_id: str) -> None:
        """Forget a dead letter.

        Raises:
            NoSuchDeadLetter: there is none of that id.
        """
        if not self._dead_letters.delete_one({"_id": letter_id}).deleted_count:
            raise NoSuchDeadLetter("there is no such dead letter")

    def _claim(self, delivery_id: str) -> Row | None:
        now = self._clock()
        return self._claims.find_one_and_update(
            {"_id": delivery_id, "state": {"$in": ["pending", "running"]}, "not_before": {"$lte": now}},
            {
                "$set": {"state": "running", "claim": new_id(), "not_before": now + _LEASE, "due_at": now + _LEASE},
                "$inc": {"attempts": 1},
            },
            return_document=ReturnDocument.AFTER,
        )

    def _react(self, row: Row) -> None:
        handler = self._handlers.get(row["handler"])
        if handler is None:
            raise LookupError(f"no handler is named {row['handler']}")
        handler.run(handler.message.from_document(row["data"]))

    def _done(self, row: Row) -> None:
        done = {"$set": {"state": "done", "done_at": self._clock()}, "$unset": {"due_at": 1, "claim": 1, "error": 1}}
        self._claims.update_one({"_id": row["_id"], "claim": row["claim"]}, done)
        if row["attempts"] > self._backoff.attempts:
            # It was being given up when its worker died, and has come through after all.
            self._dead_letters.delete_one({"_id": row["_id"]})

    def _failed(self, row: Row, error: Exception) -> None:
        text = f"{type(error).__name__}: {error}"[:_ERROR_LENGTH]
        log.warning("delivery_failed", delivery=row["_id"], attempts=row["attempts"], error=type(error).__name__)
        mine: Mapping[str, Any] = {"_id": row["_id"], "claim": row["claim"]}
        outage = isinstance(error, _OUTAGES)
        faults = row.get("faults", 0) + (not outage)
        backoff, failures = (_PATIENT, row["attempts"]) if outage else (self._backoff, faults)
        if backoff.exhausted(failures):
            # The letter first: should this worker die in between, the delivery is tried once more, and not forgotten.
            if self._deliveries.count_documents(mine, limit=1):
                self._bury(row, text)
            dead = {"$set": {"state": "dead", "done_at": self._clock(), "error": text}, "$unset": {"due_at": 1, "claim": 1}}
            self._deliveries.update_one(mine, dead)
            return
        again = self._clock() + timedelta(seconds=backoff.wait(failures))
        waiting = {"state": "pending", "not_before": again, "due_at": again, "error": text, "faults": faults}
        self._deliveries.update_one(mine, {"$set": waiting, "$unset": {"claim": 1}})

    def _bury(self, row: Row, text: str) -> None:
        letter = {name: row[name] for name in _FIELDS} | {
            "attempts": row["attempts"],
            "error": text,
            "died_at": self._clock(),
        }
        self._dead_letters.replace_one({"_id": row["_id"]}, letter, upsert=True)
