"""A queue in this process's memory, for the store of yours that takes its place."""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from typing import Any

from huey.api import Huey
from huey.constants import EmptyData
from huey.storage import BaseStorage

from dinnerkit.ports.contracts import built_for
from dinnerkit.ports.json_tasks import JsonTasks
from dinnerkit.ports.urls import parse_url


class AcmeStorage(BaseStorage):  # type: ignore[misc]
    """The part of huey's storages that dinnerkit needs: tasks that wait, with neither results nor schedules.

    Args:
        name: of the queue.
        place: where it lies; queues of the same place and name share their tasks.
    """

    priority = False

    def __init__(self, name: str, place: str, **options: Any) -> None:
        super().__init__(name, **options)
        self._waiting = _PLACES.setdefault(place, _Place()).queue(name)

    def enqueue(self, data: bytes, priority: float | None = None) -> None:
        """Let a task wait behind the others."""
        self._waiting.append(data)

    def dequeue(self) -> bytes | None:
        """Take out the task that has waited longest; nobody else gets it."""
        try:
            return self._waiting.popleft()
        except IndexError:
            return None

    def queue_size(self) -> int:
        """How many tasks wait."""
        return len(self._waiting)

    def enqueued_items(self, limit: int | None = None) -> list[bytes]:
        """The tasks that wait, the next one first."""
        return list(self._waiting)[:limit]

    def flush_queue(self) -> None:
        """Forget all tasks."""
        self._waiting.clear()

    def has_data_for_key(self, key: str) -> bool:
        """Huey asks whether a task was revoked: none is."""
        return False

    def peek_data(self, key: str) -> Any:
        """Results are kept by none of dinnerkit's queues."""
        return EmptyData

    pop_data = peek_data


class AcmeQueue:
    """Named huey queues in one place."""

    def __init__(self, place: str) -> None:
        self._place = place
        self._lock = threading.Lock()
        self._hueys: dict[str, Huey] = {}

    def huey(self, name: str) -> Huey:
        """The named queue; the same object each time, since it knows its tasks."""
        with self._lock:
            if name not in self._hueys:
                options = {"results": False, "serializer": JsonTasks(), "place": self._place}
                self._hueys[name] = Huey(name, storage_class=AcmeStorage, **options)
            return self._hueys[name]

    def ping(self) -> None:
        """Memory is always there; a store that is not raises ``dinnerkit.errors.Unavailable``."""

    def close(self) -> None:
        """Memory has nothing to give back; a client's connections would be closed here."""


@built_for(1, AcmeQueue)
def open_queue(url: str) -> AcmeQueue:
    """``acme://PLACE``.

    Raises:
        SettingError: the URL has options.
    """
    return AcmeQueue(parse_url(url).only().location)


class _Place:
    """In place of the store: for each name the tasks that wait."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queues: defaultdict[str, deque[bytes]] = defaultdict(deque)

    def queue(self, name: str) -> deque[bytes]:
        with self._lock:
            return self._queues[name]


_PLACES: dict[str, _Place] = {}
