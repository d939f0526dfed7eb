"""Work that is heavy on the CPU, kept off gevent's event loop."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module
from typing import Final, TypeVar, cast

from gevent.lock import RLock
from gevent.threadpool import ThreadPool

T = TypeVar("T")

NICER: Final = 5
"""By how much the threads stand back behind the event loop, in steps of ``nice``: they get a quarter of a core that both want."""

_NICEST: Final = 19


class GeventOffload:
    """Runs functions on a few real threads while the other greenlets go on: the offload port under gevent.

    Make it after the fork: threads don't survive one.
    """

    def __init__(self, threads: int | None = None) -> None:
        """A pool of that many threads; by default one for each core that this process may use, and at least two.

        More would only take the cores from one another, and each password hash holds 19 MiB. Callers that find no free thread wait.

        On Linux, where niceness is a thread's own, they stand back: else a hash of 25 ms on each core makes every other request wait until
        the system takes a core from it again.
        """
        self._niceness = min(os.getpriority(os.PRIO_PROCESS, 0) + NICER, _NICEST) if sys.platform == "linux" else None
        self._pool = ThreadPool(threads or max(2, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2))
        self._importing = RLock()
        self._imported: set[str] = set()

    def __call__(self, function: Callable[[], T], needs: Sequence[str] = ()) -> T:
        """Run ``function`` on a thread; returns its result or raises its exception.

        The modules that it ``needs`` are imported before, on one thread at a time: of two that import the same, one waits for the lock of
        the module, which is gevent's here, and may never be woken.
        """
        if not self._imported.issuperset(needs):
            with self._importing:
                self._run(lambda: [import_module(name) for name in needs])
                self._imported.update(needs)
        return self._run(function)

    def _run(self, function: Callable[[], T]) -> T:
        result, error = self._pool.apply(self._outcome, (function,))
        if error is not None:
            raise error
        return cast("T", result)

    def _outcome(self, function: Callable[[], T]) -> tuple[T | None, Exception | None]:
        """The result or the exception: gevent would write an exception that comes out of a thread to stderr, whoever catches it then."""
        self._stand_back()
        try:
            return function(), None
        except Exception as error:  # noqa: BLE001 - the caller gets it
            return None, error

    def _stand_back(self) -> None:
        if self._niceness is not None:
            thread = threading.get_native_id()
            with suppress(OSError):  # where that is forbidden the work is done all the same
                if os.getpriority(os.PRIO_PROCESS, thread) < self._niceness:
                    os.setpriority(os.PRIO_PROCESS, thread, self._niceness)
