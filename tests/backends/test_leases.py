"""Hits that are leased from a shared store: how far that may be wrong, how seldom the store is asked, and what happens when it fails."""

from __future__ import annotations

import os
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings

from dinnerkit.ports import leased_limits
from dinnerkit.ports.leased_limits import LeasedWindows
from dinnerkit.ports.shielded_limits import ShieldedWindows
from tests.backends.leasing import LATE, PLAYS, Play, Time, hold_to_the_bounds
from tests.teeth.broken_limiters import LeasingWindows

LIMIT, EXPIRY = 1000, 900


class Store(LeasingWindows):
    """A shared store that counts how often it is asked."""

    def __init__(self, clock: Time) -> None:
        super().__init__(clock=clock)
        self.asked: Counter[str] = Counter()

    def lease(self, *arguments: Any, **options: Any) -> Any:
        self.asked["lease"] += 1
        return super().lease(*arguments, **options)

    def get_moving_window(self, *arguments: Any) -> Any:
        self.asked["look"] += 1
        return super().get_moving_window(*arguments)


@pytest.fixture
def clock() -> Time:
    return Time()


@pytest.fixture
def store(clock: Time) -> Store:
    return Store(clock)


def process_of(store: Store, *, ahead: bool = True) -> LeasedWindows:
    return LeasedWindows(store, store, ahead=ahead, clock=store._clock)


def let(process: LeasedWindows, hits: int, key: str = "anna") -> int:
    return sum(process.hit(key, LIMIT, EXPIRY)[0] for _ in range(hits))


@given(play=PLAYS)
@settings(max_examples=50, deadline=None)
def test_never_too_many_come_through_and_early_refusals_are_bounded(play: Play) -> None:
    clock = Time()
    store = LeasingWindows(clock=clock)
    hold_to_the_bounds(play, clock, lambda: (store, store), "anna")


@pytest.mark.parametrize("play", LATE)
def test_the_bounds_hold_for_what_is_spent_late(store: Store, clock: Time, play: Play) -> None:
    hold_to_the_bounds(play, clock, lambda: (store, store), "anna")


def test_who_comes_to_one_process_has_all_hits_of_the_limit_and_most_ask_nobody(store: Store) -> None:
    process = process_of(store)
    assert let(process, LIMIT) == LIMIT
    assert store.asked["lease"] < LIMIT // 5
    assert let(process, 1) == 0


def test_a_burst_over_many_processes_is_not_refused_before_four_fifths(store: Store) -> None:
    processes = [process_of(store) for _ in range(50)]
    came = sum(let(process, 1) for _ in range(LIMIT // 50 + 1) for process in processes)
    assert LIMIT * 4 // 5 <= came <= LIMIT


def test_what_is_left_of_a_lease_is_given_back_by_who_is_asked_again(store: Store, clock: Time) -> None:
    process = process_of(store)
    let(process, 200)
    leased = store.get_moving_window("anna", LIMIT, EXPIRY)[1]
    assert leased > 200
    clock.now += 31
    let(process, 1)
    assert store.get_moving_window("anna", LIMIT, EXPIRY)[1] == 201 + process._accounts["anna"].left
    assert process.get_moving_window("anna", LIMIT, EXPIRY)[1] == 201


def test_what_is_left_and_when_to_come_back_is_told_without_asking(store: Store, clock: Time) -> None:
    process = process_of(store)
    start = clock.now
    for number in range(1, 301):
        clock.now += 0.01
        assert process.hit("anna", LIMIT, EXPIRY) == (True, pytest.approx(start + 0.01 + 30), number)
        assert process.get_moving_window("anna", LIMIT, EXPIRY)[1] == number
    assert store.asked["look"] == 0
    clock.now += 60
    assert process.get_moving_window("anna", LIMIT, EXPIRY) == (pytest.approx(start + 0.01 + 30), 300)
    assert store.asked["look"] == 1


def test_that_a_window_is_full_is_not_told_from_memory(store: Store) -> None:
    process = process_of(store)
    let(process, LIMIT)
    store.clear("anna")
    assert process.get_moving_window("anna", LIMIT, EXPIRY)[1] == 0


@pytest.mark.parametrize(("limit", "expiry", "ahead"), [(63, 900, True), (1000, 29, True), (1000, 900, False)])
def test_small_limits_and_short_windows_are_exact_and_all_are_where_that_is_wanted(
    store: Store, clock: Time, limit: int, expiry: int, ahead: bool
) -> None:
    one, other = (process_of(store, ahead=ahead) for _ in range(2))
    for number in range(limit):
        process = (one, other)[number % 2]
        assert process.hit("anna", limit, expiry) == (True, clock.now, number + 1)
        assert store.asked["lease"] == number + 1
    assert [process.hit("anna", limit, expiry)[0] for process in (one, other)] == [False, False]
    clock.now += expiry + 0.001
    assert one.hit("anna", limit, expiry) == (True, clock.now, 1)


def test_of_what_the_store_told_last_so_much_is_remembered_as_is_in_the_window_still(store: Store, clock: Time) -> None:
    one, other = process_of(store), process_of(store)
    assert one.remembered("anna", 60) == 0
    for number in range(10):
        clock.now += 6 if number else 0
        assert (one if number % 2 else other).hit("anna", 50, 60)[0]
    found = []
    for wait in (0, 6, 27, 26, 2):
        clock.now += wait
        found.append(one.remembered("anna", 60))
    assert found == [10, 10, 5, 1, 0]
    assert other.remembered("bert", 60) == 0


class Failing(Store):
    """A store in this process, which is away when the test says so."""

    uri = "dinnerkit-windows://"
    options: ClassVar[dict[str, Any]] = {}
    away = False

    def lease(self, *arguments: Any, **options: Any) -> Any:
        if self.away:
            raise TimeoutError
        return super().lease(*arguments, **options)

    def ping(self) -> None: ...

    def close(self) -> None: ...


def test_when_the_store_fails_each_process_counts_on_from_what_it_was_told_last(clock: Time) -> None:
    store = Failing(clock)
    first, second, third = (ShieldedWindows(storage=store, ahead=True) for _ in range(3))
    assert sum(one.hit("anna", 60, EXPIRY)[0] for _ in range(20) for one in (first, second)) == 40
    store.away = True
    later = [sum(one.hit("anna", 60, EXPIRY)[0] for _ in range(100)) for one in (first, second, third)]
    assert later == [21, 20, 60]
    assert first.hit("anna", 60, EXPIRY)[2] == 60
    assert first.hit("bert", 60, EXPIRY)[2] == 1


def test_callers_beyond_the_most_that_are_remembered_are_counted_all_the_same(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leased_limits, "MOST_CALLERS", 10)
    process = process_of(store)
    for _ in range(5):
        for number in range(20):
            let(process, 1, f"caller-{number}")
            let(process, 1)
    assert len(process) == 10
    assert process._accounts["anna"].streak == 100
    assert [store.get_moving_window(f"caller-{number}", LIMIT, EXPIRY)[1] for number in range(20)] == [5] * 20


def test_a_caller_can_be_forgotten_with_what_was_leased(store: Store) -> None:
    process = process_of(store)
    let(process, 200)
    process.clear("anna")
    assert process.get_moving_window("anna", LIMIT, EXPIRY)[1] == 0
    assert process.hit("anna", LIMIT, EXPIRY)[2] == 1


def test_more_than_one_hit_at_once_are_taken_from_the_store(store: Store) -> None:
    process = process_of(store)
    assert process.acquire_entry("anna", LIMIT, EXPIRY, 999)
    assert not process.acquire_entry("anna", LIMIT, EXPIRY, 2)
    assert process.acquire_entry("anna", LIMIT, EXPIRY)
    assert not process.acquire_entry("anna", LIMIT, EXPIRY)


AT_ONCE = 16


class Waited(Store):
    """Its first lease is given, or fails, once all others wait for it."""

    process: LeasedWindows
    error: Exception | None = None

    def lease(self, key: str, *arguments: Any, **options: Any) -> Any:
        while not self.asked and self.process._accounts[key].waiting < AT_ONCE:
            time.sleep(0.001)
        if self.error is not None:
            self.asked["lease"] += 1
            raise self.error
        return super().lease(key, *arguments, **options)


def answers_at_once(store: Waited, limit: int = LIMIT) -> list[Any]:
    process = store.process = process_of(store)

    def hit(_: int) -> Any:
        try:
            return process.hit("anna", limit, EXPIRY)[0]
        except OSError as error:
            return type(error)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(hit, range(AT_ONCE)))


def test_one_asks_for_all_who_wait(clock: Time) -> None:
    store = Waited(clock)
    assert answers_at_once(store) == [True] * AT_ONCE
    assert store.asked["lease"] == 2
    assert store.get("anna") == AT_ONCE


def test_all_who_wait_hear_that_the_store_failed_and_none_asks_again(clock: Time) -> None:
    store = Waited(clock)
    store.error = ConnectionRefusedError()
    assert answers_at_once(store) == [ConnectionRefusedError] * AT_ONCE
    assert store.asked["lease"] == 1


def test_all_who_wait_are_refused_with_who_asks(clock: Time) -> None:
    store = Waited(clock)
    store.acquire_entry("anna", 100, EXPIRY, 100)
    assert answers_at_once(store, 100) == [False] * AT_ONCE
    assert store.asked["lease"] == 1


def test_a_forked_child_spends_nothing_of_its_parents(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    process = process_of(store)
    let(process, 200)
    asked = store.asked["lease"]
    monkeypatch.setattr(os, "getpid", lambda: -1)
    let(process, 1)
    assert store.asked["lease"] == asked + 1
