"""The sandbox's books: one SQLite file, shared by all processes that open it."""

from __future__ import annotations

import sqlite3
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dinnerkit.errors import Unavailable

_STEPS: tuple[tuple[str, ...], ...] = (
    (
        "create table if not exists secrets (name text primary key, value text not null)",
        """create table if not exists charges (
          id text primary key, key text not null unique, amount integer not null, currency text not null, method text not null,
          status text not null, client_secret text not null unique, decline_code text, refunded integer not null default 0)""",
        """create table if not exists refunds (
          id text primary key, key text not null unique, charge text not null references charges, amount integer not null)""",
        """create table if not exists webhooks (
          id text primary key, body text not null, due_at real not null, acknowledged integer not null default 0)""",
        "create index if not exists webhooks_due on webhooks (acknowledged, due_at)",
    ),
    (
        "alter table charges add column created_at real not null default 0",
        "create index charges_made on charges (created_at)",
        "alter table refunds add column status text not null default 'succeeded'",
        "alter table refunds add column becomes text",
        "alter table refunds add column settles_at real",
        "alter table refunds add column created_at real not null default 0",
        "create index refunds_made on refunds (created_at)",
        "create index refunds_of on refunds (charge)",
        "create index refunds_unsettled on refunds (settles_at) where becomes is not null",
        """create table disputes (
          id text primary key, charge text not null references charges, amount integer not null, status text not null,
          reason text not null, created_at real not null)""",
        "create index disputes_of on disputes (charge)",
        "create index disputes_opened on disputes (created_at)",
        """create table accounts (
          id text primary key, key text not null unique, host text not null, country text not null, email text not null,
          ready integer not null default 0)""",
        """create table payouts (
          id text primary key, key text not null unique, account text not null references accounts, amount integer not null,
          currency text not null, created_at real not null)""",
    ),
    ("create index payouts_made on payouts (created_at)",),
)
"""How the file came to its present shape; a file knows by its ``user_version`` how many of the steps it has taken."""


class Books:
    """The file, and the connections to it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._idle: list[sqlite3.Connection] = []
        weakref.finalize(self, _close, self._idle)
        with self.reading() as books:
            books.execute("pragma journal_mode = wal")
        with self.writing() as books:
            (taken,) = books.execute("pragma user_version").fetchone()
            for statement in (statement for step in _STEPS[taken:] for statement in step):
                books.execute(statement)
            books.execute(f"pragma user_version = {len(_STEPS)}")

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection that nobody else uses meanwhile. They are kept, as opening one costs more than a charge does.

        Raises:
            Unavailable: the file can't be used.
        """
        try:
            books = self._connection()
            try:
                yield books
            except sqlite3.Error:
                books.close()
                raise
            except BaseException:
                self._idle.append(books)
                raise
            self._idle.append(books)
        except sqlite3.Error as error:
            raise Unavailable(f"gateway: {self._path}: {error}") from error

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """The same in a transaction of its own, of which an error leaves nothing.

        Raises:
            Unavailable: the file can't be used.
        """
        with self.reading() as books:
            books.execute("begin immediate")
            try:
                yield books
            except BaseException:
                books.execute("rollback")
                raise
            books.execute("commit")

    def close(self) -> None:
        """Close the file."""
        _close(self._idle)

    def _connection(self) -> sqlite3.Connection:
        with suppress(IndexError):
            return self._idle.pop()
        books = sqlite3.connect(self._path, timeout=10, isolation_level=None, check_same_thread=False)
        books.row_factory = sqlite3.Row
        return books


def _close(connections: list[sqlite3.Connection]) -> None:
    while connections:
        connections.pop().close()
