"""The database port: a MongoDB, reached through its driver."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from pymongo.database import Database


@runtime_checkable
class KeepsIndexes(Protocol):
    """The power of a backend that has indexes in a MongoDB: they are made with those of the documents, when the app is opened.

    Where that is a database of its own, and away then, the backend makes them later.
    """

    def ensure_indexes(self) -> list[str]:
        """Create the indexes that are missing; the names of all, as ``collection.index``. Safe to repeat and to run side by side.

        Raises:
            Unavailable: the database can't be reached.
        """
        ...


@runtime_checkable
class DatabaseBackend(Protocol):
    """An opened database.

    What a backend must guarantee: it is a replica set or a sharded cluster, so that there are change streams and retryable writes; a write
    that was acknowledged is on the disk of a majority of the members; times come back as aware UTC. It is safe to use from several threads
    and greenlets, and must be opened anew in a forked child.
    """

    @property
    def database(self) -> Database[dict[str, Any]]:
        """The database; connections are made on first use."""
        ...

    @property
    def url(self) -> str:
        """The ``mongodb://`` URL of this database, for other clients. It may hold a password."""
        ...

    def ping(self) -> None:
        """Reach a server that takes writes.

        Raises:
            Unavailable: none can be reached.
        """
        ...

    def close(self) -> None:
        """Give back connections, and the hold on a server of our own."""
        ...
