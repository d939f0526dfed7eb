"""Rooms: many who watch the same, while it changes."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson
import pytest

from dinnerkit.backends.bus.memory import MemoryBus
from dinnerkit.errors import NotFound
from dinnerkit.live import rooms as module
from dinnerkit.live.rooms import Room, Rooms
from dinnerkit.live.service import Watch
from dinnerkit.ports.bus import News
from tests.waiting import until


class Member:
    """Takes note of what it is told."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        self.lost: list[Room] = []
        self.failed = 0

    def tell(self, frame: bytes) -> None:
        self.told.append(orjson.loads(frame[frame.index(b"{") :]))

    def lose(self, room: Room) -> None:
        self.lost.append(room)

    def fail(self) -> None:
        self.failed += 1

    @property
    def numbers(self) -> list[int]:
        return [one["n"] for one in self.told if "n" in one]


class Thing:
    """What is watched: a number that takes a moment to be read."""

    def __init__(self) -> None:
        self.n = self.reads = 0
        self.error: Exception | None = None

    def read(self) -> dict[str, int]:
        self.reads += 1
        n = self.n
        time.sleep(0.001)
        if self.error is not None:
            raise self.error
        return {"n": n}

    @property
    def watch(self) -> Watch:
        return Watch("thing", "thing", {"topic": "thing"}, lambda _told, _heard: self.read(), self.read)


@pytest.fixture
def bus() -> MemoryBus:
    return MemoryBus()


@pytest.fixture
def rooms(bus: MemoryBus, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rooms]:
    monkeypatch.setattr(module, "TELL_SECONDS", 0.01)
    with ThreadPoolExecutor(4) as crew:
        made = Rooms(bus, crew)
        yield made
        for room in [room for topic in made._topics.values() for room in topic.rooms.values()]:
            for member in list(room.members):
                made.leave(room, member)


def test_whoever_comes_while_it_changes_hears_the_latest_last_and_nothing_older_after_newer(bus: MemoryBus, rooms: Rooms) -> None:
    thing, members = Thing(), [Member() for _ in range(80)]
    halves = [members[start::8] for start in range(8)]

    def come(some: list[Member]) -> None:
        for member in some:
            rooms.join(thing.watch, member)

    threads = [threading.Thread(target=come, args=(some,)) for some in halves]
    for thread in threads:
        thread.start()
    for n in range(1, 101):
        thing.n = n
        bus.publish(News("thing", {"about": ""}))
        time.sleep(0.001)
    for thread in threads:
        thread.join()
    until(lambda: all(member.numbers[-1] == 100 for member in members))
    for member in members:
        assert member.told[0] == {"type": "watching", "topic": "thing"}
        assert member.numbers == sorted(member.numbers)


def test_a_change_is_read_once_for_all_and_who_come_together_share_a_reading(bus: MemoryBus, rooms: Rooms) -> None:
    thing, members = Thing(), [Member() for _ in range(50)]
    for member in members:
        rooms.join(thing.watch, member)
    before, thing.n = thing.reads, 7
    bus.publish(News("thing", {"about": ""}))
    until(lambda: all(member.numbers == [0, 7] for member in members))
    assert thing.reads == before + 1


def test_who_comes_later_hears_how_it_is_then_though_nothing_told_of_the_change(rooms: Rooms) -> None:
    thing, members = Thing(), [Member(), Member()]
    for n, member in enumerate(members):
        thing.n = n
        rooms.join(thing.watch, member)
    assert [member.numbers for member in members] == [[0], [1]]


def test_a_reading_from_before_a_change_is_not_shared_after_it(bus: MemoryBus, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock stands still, so that whoever comes seems to have come before the latest reading began."""
    monkeypatch.setattr(module, "TELL_SECONDS", 0.0)
    thing, one, other = Thing(), Member(), Member()
    with ThreadPoolExecutor(1) as crew:
        still = Rooms(bus, crew, clock=lambda: 0.0)
        room = still.join(thing.watch, one)
        thing.n = 7
        bus.publish(News("thing", {"about": ""}))
        until(lambda: one.numbers == [0, 7])
        still.join(thing.watch, other)
        for member in (one, other):
            still.leave(room, member)
    assert other.numbers == [7]


def test_what_changes_often_is_told_now_and_then_and_the_latest_last(bus: MemoryBus, rooms: Rooms, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TELL_SECONDS", 0.2)
    thing, member = Thing(), Member()
    rooms.join(thing.watch, member)
    began = time.monotonic()
    for n in range(1, 21):
        thing.n = n
        bus.publish(News("thing", {"about": ""}))
        time.sleep(0.005)
    until(lambda: member.numbers[-1] == 20)
    assert len(member.numbers) <= 3 + (time.monotonic() - began) / 0.2


def test_what_is_gone_is_told_to_all_and_watched_no_more(bus: MemoryBus, rooms: Rooms) -> None:
    thing, members = Thing(), [Member(), Member()]
    found = [rooms.join(thing.watch, member) for member in members]
    thing.error = NotFound("gone")
    bus.publish(News("thing", {"about": ""}))
    until(lambda: all(member.told[-1] == {"type": "gone", "topic": "thing"} for member in members))
    assert [member.lost for member in members] == [found[:1], found[1:]]
    with pytest.raises(NotFound):
        rooms.join(thing.watch, Member())


def test_where_it_cant_be_read_nobody_goes_on_with_what_was(bus: MemoryBus, rooms: Rooms) -> None:
    thing, member = Thing(), Member()
    room = rooms.join(thing.watch, member)
    thing.error = ZeroDivisionError()
    bus.publish(News("thing", {"about": ""}))
    until(lambda: member.failed)
    thing.error = None
    bus.publish(News("thing", {"about": ""}))
    until(lambda: len(member.numbers) == 2)
    rooms.leave(room, member)


def test_when_the_last_has_left_nothing_is_heard_until_another_comes(bus: MemoryBus, rooms: Rooms) -> None:
    thing, one, other = Thing(), Member(), Member()
    for _ in range(2):
        entered = [(rooms.join(thing.watch, member), member) for member in (one, other, one)]
        assert len(bus._hub) == 1
        for room, member in entered:
            rooms.leave(room, member)
        until(lambda: not len(bus._hub))
        assert not bus._hub._listening
    told = len(one.told)
    bus.publish(News("thing", {"about": ""}))
    assert len(one.told) == told
