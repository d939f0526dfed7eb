"""Jobs that are asked for by name, or by the clock."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar

import bson
from pymongo.database import Database

from dinnerkit.clock import Clock
from dinnerkit.delivery.dispatch import Dispatcher
from dinnerkit.delivery.relay import add_deliveries, new_delivery
from dinnerkit.ids import new_id
from dinnerkit.messages import Handler, Message
from dinnerkit.ports.jobs import Job
from dinnerkit.storage import Row

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST_KEY = 200
_MOST_WORK = 65_536


@dataclass(frozen=True, kw_only=True, slots=True)
class JobAsked(Message):
    """Somebody, or the clock, has asked for a job. It lies in no outbox: it is a delivery from the first."""

    kind: ClassVar[str] = "job.asked"

    work: Row = field(default_factory=dict)


def job_handlers(jobs: Iterable[Job]) -> list[Handler[JobAsked]]:
    """The handlers that run the jobs."""

    def handler(job: Job) -> Handler[JobAsked]:
        return Handler(job.name, JobAsked, lambda asked: job.run(asked.work), job.queue)

    return [handler(job) for job in jobs]


class JobDesk:
    """Takes requests for jobs, and makes those of the clock."""

    def __init__(self, database: Database[Row], dispatcher: Dispatcher, jobs: Sequence[Job], clock: Clock) -> None:
        self._database = database
        self._dispatcher = dispatcher
        self._handlers = {handler.name: handler for handler in job_handlers(jobs)}
        self._by_the_clock = [job for job in jobs if job.every is not None]
        self._seen: dict[str, datetime] = {}
        self._clock = clock

    def ask(self, name: str, work: Row | None = None, *, key: str | None = None) -> str:
        """Ask for a job, which is run at least once from then on; its id.

        Args:
            name: of the job.
            work: what it is to work on: what BSON stores as it is, in at most 64 kB.
            key: whoever asks for the same job with the same key, within a week, asks once.

        Raises:
            LookupError: no package that ``DINNERKIT_JOBS`` names has such a job.
            ValueError: the key is empty or longer than 200 characters, or there is too much to work on.
        """
        if key is not None and not 0 < len(key) <= _LONGEST_KEY:
            raise ValueError(f"a key has from 1 to {_LONGEST_KEY} characters")
        if len(bson.encode(work or {})) > _MOST_WORK:
            raise ValueError(f"a job works on at most {_MOST_WORK} bytes: keep the rest elsewhere, and say where")
        handler = self._handlers.get(name)
        if handler is None:
            raise LookupError(f"there is no job {name!r}; there are {', '.join(sorted(self._handlers)) or 'none'}")
        now = self._clock()
        asked: dict[str, Any] = {
            "id": new_id() if key is None else f"asked:{key}",
            "kind": JobAsked.kind,
            "data": JobAsked(work=work or {}).to_document(),
            "at": now,
        }
        row = new_delivery(asked, handler, now)
        add_deliveries(self._database, self._dispatcher, [row])
        return str(row["_id"])

    def run(self) -> int:
        """Ask for what the clock makes due. The span is part of the key, so that two who do this ask once. How many were asked for."""
        asked = 0
        for job in self._by_the_clock:
            assert job.every is not None  # noqa: S101 - chosen by that
            since = _EPOCH + (self._clock() - _EPOCH) // job.every * job.every
            if self._seen.get(job.name) == since:
                continue
            self.ask(job.name, {"since": since}, key=f"clock:{since.isoformat()}")
            self._seen[job.name] = since
            asked += 1
        return asked
