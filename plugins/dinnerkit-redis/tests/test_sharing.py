"""Several apps share a Redis, of whatever age: each has its keys and its channel, and is not disturbed by the others."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from limits import RateLimitItemPerHour
from limits.storage import storage_from_string
from limits.strategies import MovingWindowRateLimiter

from dinnerkit.ports.bus import News
from dinnerkit_redis import open_bus, open_cache, open_limiter, open_queue, open_sessions
from tests.services.redis import PASSWORD, redis_server, say
from tests.waiting import DEADLINE


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """Of a server of this test's own."""
    with redis_server(tmp_path) as opened:
        yield opened


def test_all_keys_and_the_channel_begin_with_the_prefix(port: int) -> None:
    say(port, "ACL", "SETUSER", "anna", "on", f">{PASSWORD}", "~ours:*", "&ours:*", "+@all")
    place = f"redis://anna:{PASSWORD}@127.0.0.1:{port}?prefix=ours&timeout=2"
    with closing(open_queue(place)) as queue, closing(open_limiter(place)) as limiter, closing(open_bus(place)) as bus:
        emails = queue.huey("emails")
        deliver = emails.task(name="deliver")(lambda number: number)
        deliver(1)
        emails.storage.add_to_schedule(b"later", datetime.now(UTC))
        emails.storage.put_data("a", b"1")
        emails.storage.incr("b")
        counts = MovingWindowRateLimiter(storage_from_string(limiter.uri, **limiter.options))
        assert counts.hit(RateLimitItemPerHour(1), "anna")
        cache = open_cache(place)
        cache.set("a", 1, 60)
        cache.close()
        with closing(open_sessions(place)) as sessions:
            sessions.ping()
            sessions.put("a" * 64, b"a", 60)
            assert sessions.get("a" * 64) is not None
        with bus.subscribe("a") as listener:
            bus.publish(News("a", {"n": 1}))
            assert listener.next(DEADLINE) == News("a", {"n": 1})
        keys = say(port, "KEYS", "*").split("\r\n")[2::2]
        assert len(keys) in {7, 8}  # the one by which sessions find out whether Redis takes any lives for a second
        assert [key for key in keys if not key.startswith("ours:")] == []
        assert emails.storage.dequeue() is not None


def test_databases_are_apart_also_on_the_bus(port: int) -> None:
    place = f"redis://:{PASSWORD}@127.0.0.1:{port}"
    here, there = (open_bus(f"{place}/{db}?timeout=2") for db in (0, 5))
    with closing(here), closing(there), here.subscribe("a") as hears, there.subscribe("a") as told:
        there.publish(News("a", {"from": "there"}))
        assert told.next(DEADLINE) == News("a", {"from": "there"})
        here.publish(News("a", {"from": "here"}))
        assert hears.next(DEADLINE) == News("a", {"from": "here"})


def test_news_that_are_no_object_are_dropped(port: int) -> None:
    with closing(open_bus(f"redis://:{PASSWORD}@127.0.0.1:{port}/0?timeout=2")) as bus, bus.subscribe("a") as listener:
        bus.publish(News("a", {"n": 1}))
        assert listener.next(DEADLINE) == News("a", {"n": 1})
        for body in ("7", "null", "[1]"):
            say(port, "PUBLISH", "dinnerkit:bus:0", f'[[["a","{body}"]],false]')
        bus.publish(News("a", {"n": 2}))
        assert listener.next(DEADLINE) == News("a", {"n": 2})


class _Five(socketserver.StreamRequestHandler):
    """Speaks as Redis 5 does: no HELLO, and a password without a name."""

    def handle(self) -> None:
        while line := self.rfile.readline():
            words = []
            for _ in range(int(line[1:])):
                size = int(self.rfile.readline()[1:])
                words.append(self.rfile.read(size))
                self.rfile.readline()
            known = {(b"PING", 1): b"+PONG", (b"AUTH", 2): b"+OK", (b"SELECT", 2): b"+OK", (b"GET", 2): b"$-1"}
            self.wfile.write(known.get((words[0].upper(), len(words)), b"-ERR unknown command") + b"\r\n")


def test_a_redis_that_is_older_than_hello_is_spoken_to() -> None:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Five) as five:
        five.daemon_threads = True
        threading.Thread(target=five.serve_forever, daemon=True).start()
        cache = open_cache(f"redis://:{PASSWORD}@127.0.0.1:{five.server_address[1]}/1?timeout=2")
        assert cache.get("a") is None
        cache.close()
        five.shutdown()
