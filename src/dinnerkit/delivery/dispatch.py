"""Hints: the tasks that tell a worker which delivery to look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from huey.api import Huey

from dinnerkit.ports.queue import URGENT, Priorities, Queue
from dinnerkit.queues import QUEUES, REST
from dinnerkit.retry import Breaker

log = structlog.get_logger(__name__)

_REST_SECONDS = 1.0
"""How long a queue that could not be reached is left alone: whoever relays 200 messages must not wait for it 200 times."""


class Dispatcher:
    """Puts delivery ids on the named queues, and binds the function that a worker calls with each."""

    def __init__(self, queue: Queue, run: Callable[[str], object]) -> None:
        self._queue = queue
        self._breaker = Breaker(_REST_SECONDS)
        self._tasks = {name: _task(queue.huey(name), run) for name in QUEUES}
        self._urgent = isinstance(queue, Priorities) and queue.priorities
        self._tell: Callable[[str], object] = _nobody

    @contextmanager
    def told(self, tell: Callable[[str], object]) -> Iterator[None]:
        """Have ``tell`` called with the name of each queue that is hinted to by this process, so that its own workers look at once."""
        self._tell = tell
        try:
            yield
        finally:
            self._tell = _nobody

    def hint(self, queue: str, delivery_id: str, *, urgent: bool = False) -> bool:
        """Tell the workers of ``queue`` about a delivery, before the others where it is urgent and the queue has priorities.

        False where the queue can't be reached (the sweep tries again).

        What was meant for a queue that this release does not have goes to the one of all the rest.
        """
        queue = queue if queue in self._tasks else REST
        if not self._breaker.lets():
            return False
        try:
            if urgent and self._urgent:
                self._queue.huey(queue).enqueue(self._tasks[queue].s(delivery_id, priority=URGENT))
            else:
                self._tasks[queue](delivery_id)
        except Exception as error:  # noqa: BLE001 - every driver has errors of its own, and a lost hint is no loss
            log.warning("hint_lost", queue=queue, error=type(error).__name__)
            self._breaker.failed()
            return False
        self._breaker.worked()
        self._tell(queue)
        return True

    def waiting(self) -> dict[str, int]:
        """How many hints wait on each queue."""
        return {name: self.hints(name) for name in QUEUES}

    def hints(self, queue: str) -> int:
        """How many hints wait on that queue."""
        return int(self._queue.huey(queue).pending_count())


def _nobody(_: str) -> None:
    """Nobody of this process takes what it hints at."""


def _task(huey: Huey, run: Callable[[str], object]) -> Any:
    def deliver(delivery_id: str) -> None:
        run(delivery_id)

    return huey.task(name="deliver")(deliver)
