"""A cache in a SQLite file, for the processes of one machine."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dinnerkit.errors import SettingError, Unavailable
from dinnerkit.ports.cached_values import CachedValues
from dinnerkit.ports.contracts import built_for
from dinnerkit.ports.urls import parse_url

_SECONDS = 300
_VALUES = CachedValues()
_MOST = 10_000
_SETS_BETWEEN_CLEANINGS = 100
_WAIT = 0.2
"""Seconds that a call waits for another process's write: a request waits for the call, and may for half a second."""

_PREPARE = """
pragma journal_mode = wal;
pragma synchronous = normal;
create table if not exists kept (key text primary key, until real not null, value blob not null) without rowid;
"""


class SqliteCache:
    """Values in one table; what the file can't give or take is ``Unavailable``.

    Args:
        path: the file; made where it is missing, readable by its owner alone, since anything may be cached.
        most: about so many values are kept; those go first whose time is over, then those whose time is over soonest.
    """

    def __init__(self, path: Path, most: int = _MOST) -> None:
        self._most = most
        self._sets = 0
        self._lock = threading.Lock()
        path.touch(mode=0o600)
        self._file = sqlite3.connect(path, timeout=_WAIT, isolation_level=None, check_same_thread=False)
        try:
            self._file.executescript(_PREPARE)
        except sqlite3.Error:
            self._file.close()
            raise

    def get(self, key: str) -> Any:
        """The value, or None where there is none or its time is over."""
        with self._opened() as file:
            row = file.execute("select value from kept where key = ? and until > ?", (key, time.time())).fetchone()
        return _VALUES.loads(row[0]) if row else None

    def set(self, key: str, value: Any, timeout: int | None = None) -> bool:
        """Store the value for ``timeout`` seconds.

        Raises:
            TypeError: it is neither bytes nor JSON.
        """
        stored = _VALUES.dumps(value)
        with self._opened() as file:
            until = time.time() + (timeout or _SECONDS)
            file.execute("insert or replace into kept values (?, ?, ?)", (key, until, stored))
            self._sets += 1
            if self._sets % _SETS_BETWEEN_CLEANINGS == 0:
                self._clean(file)
        return True

    def delete(self, key: str) -> bool:
        """Forget the value; whether there was one."""
        with self._opened() as file:
            return file.execute("delete from kept where key = ?", (key,)).rowcount > 0

    def clear(self) -> bool:
        """Forget everything in this file."""
        with self._opened() as file:
            file.execute("delete from kept")
        return True

    def close(self) -> None:
        """Close the file; may be called twice."""
        with self._lock:
            self._file.close()

    def _clean(self, file: sqlite3.Connection) -> None:
        file.execute("delete from kept where until <= ?", (time.time(),))
        longest = "select key from kept order by until desc limit -1 offset ?"
        file.execute(f"delete from kept where key in ({longest})", (self._most,))  # noqa: S608 - both are ours

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        """The file, for one thread at a time."""
        try:
            with self._lock:
                yield self._file
        except sqlite3.Error as error:
            raise Unavailable(f"cache: SQLite can't: {type(error).__name__}") from error


@built_for(1, SqliteCache)
def open_cache(url: str) -> SqliteCache:
    """``sqlite://PATH?values=10000``.

    Raises:
        SettingError: an option makes no sense, or there can be no such file.
    """
    parsed = parse_url(url).only("values")
    values = parsed.options.get("values", str(_MOST))
    if not values.isdecimal() or int(values) < 1:
        raise SettingError(f"cache: values is a positive number, not {values!r}")
    try:
        parsed.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return SqliteCache(parsed.path, int(values))
    except (OSError, sqlite3.Error) as error:
        raise SettingError(f"cache: {parsed.path} can't be used: {error}") from error
