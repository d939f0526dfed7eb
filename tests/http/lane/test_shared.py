"""What several processes keep together: here each app is one, with news of its own and a cache for all."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from dinnerkit.backends.bus.memory import MemoryBus
from dinnerkit.backends.cache import MemoryCache
from dinnerkit.errors import Unavailable
from dinnerkit.http.lane import shared as module
from dinnerkit.http.lane.answers import Answer, Representation
from dinnerkit.http.lane.purging import Purges
from dinnerkit.http.lane.shared import Regulars, Shared, dumped, loaded
from dinnerkit.ids import new_id
from dinnerkit.ports.bus import MISSED
from tests.http.lane.conftest import Open, Things
from tests.waiting import DEADLINE, until

LIST = "/x/v1/things"
ID = new_id()
KEPT = Answer(("things",), None, 0.0, 60.0, Representation.of([("ETag", '"a"'), ("Content-Length", "4")], b"soup"))


class Store(MemoryCache):
    """Takes claims, and can be away."""

    def __init__(self) -> None:
        super().__init__(threshold=10_000)
        self.lock = threading.RLock()
        self.away = False
        self.looked = self.asked = 0

    def get(self, key: str) -> Any:
        self._there()
        self.looked += 1
        return super().get(key)

    def set(self, key: str, value: Any, timeout: Any = None) -> Any:
        self._there()
        with self.lock:
            return super().set(key, value, timeout)

    def claim(self, key: str, value: Any, timeout: int) -> bool:
        self._there()
        with self.lock:
            return bool(super().get(key) is None and super().set(key, value, timeout))

    def delete(self, key: str) -> bool:
        self._there()
        return super().delete(key)

    def _there(self) -> None:
        self.asked += 1
        if self.away:
            raise Unavailable("away")

    def forget(self, part: str) -> int:
        """Lose what has this in its key, whose end is ``$``, as a cache may."""
        lost = [key for key in self._cache if part in f"{key}$"]
        for key in lost:
            del self._cache[key]
        return len(lost)


@pytest.fixture(autouse=True)
def no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_REST_SECONDS", 0.0)


@pytest.fixture
def store() -> Store:
    return Store()


class Process:
    def __init__(self, app: Flask, purges: Purges, shared: Shared) -> None:
        self.app, self.purges, self.shared = app, purges, shared

    def made(self, path: str = LIST) -> int:
        response = self.app.test_client().get(path)
        assert response.status_code == 200
        return response.json["made"]


@pytest.fixture
def process(open_app: Open, store: Store, bus: MemoryBus) -> Iterator[Callable[[], Process]]:
    """Makes a process; all of them make their answers by one view, which counts."""
    opened = []

    def make() -> Process:
        shared = Shared(store)
        purges = Purges(bus, shared)
        opened.append(purges)
        purges.listen()
        until(lambda: purges.heard)
        return Process(open_app(heard=purges, shared=shared), purges, shared)

    yield make
    for purges in opened:
        purges.close()


Make = Callable[[], Process]


def test_what_one_made_the_others_give(process: Make) -> None:
    one, other = process(), process()
    assert [one.made(), other.made(), other.made()] == [1, 1, 1]
    assert [one.made(f"{LIST}/{ID}"), other.made(f"{LIST}/{ID}")] == [2, 2]
    first, second = (each.app.test_client().get(LIST) for each in (one, other))
    own = {"X-Request-Id"}
    assert [pair for pair in first.headers if pair[0] not in own] == [pair for pair in second.headers if pair[0] not in own]


def test_what_a_query_asks_for_once_is_not_looked_for_in_the_store(process: Make, store: Store) -> None:
    one, other = process(), process()
    looked = store.looked
    assert [one.made(f"{LIST}?page={page}") for page in range(5)] == [1, 2, 3, 4, 5]
    assert other.made(f"{LIST}?page=0") == 6
    assert store.looked == looked
    one.purges.purge("things")
    until(lambda: len(next(iter(other.purges._kept))) == 0)
    assert [one.made(f"{LIST}?page=0"), other.made(f"{LIST}?page=0")] == [7, 7]


def test_who_makes_one_asks_the_store_five_times_and_who_is_given_it_three_times(process: Make, store: Store) -> None:
    one, other = process(), process()
    one.shared.open(None, "anything")  # from then on there are an epoch and a generation
    before = store.asked
    assert one.made() == 1
    assert store.asked == before + 5
    assert other.made() == 1
    assert store.asked == before + 8


def test_who_looked_just_before_it_was_kept_does_not_make_it_again(process: Make, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    maker, late = (process().shared.open(None, "key") for _ in range(2))
    assert maker is not None
    assert late is not None
    read = late._shared.read

    def slow_read(key: str) -> Any:
        found = read(key)
        monkeypatch.setattr(late._shared, "read", read)
        assert maker.find_or_claim() is None
        maker.put(KEPT)
        return found

    monkeypatch.setattr(late._shared, "read", slow_read)
    found = late.find_or_claim()
    assert found is not None
    assert found.plain == KEPT.plain


def test_so_many_queries_are_remembered_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LATEST", 10)
    regulars = Regulars()
    assert [regulars.has(number) for number in (*range(10), 0, 9)] == [False] * 10 + [True] * 2
    assert not any(regulars.has(number) for number in range(20, 40))
    assert not regulars.has(5)
    assert len(regulars._latest | regulars._before) <= 20


def test_a_purge_by_one_holds_for_those_who_look_there_later(process: Make) -> None:
    one, other = process(), process()
    assert one.made(f"{LIST}/{ID}") == 1
    assert one.made() == 2
    one.purges.purge(f"thing:{ID}")
    assert [other.made(f"{LIST}/{ID}"), one.made(f"{LIST}/{ID}")] == [3, 3]
    assert other.made() == 4


def test_a_purge_of_another_thing_leaves_it(process: Make) -> None:
    one, other = process(), process()
    assert one.made(f"{LIST}/{ID}") == 1
    one.purges.purge("thing:other")
    assert other.made(f"{LIST}/{ID}") == 1


def test_what_was_begun_before_a_purge_is_found_by_nobody_after_it(process: Make, things: Things) -> None:
    one, other = process(), process()
    things.meanwhile = lambda: other.purges.purge("things")
    assert one.made() == 1
    things.meanwhile = lambda: None
    until(lambda: len(next(iter(one.purges._kept))) == 0)
    assert [other.made(), process().made()] == [2, 2]


def test_what_may_not_be_kept_is_not_kept_here(process: Make, things: Things, store: Store) -> None:
    one, other = process(), process()
    for path in ("/x/v1/cookie", "/x/v1/personal", "/x/v1/failing", "/x/v1/unnamed"):
        for each in (one, other, one):
            each.app.test_client(use_cookies=False).get(path)
        assert things.made[path] == 3
        store.forget(":a:")


def test_of_processes_that_want_the_same_one_makes_it(process: Make, things: Things, monkeypatch: pytest.MonkeyPatch) -> None:
    processes = [process() for _ in range(4)]
    waits: list[float] = []
    all_wait = threading.Event()

    def sleep(_: float) -> None:
        waits.append(1)
        if len(waits) >= 3:
            all_wait.set()
        all_wait.wait(0.01)

    monkeypatch.setattr(module.time, "sleep", sleep)
    things.meanwhile = lambda: all_wait.wait(DEADLINE)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(Process.made, processes)) == [1] * 4
    assert things.made[LIST] == 1


def test_the_claim_of_one_who_was_killed_ends_and_another_makes_it(process: Make, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    one = process()
    place = one.shared.open(None, "key")
    assert place is not None
    assert place.find_or_claim() is None  # and nothing comes of it any more
    monkeypatch.setattr(module.time, "sleep", lambda _: store.forget(":c$"))  # as its time does
    again = one.shared.open(None, "key")
    assert again is not None
    assert again.find_or_claim() is None
    assert again._claimed_at is not None


def test_who_waits_as_long_as_a_claim_holds_makes_its_own(process: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    one = process()
    places = [one.shared.open(None, "key") for _ in range(2)]
    assert places[0].find_or_claim() is None
    now = module.time.monotonic()
    monkeypatch.setattr(module.time, "sleep", lambda _: monkeypatch.setattr(module.time, "monotonic", lambda: now + 3))
    assert places[1].find_or_claim() is None
    assert places[1]._claimed_at is None


def test_a_claim_that_may_be_anothers_is_not_given_back(process: Make, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    place = process().shared.open(None, "key")
    place.find_or_claim()
    now = module.time.monotonic()
    monkeypatch.setattr(module.time, "monotonic", lambda: now + 1.5)
    place.put(None)
    assert store.forget(":c$") == 1


def test_while_the_store_is_away_each_makes_its_own_and_nothing_from_before_is_given_when_it_is_back(process: Make, store: Store) -> None:
    one, other = process(), process()
    assert [one.made(), other.made()] == [1, 1]
    store.away = True
    one.purges.purge("things")
    until(lambda: other.shared._owes)
    assert [one.made(), other.made()] == [2, 3]
    store.away = False
    for each in (one, other):
        each.purges.forget_all()
    assert [one.made(), process().made()] == [4, 4]


def test_who_may_have_missed_something_uses_nothing_from_before(process: Make) -> None:
    one, other = process(), process()
    assert one.made() == 1
    other.purges.take(MISSED)
    assert other.made() == 2


@pytest.mark.parametrize("part", [":g:", ":epoch"])
def test_a_store_that_forgets_a_generation_loses_what_was_kept_under_it(process: Make, store: Store, part: str) -> None:
    assert process().made() == 1
    assert store.forget(part)
    assert process().made() == 2


def test_a_store_without_claims_is_not_used(open_app: Open, bus: MemoryBus) -> None:
    shared = Shared(MemoryCache())
    assert shared.open(None, "key") is None
    assert shared.purge(["a"])


@given(st.binary(max_size=50), st.none() | st.datetimes(timezones=st.just(UTC)), st.lists(st.text(max_size=5), max_size=3))
def test_an_answer_comes_back_as_it_was(body: bytes, ends: datetime | None, keys: list[str]) -> None:
    plain = Representation.of([("ETag", '"a"'), ("Content-Length", str(len(body)))], body)
    found = loaded(dumped(Answer(tuple(keys), ends, 5.0, 65.0, plain)))
    assert found is not None
    assert (found.keys, found.until, found.plain) == (tuple(keys), ends, plain)
    assert found.fresh_until - found.stored == 60.0


@pytest.mark.parametrize(
    "stored",
    [
        b"",
        b"x\ny",
        b"{}\n",
        b"[]\n",
        "text",
        5,
        [1],
        b'{"keys":1,"until":null,"seconds":1,"headers":[]}\n',
        b'{"keys":[],"until":null,"seconds":1,"headers":[]}\n',
        None,
    ],
)
def test_nonsense_in_the_store_is_nothing(stored: Any) -> None:
    assert loaded(stored) is None
