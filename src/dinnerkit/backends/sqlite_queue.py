"""The queue in a file: huey on SQLite, shared by the processes of one machine."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path
from typing import Any, ClassVar

from huey.api import Huey
from huey.constants import EmptyData
from huey.storage import SqliteStorage

from dinnerkit.errors import SettingError, Unavailable
from dinnerkit.ports.contracts import built_for
from dinnerkit.ports.json_tasks import JsonTasks
from dinnerkit.ports.queue import Queue
from dinnerkit.ports.urls import parse_url


class HintStorage(SqliteStorage):  # type: ignore[misc]
    """Huey's tables with fewer flushes to the disk: a lost hint is no loss, and there are no results and nothing is revoked."""

    def _create_connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection = super()._create_connection()
        connection.execute("pragma synchronous = normal")
        return connection

    def pop_data(self, key: str) -> Any:
        """Take a value out, if there is one: huey asks after each task, and would lock the file for it."""
        return super().pop_data(key) if self.has_data_for_key(key) else EmptyData


class SqliteQueue:
    """Named huey queues in one SQLite file in WAL mode."""

    priorities: ClassVar[bool] = True

    def __init__(self, path: Path) -> None:
        self._path = path
        self._queues: dict[str, Huey] = {}
        self._lock = threading.Lock()

    def huey(self, name: str) -> Huey:
        """The named queue; the same object each time."""
        with self._lock:
            if name not in self._queues:
                self._queues[name] = Huey(name, storage_class=HintStorage, filename=str(self._path), results=False, serializer=JsonTasks())
            return self._queues[name]

    def ping(self) -> None:
        """Read from the file.

        Raises:
            Unavailable: SQLite can't.
        """
        try:
            self.huey("default").pending_count()
        except sqlite3.Error as error:
            raise Unavailable(f"queue: {self._path}: {error}") from error

    def close(self) -> None:
        """Close this thread's connections."""
        with self._lock:
            for queue in self._queues.values():
                queue.storage.close()


@built_for(1, SqliteQueue)
def sqlite(url: str) -> Queue:
    """``sqlite://PATH``; the file is made where it is missing.

    Raises:
        SettingError: its folder can't be made.
    """
    path = parse_url(url).only().path
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise SettingError(f"queue: {path.parent} can't be made: {error.strerror}") from error
    return SqliteQueue(path)
