"""Work that is heavy on the CPU, kept off gevent's event loop."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar, cast

from gevent.threadpool import ThreadPool

T = TypeVar("T")


class GeventOffload:
    """Runs functions on a few real threads while the other greenlets go on: the offload port under gevent.

    Make it after the fork: threads don't survive one.
    """

    def __init__(self, threads: int | None = None) -> None:
        """A pool of that many threads; by default one for each core that this process may use, and at least two.

        More would only take the cores from one another, and each password hash holds 19 MiB. Callers that find no free thread wait.
        """
        self._pool = ThreadPool(threads or max(2, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2))

    def __call__(self, function: Callable[[], T]) -> T:
        """Run ``function`` on a thread; returns its result or raises its exception."""
        return cast("T", self._pool.apply(function))
