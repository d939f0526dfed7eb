"""The sessions in MongoDB: a document each, which the server deletes when its time is over."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, ClassVar, TypeAlias

import pymongo
from pymongo import ASCENDING, IndexModel
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import PyMongoError

from dinnerkit.backends.database import MongoDatabase
from dinnerkit.clock import Clock, utcnow
from dinnerkit.errors import Unavailable
from dinnerkit.ports.contracts import built_for
from dinnerkit.ports.sessions import SessionStore, StoredSession
from dinnerkit.ports.urls import parse_url
from dinnerkit.storage import Row

COLLECTION = "sessions"

INDEXES = (IndexModel([("expires_at", ASCENDING)], name="expiry", expireAfterSeconds=0),)

_PATIENCE = 5.0
"""Seconds for each step in the documents' database: without it there is no page anyway."""

_READ_SECONDS, _WRITE_SECONDS = 0.25, 0.45
"""The same in a database of the sessions' own. Pages wait for a read, and every half an hour for a write, as who signs in or out does."""

_Database: TypeAlias = Database[dict[str, Any]]


class MongoSessions:
    """Keeps sessions in a collection with a TTL index. The server deletes once a minute, so what is over is not read before either."""

    _reading: ClassVar[float] = _PATIENCE
    _writing: ClassVar[float] = _PATIENCE

    def __init__(self, clock: Clock = utcnow) -> None:
        self._clock = clock
        self._database: _Database | None = None
        self._indexed = False

    def ensure_indexes(self) -> list[str]:
        """Have the server forget sessions whose time is over."""
        with self._sessions(_PATIENCE) as sessions:
            names = sessions.create_indexes(list(INDEXES))
        self._indexed = True
        return [f"{COLLECTION}.{name}" for name in names]

    def put(self, key: str, value: bytes, seconds: int) -> None:
        """Keep the session."""
        with self._sessions(self._writing) as sessions:
            if not self._indexed:  # the database was away when it was opened
                self.ensure_indexes()
            row = {"_id": key, "value": value, "expires_at": self._clock() + timedelta(seconds=seconds)}
            sessions.replace_one({"_id": key}, row, upsert=True)

    def get(self, key: str) -> StoredSession | None:
        """The session, if it lives."""
        with self._sessions(self._reading) as sessions:
            now = self._clock()
            row = sessions.find_one({"_id": key, "expires_at": {"$gt": now}})
        return None if row is None else StoredSession(bytes(row["value"]), (row["expires_at"] - now).total_seconds())

    def prolong(self, key: str, seconds: int) -> bool:
        """Let it live longer, in one step: what was deleted meanwhile matches nothing."""
        with self._sessions(self._writing) as sessions:
            now = self._clock()
            later = {"$set": {"expires_at": now + timedelta(seconds=seconds)}}
            return bool(sessions.update_one({"_id": key, "expires_at": {"$gt": now}}, later).matched_count)

    def delete(self, key: str) -> None:
        """End it."""
        with self._sessions(self._writing) as sessions:
            sessions.delete_one({"_id": key})

    def ping(self) -> None:
        """Reach the database."""
        with self._sessions(self._reading) as sessions:
            sessions.database.command("ping")

    def close(self) -> None:
        """The database is not ours to close."""

    @contextmanager
    def _sessions(self, seconds: float) -> Iterator[Collection[Row]]:
        if self._database is None:
            raise RuntimeError("these sessions were not given their database")
        try:
            with pymongo.timeout(seconds):
                yield self._database[COLLECTION]
        except PyMongoError as error:
            raise Unavailable(f"sessions: the database gave no answer: {type(error).__name__}") from None


class DatabaseSessions(MongoSessions):
    """The sessions beside the documents."""

    def use(self, database: _Database) -> None:
        """Take this database."""
        self._database = database


class OwnMongoSessions(MongoSessions):
    """The sessions in a database of their own."""

    _reading: ClassVar[float] = _READ_SECONDS
    _writing: ClassVar[float] = _WRITE_SECONDS

    def __init__(self, url: str) -> None:
        super().__init__()
        self._own = MongoDatabase(url)
        self._database = self._own.database

    def close(self) -> None:
        """Close the connections."""
        self._own.close()


@built_for(1, DatabaseSessions)
def database(url: str) -> SessionStore:
    """``database://``: in the database of the documents, embedded or not.

    Raises:
        SettingError: the URL has options.
    """
    parse_url(url).only()
    return DatabaseSessions()


@built_for(1, OwnMongoSessions)
def mongodb(url: str) -> SessionStore:
    """``mongodb://HOST/NAME``: in a MongoDB of its own.

    Raises:
        SettingError: the driver does not take the URL.
    """
    return OwnMongoSessions(url)
