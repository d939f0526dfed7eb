"""What is told to other processes, and what is done where that fails."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dinnerkit.backends.bus.memory import MemoryBus
from dinnerkit.errors import Unavailable
from dinnerkit.http.lane import purging
from dinnerkit.http.lane.purging import TOPIC, Purges
from dinnerkit.http.lane.shelf import Shelf
from dinnerkit.ports.bus import MISSED, News
from tests.waiting import until


class Heard:
    """A shelf that tells what it was told."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def purge(self, keys: Sequence[str]) -> None:
        self.told.append(list(keys))

    def clear(self) -> None:
        self.told.append("all")


class WeakBus(MemoryBus):
    """Can be down: then it hands out nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.down = False

    def publish(self, *news: News) -> None:
        if not self.down:
            super().publish(*news)

    def ping(self) -> None:
        if self.down:
            raise Unavailable("down")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(purging, "_LOOK_SECONDS", 0.01)
    monkeypatch.setattr(purging, "_ECHO_SECONDS", 0.01)


@pytest.fixture
def bus() -> WeakBus:
    return WeakBus()


@pytest.fixture
def other(bus: WeakBus) -> Iterator[tuple[Purges, Heard]]:
    """Another process that listens."""
    purges, heard = Purges(bus), Heard()
    purges.attach(heard)
    purges.listen()
    until(lambda: purges.heard)
    heard.told.clear()
    yield purges, heard
    purges.close()


def test_a_purge_reaches_this_process_at_once_and_the_others_by_the_bus(bus: WeakBus, other: tuple[Purges, Heard]) -> None:
    here, mine = Purges(bus), Heard()
    here.attach(mine)
    here.purge("a", "b")

    assert mine.told == [["a", "b"]]
    until(lambda: other[1].told == [["a", "b"]])


def test_ones_own_purges_are_not_heard_again(bus: WeakBus, other: tuple[Purges, Heard]) -> None:
    other[0].purge("a")
    Purges(bus).purge("b")
    until(lambda: ["b"] in other[1].told)
    assert other[1].told == [["a"], ["b"]]


def test_many_keys_are_told_in_parts(bus: WeakBus, other: tuple[Purges, Heard]) -> None:
    keys = [f"event:{number:058}" for number in range(130)]
    Purges(bus).purge(*keys)
    until(lambda: sum(map(len, other[1].told)) == 130)
    assert [key for part in other[1].told for key in part] == keys


@pytest.mark.parametrize("keys", [("",), ("x" * 65,), ("a", "")])
def test_a_key_is_neither_empty_nor_long(bus: WeakBus, keys: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="surrogate key"):
        Purges(bus).purge(*keys)


@pytest.mark.parametrize("body", [{}, {"keys": "a"}, {"keys": [1]}, {"from": 1, "keys": None}])
def test_what_makes_no_sense_purges_everything(bus: WeakBus, other: tuple[Purges, Heard], body: dict[str, Any]) -> None:
    bus.publish(News(TOPIC, body))
    until(lambda: other[1].told == ["all"])


def test_what_may_have_been_missed_purges_everything(other: tuple[Purges, Heard]) -> None:
    other[0].take(MISSED)
    assert other[1].told == ["all"]


def test_a_bus_that_is_away_is_noticed_and_what_was_kept_meanwhile_goes_when_it_is_back(bus: WeakBus, other: tuple[Purges, Heard]) -> None:
    purges, heard = other
    bus.down = True
    until(lambda: not purges.heard)
    assert purges.was_heard
    bus.down = False
    until(lambda: purges.heard)
    assert heard.told == ["all"]


def test_a_forked_child_does_not_take_its_parents_ears_for_its_own(other: tuple[Purges, Heard], monkeypatch: pytest.MonkeyPatch) -> None:
    purges, heard = other
    monkeypatch.setattr(purging.os, "getpid", lambda: -1)
    assert not purges.heard
    purges.listen()
    until(lambda: purges.heard)
    assert heard.told == ["all"]


def test_a_listener_that_ends_by_a_fault_is_heard_no_more(
    other: tuple[Purges, Heard], bus: WeakBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    monkeypatch.setattr(other[1], "purge", None)
    Purges(bus).purge("a")
    until(lambda: not other[0].heard)


def listeners() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name == "dinnerkit-lane"}


def test_it_listens_once_and_ends_when_it_is_closed_or_forgotten(bus: WeakBus) -> None:
    before = listeners()  # of other tests, which end meanwhile
    purges, forgotten = Purges(bus), Purges(bus)
    purges.listen()
    [first] = listeners() - before
    for one in (forgotten, purges, forgotten):
        one.listen()
    [second] = listeners() - before - {first}
    purges.close()
    until(lambda: not first.is_alive())
    assert second.is_alive()
    assert not purges.listen()
    del forgotten, one
    gc.collect()
    until(lambda: not second.is_alive())


class Thing:
    def __init__(self, size: int, *keys: str) -> None:
        self.size, self.keys = size, keys


def test_a_shelf_forgets_what_was_wanted_longest_ago() -> None:
    shelf: Shelf[Thing] = Shelf(100)
    for name in "abcdefgh":
        assert shelf.keep(name, Thing(12, name), shelf.mark())
    shelf.get("a")
    shelf.keep("i", Thing(12, "i"), shelf.mark())
    assert (shelf.get("a") is None, shelf.get("b") is None, shelf.bytes) == (False, True, 96)
    assert not shelf.keep("huge", Thing(13, "huge"), shelf.mark())


def test_what_grows_is_weighed_again() -> None:
    shelf: Shelf[Thing] = Shelf(100)
    things = [Thing(12, str(number)) for number in range(8)]
    for number, thing in enumerate(things):
        shelf.keep(number, thing, shelf.mark())
    things[7].size = 40
    shelf.grown(7, things[7])
    assert shelf.bytes == 40 + 12 * 5
    assert shelf.get(0) is None
    shelf.grown(0, things[0])
    assert shelf.bytes == 100


def test_more_purges_than_are_remembered_let_nothing_old_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dinnerkit.http.lane.shelf._MOST_PURGED", 3)
    shelf: Shelf[Thing] = Shelf(100)
    begun = shelf.mark()
    shelf.purge(["a"])
    for number in range(3):
        shelf.purge([f"other {number}"])
    assert not shelf.keep("a", Thing(1, "a"), begun)
    assert shelf.keep("a", Thing(1, "a"), shelf.mark())


@given(st.lists(st.tuples(st.sampled_from(["begin", "keep", "purge", "clear"]), st.integers(0, 3)), max_size=40))
@settings(deadline=None)
def test_nothing_is_ever_given_that_was_begun_before_its_last_purge(steps: list[tuple[str, int]]) -> None:
    shelf: Shelf[Thing] = Shelf(1000)
    purged, begun, kept_since = dict.fromkeys(range(4), -1), dict[int, tuple[int, int]](), dict[int, int]()
    for now, (step, key) in enumerate(steps):
        if step == "begin":
            begun[key] = (now, shelf.mark())
        elif step == "keep" and key in begun:
            at, mark = begun[key]
            assert shelf.keep(key, Thing(1, str(key)), mark) is (at > purged[key])
            if at > purged[key]:
                kept_since[key] = at
        elif step in {"purge", "clear"}:
            gone = [key] if step == "purge" else list(range(4))
            purged |= dict.fromkeys(gone, now)
            if step == "purge":
                shelf.purge([str(key)])
            else:
                shelf.clear()
            for one in gone:
                kept_since.pop(one, None)
        assert {key for key in range(4) if shelf.get(key)} == kept_since.keys()
