"""The backends that need no server pass the contracts of their kinds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from dinnerkit.backends.bus import mongo
from dinnerkit.backends.bus.mongo import COLLECTION, DatabaseBus
from dinnerkit.plugins import open_backend
from dinnerkit.ports.bus import Bus
from dinnerkit.testing import BusBench, BusContract, CacheBench, CacheContract, LimiterBench, LimiterContract, QueueBench, QueueContract


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
