"""Several processes lease the hits of one caller from one store, and what they let through is held against the bounds that are promised."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from dinnerkit.ports.leased_limits import GROWTH, MOST_AHEAD, SHARE, LeasedWindows, hold_seconds


@dataclass
class Time:
    """What all clocks show."""

    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True)
class Play:
    """A rate, and who is asked for how many hits after how long."""

    limit: int
    expiry: int
    hits: Sequence[tuple[int, float, int]]

    @property
    def processes(self) -> int:
        return 1 + max(process for process, _, _ in self.hits)


PLAYS = st.builds(
    Play,
    limit=st.integers(1, 200),
    expiry=st.sampled_from([1, 60, 900]),
    hits=st.lists(
        st.tuples(st.integers(0, 3), st.sampled_from([0.0, 0.25, 3.0, 31.0, 400.0]), st.integers(1, 120)), min_size=1, max_size=25
    ),
)

LATE = [
    Play(1000, 900, [(0, 0.0, 130), (0, 29.0, 20), (0, 872.0, 1000)]),
    Play(1000, 900, [(0, 0.0, 130), (0, 600.0, 20), (0, 330.1, 1000)]),
    Play(1000, 900, [(1, 0.0, 400), (1, 1900.0, 1), (0, 0.0, 1000)]),
    Play(1000, 900, [(0, 0.0, 1), (0, 925.0, 130), (0, 10.0, 3), (0, 0.0, 1000)]),
]
"""What is leased is spent late, or never."""


class Watch:
    """Holds what comes through against the bounds."""

    def __init__(self, play: Play, time: Time) -> None:
        self.play, self.time = play, time
        self.hold = hold_seconds(play.limit, play.expiry)
        self.let: list[list[float]] = [[] for _ in range(play.processes)]

    def take(self, process: int, let: bool, began: float, hits: int) -> None:
        now, limit, expiry = self.time.now, self.play.limit, self.play.expiry
        if let:
            self.let[process].append(now)
        came = self._came(now - expiry)
        assert came <= limit, "more came through than the limit allows"
        if not let:
            unspent = sum(self._most_unspent(other) for other in range(self.play.processes) if other != process)
            assert self._came(now - expiry - self.hold) >= limit - unspent, "refused too early"
        if self.play.processes == 1:
            assert hits >= came, "fewer are told than came through"
        self.tell(began, hits)
        assert let <= hits

    def tell(self, began: float, hits: int) -> None:
        assert 0 <= hits <= self.play.limit
        assert self.time.now <= began + self.play.expiry <= self.time.now + self.play.expiry + self.hold

    def _most_unspent(self, process: int) -> int:
        recent = len(self.let[process]) - bisect_left(self.let[process], self.time.now - 2 * (self.play.expiry + self.hold))
        return min(MOST_AHEAD, self.play.limit // SHARE, recent // GROWTH) if self.hold else 0

    def _came(self, moment: float) -> int:
        return sum(len(let) - bisect_left(let, moment) for let in self.let)


def hold_to_the_bounds(play: Play, time: Time, opened: Callable[[], tuple[Any, Any]], key: str) -> None:
    """Play it; ``opened`` gives each process its storage of the limits library, and who leases from it."""
    watch = Watch(play, time)
    processes = []
    for _ in range(play.processes):
        windows, leases = opened()
        processes.append(LeasedWindows(windows, leases, ahead=True, clock=time))
    for process, wait, hits in play.hits:
        time.now += wait
        for _ in range(hits):
            watch.take(process, *processes[process].hit(key, play.limit, play.expiry))
        watch.tell(*processes[process].get_moving_window(key, play.limit, play.expiry))
