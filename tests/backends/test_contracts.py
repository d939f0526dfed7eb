"""The backends that need no server pass the contracts of their kinds."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from dinnerkit.backends.bus import mongo
from dinnerkit.backends.bus.mongo import COLLECTION, DatabaseBus
from dinnerkit.backends.mail import ConsoleMailer
from dinnerkit.backends.sessions import COLLECTION as SESSIONS
from dinnerkit.backends.sessions import DatabaseSessions, OwnMongoSessions
from dinnerkit.plugins import open_backend
from dinnerkit.ports.bus import Bus
from dinnerkit.ports.sessions import SessionStore
from dinnerkit.testing import (
    BusBench,
    BusContract,
    CacheBench,
    CacheContract,
    LimiterBench,
    LimiterContract,
    MailerBench,
    MailerContract,
    QueueBench,
    QueueContract,
    SessionBench,
    SessionContract,
)
from tests.services.mail_server import mail_server

SLOW_MACHINE = 30.0
"""Seconds for what should take a moment, and may take longer beside much other work."""

AT_ONCE = 3.0
"""The same for what must fail in a moment: less than drivers wait by themselves."""


class TestMemoryBus(BusContract):
    @pytest.fixture
    def bench(self) -> BusBench:
        return BusBench(open=lambda: open_backend("bus", "memory://"), shared=False)


class TestDatabaseBus(BusContract):
    @pytest.fixture
    def bench(self, database: Database[Any]) -> BusBench:
        def opened() -> Bus:
            bus: DatabaseBus = open_backend("bus", "database://")
            bus.use(database)
            return bus

        return BusBench(open=opened, interrupt=lambda: database.drop_collection(COLLECTION))  # which ends every change stream on it


class TestMongoBus(BusContract):
    @pytest.fixture
    def bench(self, database: Database[Any], database_url: str, monkeypatch: pytest.MonkeyPatch) -> BusBench:
        monkeypatch.setattr(mongo, "_SECONDS", 0.5)
        wait = "serverSelectionTimeoutMS=300&connectTimeoutMS=300&socketTimeoutMS=300"
        return BusBench(
            open=lambda: open_backend("bus", database_url),
            interrupt=lambda: database.drop_collection(COLLECTION),
            reach=lambda host, port: open_backend("bus", f"mongodb://ours:hunter22@{host}:{port}/news?{wait}"),
            secrets=["hunter22"],
            at_once=AT_ONCE,
        )


class TestMemoryLimiter(LimiterContract):
    @pytest.fixture
    def bench(self) -> LimiterBench:
        return LimiterBench(open=lambda: open_backend("limiter", "memory://"), shared=False)


class TestSqliteQueue(QueueContract):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> QueueBench:
        return QueueBench(open=lambda: open_backend("queue", f"sqlite://{tmp_path}/queue.db"))


class TestMemoryCache(CacheContract):
    @pytest.fixture
    def bench(self) -> CacheBench:
        return CacheBench(open=lambda: open_backend("cache", "memory://"), shared=False, beside=lambda: open_backend("cache", "memory://"))


class TestDiskCache(CacheContract):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> CacheBench:
        return CacheBench(
            open=lambda: open_backend("cache", f"disk://{tmp_path}/cache"),
            beside=lambda: open_backend("cache", f"disk://{tmp_path}/other"),
        )


class TestDatabaseSessions(SessionContract):
    @pytest.fixture
    def bench(self, database: Database[Any]) -> Iterator[SessionBench]:
        def opened(name: str) -> SessionStore:
            store: DatabaseSessions = open_backend("sessions", "database://")
            store.use(database.client[name])
            return store

        other = f"{database.name}-other"
        yield SessionBench(open=lambda: opened(database.name), beside=lambda: opened(other))
        database.client.drop_database(other)


class TestMongoSessions(SessionContract):
    @pytest.fixture
    def bench(self, database_url: str, monkeypatch: pytest.MonkeyPatch) -> SessionBench:
        monkeypatch.setattr(OwnMongoSessions, "_reading", SLOW_MACHINE)
        monkeypatch.setattr(OwnMongoSessions, "_writing", SLOW_MACHINE)

        def reach(host: str, port: int) -> SessionStore:
            monkeypatch.setattr(OwnMongoSessions, "_reading", 0.25)
            monkeypatch.setattr(OwnMongoSessions, "_writing", 0.25)
            return open_backend("sessions", f"mongodb://ours:hunter22@{host}:{port}/sessions")

        return SessionBench(open=lambda: open_backend("sessions", database_url), reach=reach, secrets=["hunter22"], at_once=AT_ONCE)


def test_the_server_forgets_sessions_by_itself(database: Database[Any]) -> None:
    store = DatabaseSessions()
    store.use(database)
    store.put("a" * 64, b"a", 60)
    assert database[SESSIONS].index_information()["expiry"]["expireAfterSeconds"] == 0


class TestConsoleMailer(MailerContract):
    @pytest.fixture
    def bench(self) -> MailerBench:
        stream = io.StringIO()
        return MailerBench(
            open=lambda: ConsoleMailer(stream),
            received=lambda: [each.strip("\n").encode() for each in stream.getvalue().split("-" * 72 + "\n") if each.strip()],
        )


class TestFolderMailer(MailerContract):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> MailerBench:
        return MailerBench(
            open=lambda: open_backend("mail", f"folder://{tmp_path}/mails"),
            received=lambda: [file.read_bytes() for file in (tmp_path / "mails").glob("*.eml")],
        )


class TestSmtpMailer(MailerContract):
    @pytest.fixture
    def bench(self) -> Iterator[MailerBench]:
        with mail_server() as server:
            yield MailerBench(
                open=lambda: open_backend("mail", f"smtp://127.0.0.1:{server.port}?tls=no"),
                received=lambda: server.mails,
                reach=lambda host, port: open_backend("mail", f"smtp://ours:hunter22@{host}:{port}?tls=no&timeout=0.5"),
                secrets=["hunter22"],
            )
