"""Taking jobs from one named queue, so many at a time."""

from __future__ import annotations

import threading
import time

import structlog
from huey.api import Huey, Task

log = structlog.get_logger(__name__)

_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0
"""How long a queue that is empty is left alone, in seconds: ever longer, as long as it stays so and nobody tells that something came."""

_GROWTH = 1.3


class QueueConsumer:
    """Runs the jobs of one named queue in threads of its own.

    One thread at a time looks for the next job, and runs what it finds while another looks in its place ("leader/followers", Schmidt et
    al., Pattern Languages of Program Design 4). Threads are made when they are first needed: an idle queue has one, and is asked by one.
    huey's own consumer lets every thread ask, and has one more for schedules, of which there are none here.

    Args:
        huey: the named queue.
        concurrency: how many jobs run side by side.
    """

    def __init__(self, huey: Huey, concurrency: int) -> None:
        self._huey = huey
        self._concurrency = concurrency
        self._looking = threading.Lock()
        self._counting = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._busy = 0
        self._news = threading.Event()
        self._stopping = threading.Event()
        self._fails = False

    def start(self) -> None:
        """Begin to take jobs."""
        with self._counting:
            self._add_thread()

    def wake(self) -> None:
        """Look now, since something has come."""
        self._news.set()

    def stop(self) -> None:
        """Take nothing more; what runs goes on."""
        self._stopping.set()
        self._news.set()

    def ended(self, until: float) -> bool:
        """Whether all that ran has ended, which is waited for until that monotonic time."""
        with self._counting:
            threads = list(self._threads)
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))
        return not any(thread.is_alive() for thread in threads)

    def _add_thread(self) -> None:
        """The caller holds ``_counting``, so that the new thread is counted before it counts itself busy."""
        # Daemons: a job that hangs must not keep a process that is to end.
        thread = threading.Thread(target=self._work, name=f"dinnerkit-{self._huey.name}", daemon=True)
        thread.start()
        self._threads.append(thread)

    def _work(self) -> None:
        while (task := self._next()) is not None:
            try:
                self._huey.execute(task)
            except BaseException as error:  # noqa: BLE001 - what calls sys.exit() too: a queue must not lose a thread by it, nor its last
                log.warning("task_failed", queue=self._huey.name, error=type(error).__name__)
            with self._counting:
                self._busy -= 1

    def _next(self) -> Task | None:
        """The next job, however long it takes to come; None when it is time to stop."""
        with self._looking:
            task = self._found()
            if task is not None:
                with self._counting:
                    self._busy += 1
                    if self._busy == len(self._threads) < self._concurrency:
                        self._add_another()
            return task

    def _add_another(self) -> None:
        try:
            self._add_thread()
        except RuntimeError as error:  # the machine gives no more; those that there are go on
            log.warning("no_thread", queue=self._huey.name, error=str(error))

    def _found(self) -> Task | None:
        pause = _FIRST_PAUSE
        while True:
            self._news.clear()
            if self._stopping.is_set():
                return None
            task = self._dequeued()
            if task is not None:
                if not self._stopping.is_set():
                    return task
                self._give_back(task)
            elif self._fails:
                self._stopping.wait(pause)  # whatever comes meanwhile, so that what fails is not asked without a pause
            elif not self._huey.storage.blocking:
                self._news.wait(pause)
            pause = min(pause * _GROWTH, _LONGEST_PAUSE)

    def _dequeued(self) -> Task | None:
        try:
            task = self._huey.dequeue()
        except Exception as error:  # noqa: BLE001 - out of reach, or what lies there is none of ours; every driver has its own errors
            if not self._fails:
                log.warning("queue_unreadable", queue=self._huey.name, error=type(error).__name__)
            self._fails = True
            return None
        self._fails = False
        return task

    def _give_back(self, task: Task) -> None:
        """It was taken just when it was time to stop; if it can't be given back, the sweep finds the job."""
        try:
            self._huey.enqueue(task)
        except Exception as error:  # noqa: BLE001 - as said
            log.warning("hint_lost", queue=self._huey.name, error=type(error).__name__)
