"""The rate limits' counts in the process."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from limits import RateLimitItemPerMinute
from limits.storage import storage_from_string
from limits.strategies import MovingWindowRateLimiter

from dinnerkit.backends.limiter import memory
from dinnerkit.ports import limiter_windows
from dinnerkit.ports.limiter_windows import Windows


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_the_limits_library_finds_it_by_its_url():
    storage = storage_from_string(memory("memory://").uri)
    assert isinstance(storage, Windows)
    limiter = MovingWindowRateLimiter(storage)
    item = RateLimitItemPerMinute(2)
    assert [limiter.hit(item, "anna") for _ in range(3)] == [True, True, False]
    assert limiter.hit(item, "ben")
    assert limiter.get_window_stats(item, "anna").remaining == 0
    assert limiter.get_window_stats(item, "nobody").remaining == 2
    limiter.clear(item, "anna")
    assert limiter.hit(item, "anna")


@given(waits=st.lists(st.integers(0, 40), max_size=60), limit=st.integers(1, 5))
def test_no_window_anywhere_in_time_has_more_hits_than_the_limit_and_none_is_refused_without_need(waits: list[int], limit: int):
    clock = Clock()
    windows = Windows(clock=clock)
    taken: list[float] = []
    for wait in waits:
        clock.now += wait
        recent = [hit for hit in taken if hit >= clock.now - 60]
        assert windows.get_moving_window("a", limit, 60) == (recent[0] if recent else clock.now, len(recent))
        assert windows.acquire_entry("a", limit, 60) is (len(recent) < limit)
        if len(recent) < limit:
            taken.append(clock.now)


def test_more_at_once_than_the_limit_is_refused_whole():
    windows = Windows(clock=Clock())
    assert not windows.acquire_entry("a", 3, 60, amount=4)
    assert windows.acquire_entry("a", 3, 60, amount=2)
    assert not windows.acquire_entry("a", 3, 60, amount=2)
    assert windows.get("a") == 2


def test_callers_who_do_not_come_back_are_forgotten_by_those_who_come():
    clock = Clock()
    windows = Windows(clock=clock)
    for number in range(1000):
        windows.acquire_entry(f"early-{number}", 10, 60)
    clock.now += 61
    for number in range(600):
        windows.acquire_entry(f"late-{number}", 10, 60)
    assert len(windows) == 600
    assert windows.reset() == 600


def test_of_more_callers_than_it_can_remember_it_forgets_who_was_here_longest_ago(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(limiter_windows, "MOST_CALLERS", 3)
    windows = Windows(clock=Clock())
    for name in ("anna", "ben", "carla", "anna", "dora"):
        windows.acquire_entry(name, 10, 60)
    assert len(windows) == 3
    assert [windows.get(name) for name in ("anna", "ben", "carla", "dora")] == [2, 0, 1, 1]


def test_nothing_runs_beside_the_hits():
    before = threading.active_count()
    windows = Windows()
    for number in range(100):
        windows.acquire_entry(f"caller-{number}", 10, 60)
    assert threading.active_count() == before


def test_hits_from_many_threads_are_all_counted():
    windows = Windows()
    threads = [threading.Thread(target=lambda: [windows.acquire_entry("a", 10_000, 60) for _ in range(500)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert windows.get("a") == 4000
