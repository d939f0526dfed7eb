"""The fast lane's second level in Redis, among processes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from dinnerkit.http.lane.shared import Shared
from dinnerkit.ids import new_id
from dinnerkit_redis.cache import open_cache
from tests.services.redis import PASSWORD

MAKER = """
import sys, time
from dinnerkit.http.lane.answers import Answer, Representation
from dinnerkit.http.lane.shared import Shared
from dinnerkit_redis.cache import open_cache

place = Shared(open_cache(sys.argv[1])).open(None, sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
found = place.find_or_claim()
print("made" if found is None else found.plain.body.decode(), flush=True)
sys.stdin.readline()
if found is None:
    place.put(Answer(("things",), None, 0.0, 60.0, Representation.of([("ETag", '"a"'), ("Content-Length", "4")], b"soup")))
"""


class Maker:
    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        assert self.hears() == "ready"

    def hears(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def goes_on(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()


@contextmanager
def makers(number: int, url: str, key: str) -> Iterator[list[Maker]]:
    pipe = subprocess.PIPE
    started = [subprocess.Popen([sys.executable, "-c", MAKER, url, key], stdin=pipe, stdout=pipe, text=True) for _ in range(number)]
    try:
        yield [Maker(one) for one in started]
    finally:
        for one in started:
            one.kill()
            one.communicate()


@pytest.fixture
def one_server(server: int) -> str:
    return f"redis://:{PASSWORD}@127.0.0.1:{server}/0"


def test_of_processes_one_makes_it_and_the_others_are_given_that(one_server: str) -> None:
    with makers(4, one_server, new_id()) as found:
        first, *others = found
        first.goes_on()
        assert first.hears() == "made"
        for other in others:
            other.goes_on()
        first.goes_on()
        assert [other.hears() for other in others] == ["soup"] * 3


def test_when_the_one_who_makes_it_is_killed_another_does(one_server: str) -> None:
    with makers(2, one_server, new_id()) as (first, second):
        first.goes_on()
        assert first.hears() == "made"
        first.process.kill()
        second.goes_on()
        assert second.hears() == "made"


def test_a_purge_holds_for_all_forms_of_redis(url: str) -> None:
    caches = [open_cache(url) for _ in range(2)]
    one, other = (Shared(cache) for cache in caches)
    key = new_id()
    place = one.open("event:1", key)
    assert place is not None
    assert place.find_or_claim() is None
    same = other.open("event:1", key)
    assert same is not None
    assert same._name == place._name
    assert one.purge(["event:1"])
    fresh = other.open("event:1", key)
    assert fresh is not None
    assert fresh._name != place._name
    for cache in caches:
        cache.close()  # type: ignore[attr-defined]
