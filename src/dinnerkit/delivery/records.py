"""What has become of the last jobs of each queue, for a person who asks; and how many there ever were."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any, Literal, TypeAlias

from pymongo.database import Database

from dinnerkit.delivery.documents import JobRecordsDocument
from dinnerkit.queues import QUEUES
from dinnerkit.storage import Row, collection

Ended: TypeAlias = Literal["finished", "failed"]

KEPT: Mapping[Ended, int] = {"finished": 100, "failed": 50}
"""How many are kept for each queue."""


_MOST_UNWRITTEN = 100_000
"""So many ends are remembered at most where nobody writes them down."""


class JobRecords:
    """A note of each job that ended, kept in one document for each queue, the last hundred that finished and the last fifty that failed.

    A note says which job it was, of what kind, when, and by what kind of error it failed; nothing of what the job was about, nor the
    words of the error. Notes are written once a second, for many jobs at once; those of a worker that is killed may be lost, which
    loses no job.
    """

    def __init__(self, database: Database[Row]) -> None:
        self._records = collection(database, JobRecordsDocument)
        self._unwritten = {ended: defaultdict[str, deque[Row]](partial(deque, maxlen=kept)) for ended, kept in KEPT.items()}
        self._counted = deque[tuple[str, str]](maxlen=_MOST_UNWRITTEN)

    def note(self, row: Row, started_at: datetime, ended_at: datetime, ended: Ended, error: Exception | None = None) -> None:
        """Note how a delivery ended. Safe to call from several threads."""
        found = {"id": row["_id"], "handler": row["handler"], "kind": row["kind"], "attempts": row["attempts"]}
        found |= {"created_at": row["created_at"], "started_at": started_at, "ended_at": ended_at}
        if error is not None:
            found["error"] = type(error).__name__
        self._unwritten[ended][row["queue"]].append(found)
        self._counted.append((row["queue"], ended))

    def count_retry(self, queue: str) -> None:
        """Count an attempt that failed and is followed by another."""
        self._counted.append((queue, "retried"))

    def write(self) -> None:
        """Write down what was noted since the last time."""
        counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for queue, what in _taken(self._counted):
            counts[queue][what] += 1
        for queue, count in counts.items():
            push = {
                ended: {"$each": list(_taken(self._unwritten[ended][queue])), "$sort": {"ended_at": 1}, "$slice": -kept}
                for ended, kept in KEPT.items()
            }
            increments = {f"totals.{what}": number for what, number in count.items()}
            self._records.update_one({"_id": queue}, {"$inc": increments, "$push": push}, upsert=True)

    def last(self, queue: str, ended: Ended) -> list[Row]:
        """What is kept of the jobs that ended so, the last one first."""
        found = self._records.find_one({"_id": queue}, {ended: 1}) or {}
        return list(reversed(found.get(ended, [])))

    def totals(self) -> dict[str, dict[str, int]]:
        """For each queue how many jobs finished and failed for good, and how many attempts were tried again."""
        found = {row["_id"]: row.get("totals", {}) for row in self._records.find({}, {"totals": 1})}
        return {queue: {what: found.get(queue, {}).get(what, 0) for what in ("finished", "failed", "retried")} for queue in QUEUES}


def _taken(noted: deque[Any]) -> Iterator[Any]:
    """Take out what is there, while others may append."""
    with suppress(IndexError):
        while True:
            yield noted.popleft()
