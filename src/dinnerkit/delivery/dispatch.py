"""Hints: the tasks that tell a worker which delivery to look at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog
from huey.api import Huey

from dinnerkit.ports.queue import QUEUES, Queue
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

    def hint(self, queue: str, delivery_id: str) -> bool:
        """Tell the workers of ``queue`` about a delivery; False where the queue can't be reached (the sweep tries again)."""
        if not self._breaker.lets():
            return False
        try:
            self._tasks[queue](delivery_id)
        except Exception as error:  # noqa: BLE001 - every driver has errors of its own, and a lost hint is no loss
            log.warning("hint_lost", queue=queue, error=type(error).__name__)
            self._breaker.failed()
            return False
        self._breaker.worked()
        return True

    def waiting(self) -> dict[str, int]:
        """How many hints wait on each queue."""
        return {name: int(self._queue.huey(name).pending_count()) for name in QUEUES}


def _task(huey: Huey, run: Callable[[str], object]) -> Any:
    def deliver(delivery_id: str) -> None:
        run(delivery_id)

    return huey.task(name="deliver")(deliver)
