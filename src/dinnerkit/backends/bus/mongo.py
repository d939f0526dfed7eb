"""The bus in MongoDB: a capped collection that publishers write to, and a change stream by which each process hears."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import pymongo
from pymongo import WriteConcern
from pymongo.database import Database
from pymongo.errors import CollectionInvalid, ConnectionFailure, OperationFailure, PyMongoError

from dinnerkit.backends.database import MongoDatabase
from dinnerkit.errors import Unavailable
from dinnerkit.ports.bus import Bus
from dinnerkit.ports.contracts import built_for
from dinnerkit.ports.remote_bus import NextParcel, Parcel, RemoteBus
from dinnerkit.ports.urls import parse_url

COLLECTION = "bus"

_SIZE = 4 << 20
_SECONDS = 3.0
"""How long a write may take, and how long a first listener waits until the stream is open."""

_AWAIT_MS = 500
_INSERTS = [{"$match": {"operationType": "insert"}}]
_EXISTS = 48

_Database: TypeAlias = Database[dict[str, Any]]


class CollectionLine:
    """News as documents: each insert is a parcel."""

    errors = (PyMongoError,)

    def __init__(self) -> None:
        self.database: _Database | None = None
        self._made = False

    def of(self) -> _Database:
        """The database."""
        if self.database is None:
            raise RuntimeError("this bus was not given its database")
        return self.database

    def send(self, parcel: Parcel) -> None:
        """Insert it."""
        news = [{"topic": topic, "body": body} for topic, body in parcel.news]
        # Only what is in the journal is heard, and that is written each tenth of a second unless it is asked for.
        with pymongo.timeout(_SECONDS):
            self._make()
            self.of().get_collection(COLLECTION, write_concern=WriteConcern(w=1, j=True)).insert_one({"news": news, "lost": parcel.lost})

    @contextmanager
    def hear(self) -> Iterator[NextParcel]:
        """Follow what is inserted."""
        with self.of()[COLLECTION].watch(_INSERTS, max_await_time_ms=_AWAIT_MS) as stream:

            def next_parcel() -> Parcel | None:
                if not stream.alive:
                    raise ConnectionFailure("the change stream has ended")
                change = stream.try_next()
                if change is None:
                    return None
                document = change["fullDocument"]
                return Parcel([(one["topic"], one["body"]) for one in document["news"]], document["lost"])

            yield next_parcel

    def _make(self) -> None:
        if self._made:
            return
        try:
            self.of().create_collection(COLLECTION, capped=True, size=_SIZE)
        except CollectionInvalid:
            pass
        except OperationFailure as error:
            if error.code != _EXISTS:
                raise
        self._made = True


class MongoBus(RemoteBus):
    """Sends news by inserting them, and hears them by a change stream."""

    def __init__(self) -> None:
        self._collection = CollectionLine()
        super().__init__(self._collection, _SECONDS)

    def ping(self) -> None:
        """Reach the database.

        Raises:
            Unavailable: it can't be reached.
        """
        try:
            with pymongo.timeout(_SECONDS):
                self._collection.of().client.admin.command("ping")
        except PyMongoError as error:
            raise Unavailable("the bus can't be reached: its database does not answer") from error


class DatabaseBus(MongoBus):
    """The bus in the documents' own database."""

    def use(self, database: _Database) -> None:
        """Take this database."""
        self._collection.database = database


class OwnMongoBus(MongoBus):
    """The bus in a database of its own."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._own = MongoDatabase(url)
        self._collection.database = self._own.database

    def ping(self) -> None:
        """Reach the database.

        Raises:
            Unavailable: it can't be reached.
            SettingError: it has no change streams, or is too old.
        """
        self._own.ping()

    def close(self) -> None:
        """Close the connections too."""
        closed = self._closing.is_set()
        super().close()
        if not closed:  # the driver may raise where a client is closed again
            self._own.close()


@built_for(1, DatabaseBus)
def database(url: str) -> Bus:
    """``database://``: in the database of the documents, embedded or not; for all processes that share it.

    Raises:
        SettingError: the URL has options.
    """
    parse_url(url).only()
    return DatabaseBus()


@built_for(1, OwnMongoBus)
def mongodb(url: str) -> Bus:
    """``mongodb://HOST/NAME``: in a MongoDB of its own, for news so many that the documents' should not have them.

    Raises:
        SettingError: the driver does not take the URL.
    """
    return OwnMongoBus(url)
