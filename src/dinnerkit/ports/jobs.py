"""The jobs port: what an installed package adds to the background work.

A package names a factory in the entry-point group ``dinnerkit.jobs``; the entry point's name is what ``DINNERKIT_JOBS`` chooses it by. Only
what is chosen is imported, so that a broken package which nobody chose stops nothing.

    [project.entry-points."dinnerkit.jobs"]
    acme = "acme_dinners:jobs"

    def jobs(kit):
        return PluginJobs(
            handlers=[Handler("acme.congratulate", BookingConfirmed, congratulate, queue="emails")],
            jobs=[Job("acme.export", export, queue="analytics", every=timedelta(days=1))],
        )

What the core guarantees: a handler runs for each message of its kind, and a job each time that it was asked for, at least once, whatever
crashes, on the queue that it names, with the retries, dead letters and listings of all jobs. What the package must guarantee in return: the
second run of the same does no harm; names are kept from release to release, and begin with the entry point's name and a dot.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from dinnerkit.errors import SettingError
from dinnerkit.messages import Handler
from dinnerkit.queues import REST, known_queue

SHORTEST_EVERY = timedelta(seconds=10)
"""As each is remembered for a week, more of them would fill the database."""

LONGEST_EVERY = timedelta(days=7)
"""So long it is known that a job was run; one that comes more seldom might run twice."""


@dataclass(frozen=True, slots=True)
class Job:
    """Work that is asked for by name, with something that it is to work on, or by the clock.

    Attributes:
        name: stable and unique, such as ``"acme.export"``; it is stored with each job.
        run: does it, given what it was asked with.
        queue: the named queue whose workers run it, one of :data:`dinnerkit.queues.QUEUES`.
        every: how often the clock asks for it, at least ten seconds and at most a week: once in each such span of time since 1970, as soon
            as it begins or a worker is there, with ``{"since": …}``, the moment when the span began. Spans in which no worker ran are
            left out.

    Raises:
        SettingError: there is no such queue, or ``every`` is out of bounds.
    """

    name: str
    run: Callable[[Mapping[str, Any]], object]
    queue: str = REST
    every: timedelta | None = None

    def __post_init__(self) -> None:
        known_queue(self.queue)
        if self.every is not None and not SHORTEST_EVERY <= self.every <= LONGEST_EVERY:
            raise SettingError(
                f"job {self.name}: every is from {SHORTEST_EVERY.seconds} seconds to {LONGEST_EVERY.days} days, not {self.every}"
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class PluginJobs:
    """What a factory answers: reactions to the core's messages, and jobs of the package's own."""

    handlers: Sequence[Handler[Any]] = field(default=())
    jobs: Sequence[Job] = field(default=())
