"""The master dies, a sentinel makes another one of its replica, and what was open goes on with that one."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from dinnerkit.errors import Unavailable
from dinnerkit.kit import Kit
from dinnerkit.ports.bus import News
from dinnerkit.settings import Settings
from dinnerkit.testing import settings_for_tests
from dinnerkit.testing.proxy import proxy
from dinnerkit_redis.cache import open_cache
from tests import waiting
from tests.services.redis import MASTER, PASSWORD, redis_sentinel, redis_server, say


def until(what: Callable[[], object]) -> None:
    """Wait until it is true and does not fail: each driver has errors of its own while nobody is the master."""

    def holds() -> bool:
        with suppress(Exception):
            return bool(what())
        return False

    waiting.until(holds)


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[tuple[int, int, int]]:
    """The ports of a master, of its replica, and of the sentinel that watches both."""
    places = [tmp_path / name for name in ("master", "replica", "sentinel")]
    for place in places:
        place.mkdir()
    known = ("--masterauth", PASSWORD, "--repl-diskless-sync-delay", "0")  # which else waits five seconds for more replicas
    with redis_server(places[0], *known) as master, redis_server(places[1], *known, "--replicaof", "127.0.0.1", str(master)) as replica:
        until(lambda: "master_link_status:up" in say(replica, "INFO", "replication"))
        with redis_sentinel(places[2], master, "down-after-milliseconds 500", "failover-timeout 2000") as sentinel:
            until(lambda: f"slave0:ip=127.0.0.1,port={replica},state=online" in say(master, "INFO", "replication"))
            yield master, replica, sentinel


@pytest.mark.parametrize("dies", ["killed", "stopped"])
def test_what_is_open_goes_on_with_the_new_master(database_url: str, tmp_path: Path, watched: tuple[int, int, int], dies: str) -> None:
    master, replica, sentinel = watched
    url = f"redis+sentinel://:{PASSWORD}@127.0.0.1:{sentinel}/{MASTER}"
    kinds = ("cache", "queue", "bus", "limiter", "sessions")
    with Kit.open(Settings(**settings_for_tests(database_url, tmp_path, **dict.fromkeys(kinds, url)))) as kit:
        backends = kit.backends
        backends.cache.set("before", "the failover", 60)
        assert backends.cache.get("before") == "the failover"
        with backends.bus.subscribe("topic") as heard:
            _end(master, stopped=dies == "stopped")
            until(lambda: "role:master" in say(replica, "INFO", "replication"))
            until(lambda: backends.cache.set("after", "it", 60) and backends.cache.get("after") == "it")
            for kind in kinds[1:]:
                until(lambda kind=kind: getattr(backends, kind).ping() is None)

            def told() -> bool:
                backends.bus.publish(News("topic", {"it": "goes on"}))
                return isinstance(heard.next(0.2), News)

            until(told)


def test_an_answer_that_comes_too_late_is_given_to_nobody(tmp_path: Path, server: int) -> None:
    with proxy(server) as between, redis_sentinel(tmp_path, between.port) as sentinel:
        cache = open_cache(f"redis+sentinel://:{PASSWORD}@127.0.0.1:{sentinel}/{MASTER}?prefix=late")
        until(lambda: cache.set("a", "for a", 60) and cache.set("b", "for b", 60))
        for _ in range(20):
            until(lambda: cache.get("a") == "for a")
            between.turn("hangs")
            with pytest.raises(Unavailable):
                cache.get("a")
            between.turn("well")
            with suppress(Unavailable):
                assert cache.get("b") == "for b"
        cache.close()


def _end(port: int, *, stopped: bool) -> None:
    """Kill the server at that port, or have it hang for good."""
    found = subprocess.run(["pgrep", "-f", f"redis-server 127.0.0.1:{port}"], capture_output=True, text=True, check=True)
    for pid in found.stdout.split():
        subprocess.run(["kill", f"-{(signal.SIGSTOP if stopped else signal.SIGKILL).value}", pid], check=True)
