"""The store is refused, hangs, hangs up, or is not the one that is meant: that is said in time, and pages go on."""

from __future__ import annotations

import logging
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from dinnerkit import Kit, Settings, create_app
from dinnerkit.errors import BackendFault, Unavailable
from dinnerkit.ids import new_id
from dinnerkit.ports.media import LONGEST_KEY, MOST_BYTES
from dinnerkit.testing import settings_for_tests
from dinnerkit.testing.proxy import Proxy, proxy
from dinnerkit_s3 import open_media
from dinnerkit_s3.store import ATTEMPTS, CONNECT_SECONDS, PING_CONNECT_SECONDS, PING_READ_SECONDS, READ_SECONDS, S3Media
from tests.conftest import with_database
from tests.services.s3 import KEY, SECRET, admin

BOUND = ATTEMPTS * (CONNECT_SECONDS + READ_SECONDS) + 1


@pytest.fixture
def between(server: int) -> Iterator[Proxy]:
    with proxy(server) as opened:
        yield opened


@pytest.fixture
def store(between: Proxy) -> Iterator[S3Media]:
    opened = open_media(f"s3://{KEY}:{SECRET}@photos/{new_id()}?endpoint=http://127.0.0.1:{between.port}")
    yield opened
    opened.close()


def test_what_it_may_take_is_within_what_the_port_promises():
    assert BOUND <= 15
    assert PING_CONNECT_SECONDS + PING_READ_SECONDS < 3


def test_a_store_that_hangs_is_given_up_after_a_second_attempt(store: S3Media, between: Proxy):
    store.put("photos/1", b"a", "image/webp")
    between.turn("hangs")
    started = time.monotonic()
    with pytest.raises(Unavailable, match="does not answer"):
        store.get("photos/1")
    assert time.monotonic() - started < BOUND + 5  # and what a busy machine adds
    assert between.tries <= ATTEMPTS
    with pytest.raises(Unavailable):
        store.ping()
    between.turn("well")
    assert store.get("photos/1").content == b"a"
    store.ping()


@pytest.mark.parametrize("mode", ["refuses", "drops"])
def test_one_that_hangs_up_is_asked_once_more_and_found_when_it_is_back(store: S3Media, between: Proxy, mode: str):
    store.put("photos/1", b"a", "image/webp")
    between.turn(mode)
    with pytest.raises(Unavailable):
        store.stat("photos/1")
    with pytest.raises(Unavailable):
        store.listed()
    between.turn("well")
    assert store.stat("photos/1").size == 1


def test_a_bucket_that_is_not_there_is_no_empty_store(server: int):
    store = open_media(f"s3://{KEY}:{SECRET}@nowhere?endpoint=http://127.0.0.1:{server}")
    calls = (store.ping, store.listed, lambda: store.get("a"), lambda: store.stat("a"), lambda: store.put("a", b"a", "image/webp"))
    for call in calls:
        with pytest.raises(Unavailable):
            call()


def test_what_is_larger_than_media_are_is_not_read(store: S3Media, server: int, monkeypatch: pytest.MonkeyPatch):
    store.put("photos/1", b"abc", "image/webp")
    monkeypatch.setattr("dinnerkit_s3.store.MOST_BYTES", 2)
    assert MOST_BYTES > 2
    with pytest.raises(BackendFault, match="larger than media are"):
        store.get("photos/1")


def test_what_others_put_there_is_listed_past(opened, server: int, place: str):
    store = opened()
    prefix = place.partition("/photos/")[0]
    folder = place.partition("@photos/")[2].partition("?")[0]
    assert prefix
    for name in ("IMG 1.JPG", "a//b", "photos/IMG.JPG"):
        admin(server).put_object(Bucket="photos", Key=f"{folder}/{name}", Body=b"a")
    keys = [f"photos/{number}" for number in range(5)] + ["z" * (LONGEST_KEY - 10)]
    for key in keys:
        store.put(key, b"a", "image/webp")
    assert [info.key for info in store.listed()] == keys
    assert [info.key for info in store.listed(limit=2)] == keys[:2]
    assert [info.key for info in store.listed("photos/", keys[1], limit=2)] == keys[2:4]


def test_nothing_secret_is_in_the_log_however_much_is_written_there(store: S3Media, between: Proxy, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    store.put("photos/1", b"a", "image/webp")
    between.turn("drops")
    with pytest.raises(Unavailable):
        store.get("photos/1")
    assert caplog.records
    assert SECRET not in caplog.text


@pytest.fixture
def kit(mongo_url: str, tmp_path: Path, between: Proxy) -> Iterator[Kit]:
    media = f"s3://{KEY}:{SECRET}@photos/{new_id()}?endpoint=http://127.0.0.1:{between.port}&direct=yes"
    with Kit.open(Settings(**settings_for_tests(with_database(mongo_url, f"test-{new_id()}"), tmp_path, media=media))) as opened:
        yield opened
        opened.database.client.drop_database(opened.database.name)


def test_without_it_pages_go_on_and_people_are_told(kit: Kit, between: Proxy):
    between.turn("refuses")
    app: Flask = create_app(kit=kit)
    client = app.test_client()
    page = client.get("/")
    assert page.status_code == 200
    assert f"img-src 'self' data: http://127.0.0.1:{between.port};" in page.headers["Content-Security-Policy"]
    ready = client.get("/health/ready")
    assert (ready.status_code, ready.json["status"], ready.json["backends"]["media"]["state"]) == (200, "degraded", "down")
    between.turn("well")
    assert client.get("/health/ready").json["backends"]["media"]["state"] == "up"


GREENLETS = """
from gevent import monkey
monkey.patch_all()
import sys, time
import gevent
from dinnerkit_s3 import open_media
store = open_media(sys.argv[1])
turns = 0
def tick():
    global turns
    while True:
        gevent.sleep(0.001)
        turns += 1
ticking = gevent.spawn(tick)
def work(number):
    key = f"photos/{number}"
    store.put(key, key.encode() * 1000, "image/webp")
    return store.get(key).content == key.encode() * 1000
jobs = [gevent.spawn(work, number) for number in range(80)]
gevent.joinall(jobs, raise_error=True)
assert all(job.value for job in jobs)
assert turns > 20, turns
print("well")
"""


def test_it_works_for_greenlets_more_than_it_has_connections_for(place: str):
    ended = subprocess.run([sys.executable, "-c", GREENLETS, place], capture_output=True, text=True, check=False)
    assert ended.stdout == "well\n", ended.stderr
    assert "Connection pool is full" not in ended.stderr
