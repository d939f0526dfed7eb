"""Deliveries: claimed, run, tried again, given up, and looked after."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple

import structlog
from pymongo import ReturnDocument, UpdateOne, WriteConcern
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from dinnerkit.clock import Clock
from dinnerkit.delivery.dispatch import Dispatcher
from dinnerkit.delivery.documents import DeadLetterDocument, DeliveryDocument
from dinnerkit.delivery.errors import NoSuchDeadLetter
from dinnerkit.delivery.records import JobRecords
from dinnerkit.delivery.relay import HINT_GRACE
from dinnerkit.errors import Unavailable
from dinnerkit.ids import new_id
from dinnerkit.messages import Handler
from dinnerkit.ports.queue import Queue
from dinnerkit.queues import QUEUES, REST
from dinnerkit.retry import Backoff
from dinnerkit.storage import Row, collection, is_outage

log = structlog.get_logger(__name__)

_PATIENT = Backoff(attempts=150)
"""While a backend can't be reached: some 24 hours. An outage is nobody's to mend here, and ends; so it does not count among the faults."""

_LEASE = timedelta(seconds=60)
"""How long a delivery is its worker's without a sign of life: so late, at most, another goes on with what a killed worker had."""

_LONGEST_RUN = timedelta(hours=1)
"""From then on a worker is taken to hang rather than to be slow, and its leases run out."""

_ERROR_LENGTH = 500
_SWEEP_BATCH = 500
_HINTS_ENOUGH, _SLOW_BATCH = 500, 20
"""Where so many hints wait, a queue's workers are busy with them, and few more are given at a time; each may be one for the same job."""

_HINTS_TOO_MANY = 10_000
"""Where so many wait, none is given."""

_UNKNOWN = {"$nin": list(QUEUES)}
"""The queue of a job that was recorded by a release that had others."""

_EVER = datetime.min.replace(year=1970, tzinfo=UTC)
_FIELDS = ("handler", "queue", "kind", "data", "created_at")


class Backlog(NamedTuple):
    """What waits or runs on a queue: how many jobs, and the age in seconds of the oldest, from when its message was recorded."""

    jobs: int
    age: float


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
        self.records = JobRecords(database)
        self._running: dict[str, Row] = {}

    def run(self, delivery_id: str) -> bool:
        """Claim the delivery and run its handler; False where there was nothing to do (done, claimed by another, or not yet due)."""
        row = self._claim(delivery_id)
        if row is None:
            return False
        self._running[row["claim"]] = row
        started_at = row["not_before"] - _LEASE
        try:
            self._react(row)
        except Exception as error:  # noqa: BLE001 - whatever a handler raises means: try again, or give up
            self._failed(row, started_at, error)
        else:
            self._done(row, started_at)
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

    def give_back(self) -> int:
        """Let others begin again what runs in this process, which is about to end. How many jobs that was."""
        now = self._clock()
        free = {"$set": {"state": "pending", "not_before": now, "due_at": now}}
        updates = [UpdateOne({"_id": row["_id"], "claim": claim, "state": "running"}, free) for claim, row in list(self._running.items())]
        return self._deliveries.bulk_write(updates, ordered=False).modified_count if updates else 0

    def sweep(self) -> int:
        """Give new hints for what is overdue: hints that were lost, attempts whose worker died, waits that are over. How many.

        Each queue by itself, so that what waits on one by the thousand keeps none of another's.
        """
        now = self._clock()
        # One look, which the index answers by a step for each queue, for the many turns in which nothing is overdue.
        if self._deliveries.find_one({"queue": {"$gte": ""}, "due_at": {"$lte": now}}, {"_id": 1}, hint="queue_due") is None:
            return 0
        return sum(self._sweep_queue(name, name, now) for name in QUEUES) + self._sweep_queue(_UNKNOWN, REST, now)

    def _sweep_queue(self, queue: str | Row, name: str, now: datetime) -> int:
        overdue = self._deliveries.find({"queue": queue, "due_at": {"$lte": now}}, {"urgent": 1}).sort("due_at", 1).limit(_SWEEP_BATCH)
        found = list(overdue)
        if not found:
            return 0
        hinted = []
        for row in found[: self._room(name)]:
            if not self.dispatcher.hint(name, row["_id"], urgent=row.get("urgent", False)):
                break  # the queue is gone: what is overdue stays so, and the next sweep after it is back finds it
            hinted.append(row["_id"])
        if hinted:
            again = {"$set": {"due_at": now + HINT_GRACE}}
            self._deliveries.update_many({"_id": {"$in": hinted}, "due_at": {"$lte": now}}, again)
        return len(hinted)

    def _room(self, queue: str) -> int:
        """How many more hints to give to a queue now."""
        try:
            waiting = self.dispatcher.hints(queue)
        except Exception:  # noqa: BLE001 - every driver has errors of its own; the first hint will tell
            return _SWEEP_BATCH
        if waiting < _HINTS_ENOUGH:
            return _SWEEP_BATCH
        return _SLOW_BATCH if waiting < _HINTS_TOO_MANY else 0

    def backlog(self) -> dict[str, Backlog]:
        """What waits or runs, by queue; that of queues which this release does not have is counted among the rest."""
        found, now = dict.fromkeys(QUEUES, Backlog(0, 0.0)), self._clock()
        for oldest in self._deliveries.aggregate(self._oldest_of_each()):
            name, queue = (oldest["queue"], oldest["queue"]) if oldest["queue"] in QUEUES else (REST, _UNKNOWN)
            jobs, age = found[name]
            jobs += self._deliveries.count_documents({"queue": queue, "due_at": {"$gte": _EVER}}, hint="queue_due")
            found[name] = Backlog(jobs, max(age, (now - oldest["created_at"]).total_seconds()))
        return found

    def _oldest_of_each(self) -> list[Row]:
        """The stages that find the oldest job of each queue that has any: one question, which the index answers by a step for each."""
        order: list[Row] = [{"$sort": {"created_at": 1}}, {"$limit": 1}, {"$project": {"queue": 1, "created_at": 1}}]
        first, *others = ([{"$match": {"queue": queue, "due_at": {"$gte": _EVER}}}, *order] for queue in (*QUEUES, _UNKNOWN))
        return [*first, *({"$unionWith": {"coll": self._deliveries.name, "pipeline": other}} for other in others)]

    def waiting(self) -> int:
        """How many jobs wait or run, on all queues."""
        return sum(backlog.jobs for backlog in self.backlog().values())

    def outstanding(self, queue: str, state: Literal["pending", "running"], limit: int) -> list[Row]:
        """Deliveries of the queue that are in that state, the oldest first."""
        query = {"queue": queue, "due_at": {"$gte": _EVER}, "state": state}
        return list(self._deliveries.find(query).sort("created_at", 1).hint("queue_age").limit(limit))

    def dead_letters(self, *, limit: int, after: tuple[datetime, str] | None = None, queue: str | None = None) -> list[Row]:
        """The dead letters, of one queue or of all, oldest first, from behind the one that died at ``after``."""
        query: dict[str, Any] = {} if queue is None else {"queue": queue}
        if after is not None:
            died_at, letter_id = after
            query |= {"$or": [{"died_at": {"$gt": died_at}}, {"died_at": died_at, "_id": {"$gt": letter_id}}]}
        return list(self._dead_letters.find(query).sort([("died_at", 1), ("_id", 1)]).limit(limit))

    def dead_letter_count(self) -> int:
        """How many dead letters there are."""
        return self._dead_letters.estimated_document_count()

    def dead_letter_counts(self) -> dict[str, int]:
        """How many dead letters there are, by queue; those of queues which this release does not have are counted among the rest."""
        counts = dict.fromkeys(QUEUES, 0)
        for row in self._dead_letters.aggregate([{"$group": {"_id": "$queue", "count": {"$sum": 1}}}]):
            counts[row["_id"] if row["_id"] in counts else REST] += row["count"]
        return counts

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

    def _done(self, row: Row, started_at: datetime) -> None:
        now = self._clock()
        done = {"$set": {"state": "done", "done_at": now}, "$unset": {"due_at": 1, "claim": 1, "error": 1}}
        self._claims.update_one({"_id": row["_id"], "claim": row["claim"]}, done)
        self.records.note(row, started_at, now, "finished")
        if row["attempts"] > self._backoff.attempts:
            # It was being given up when its worker died, and has come through after all.
            self._dead_letters.delete_one({"_id": row["_id"]})

    def _failed(self, row: Row, started_at: datetime, error: Exception) -> None:
        text = f"{type(error).__name__}: {error}"[:_ERROR_LENGTH]
        log.warning("delivery_failed", delivery=row["_id"], attempts=row["attempts"], error=type(error).__name__)
        mine: Mapping[str, Any] = {"_id": row["_id"], "claim": row["claim"]}
        outage = isinstance(error, Unavailable) or is_outage(error)
        faults = row.get("faults", 0) + (not outage)
        backoff, failures = (_PATIENT, row["attempts"]) if outage else (self._backoff, faults)
        if backoff.exhausted(failures):
            # The letter first: should this worker die in between, the delivery is tried once more, and not forgotten.
            if self._deliveries.count_documents(mine, limit=1):
                self._bury(row, text)
            dead = {"$set": {"state": "dead", "done_at": self._clock(), "error": text}, "$unset": {"due_at": 1, "claim": 1}}
            self._deliveries.update_one(mine, dead)
            self.records.note(row, started_at, self._clock(), "failed", error)
            return
        again = self._clock() + timedelta(seconds=backoff.wait(failures))
        waiting = {"state": "pending", "not_before": again, "due_at": again, "error": text, "faults": faults}
        self._deliveries.update_one(mine, {"$set": waiting, "$unset": {"claim": 1}})
        self.records.count_retry(row["queue"])

    def _bury(self, row: Row, text: str) -> None:
        letter = {name: row[name] for name in _FIELDS} | {
            "attempts": row["attempts"],
            "error": text,
            "died_at": self._clock(),
        }
        self._dead_letters.replace_one({"_id": row["_id"]}, letter, upsert=True)
