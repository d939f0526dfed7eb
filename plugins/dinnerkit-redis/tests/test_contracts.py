"""The plugin passes dinnerkit's contracts: on one server, by a sentinel, on a cluster."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dinnerkit.ids import new_id
from dinnerkit.testing import (
    BusBench,
    BusContract,
    CacheBench,
    CacheContract,
    LimiterBench,
    LimiterContract,
    QueueBench,
    QueueContract,
    SessionBench,
    SessionContract,
)
from dinnerkit_redis import open_bus, open_cache, open_limiter, open_queue, open_sessions, queue
from tests.services.redis import MASTER, PASSWORD, say

AT_ONCE = 3.0
"""Seconds that a failure may take here: the machine has other work too, and a client without time limits would wait for ever."""

SHORT = 0.1
"""Seconds for which a worker waits for a task: nearly each test of the queue lets one wait in vain, after the last task."""


def mine(url: str) -> str:
    """The URL, with keys that no other test has."""
    return f"{url}?timeout=2&prefix=t{new_id().lower()[:30]}"


def away(opener: Callable[[str], Any], url: str) -> Callable[[str, int], Any]:
    """Opens a backend of the URL's form at an address where there is no Redis."""
    scheme = url.partition("://")[0]
    path = f"/{MASTER}" if "sentinel" in scheme else ""
    return lambda host, port: opener(f"{scheme}://ours:{PASSWORD}@{host}:{port}{path}")


class TestRedisQueue(QueueContract):
    @pytest.fixture
    def bench(self, url: str, monkeypatch: pytest.MonkeyPatch) -> QueueBench:
        monkeypatch.setattr(queue, "_WAIT_SECONDS", SHORT)
        place = mine(url)
        return QueueBench(open=lambda: open_queue(place), reach=away(open_queue, url), at_once=AT_ONCE, secrets=[PASSWORD])


class TestRedisLimiter(LimiterContract):
    @pytest.fixture
    def bench(self, url: str) -> LimiterBench:
        place = mine(url)
        return LimiterBench(open=lambda: open_limiter(place), reach=away(open_limiter, url), at_once=AT_ONCE, secrets=[PASSWORD])


class TestRedisBus(BusContract):
    @pytest.fixture
    def bench(self, url: str, request: pytest.FixtureRequest) -> BusBench:
        place = mine(url)
        ports = request.getfixturevalue("cluster") if "cluster" in url else [request.getfixturevalue("server")]

        def interrupt() -> None:
            for port in ports:
                say(port, "CLIENT", "KILL", "TYPE", "pubsub")

        return BusBench(open=lambda: open_bus(place), interrupt=interrupt, reach=away(open_bus, url), at_once=AT_ONCE, secrets=[PASSWORD])


class TestRedisCache(CacheContract):
    @pytest.fixture
    def bench(self, url: str) -> CacheBench:
        place, other = mine(url), mine(url)
        return CacheBench(
            open=lambda: open_cache(place),
            beside=lambda: open_cache(other),
            reach=away(open_cache, url),
            at_once=AT_ONCE,
            secrets=[PASSWORD],
        )


class TestRedisSessions(SessionContract):
    @pytest.fixture
    def bench(self, url: str) -> SessionBench:
        place, other = mine(url), mine(url)
        return SessionBench(
            open=lambda: open_sessions(place),
            beside=lambda: open_sessions(other),
            reach=away(open_sessions, url),
            at_once=AT_ONCE,
            secrets=[PASSWORD],
        )
