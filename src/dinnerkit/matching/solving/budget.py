"""How a budget of time or of sweeps is spent: first the right temperatures are found, then a long cooling, then tempering.

What decides is where the cooling begins and ends, and that differs by a factor of ten between kinds of weights. Seen through
the share of people for whom a step is taken per sweep, it is the same for all that were tried: from three in ten down to
one in fifteen, found on a quick cooling. Above, groups are as good as random ones; below, nothing moves any more.

A short budget is all spent on the cooling. From some thousands of sweeps on, a longer cooling brings less than going on at all
of its temperatures side by side; see :mod:`dinnerkit.matching.solving.tempering`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from dinnerkit.matching.solving.state import Floats
from dinnerkit.matching.solving.tempering import RUNGS, Search, sweeps_between_trades, temper

Progress = Callable[[float], bool | None]
"""Told the fraction done, 0–1, now and then; a true answer ends the search with the best so far, raising cancels it."""

_HOT, _COLD = 0.3, 0.07
"""The shares of people for whom a step is taken at which the cooling begins and ends; by trial on the public MDGPLIB instances."""

_FIRST, _LAST = 0.6, 0.0005
"""Where the quick cooling begins, and where it ends at the latest, as fractions of the spread of a swap's gain."""

_MEASURING, _SMOOTHED = 150, 5
"""The most sweeps of the quick cooling, and over how many the share is smoothed."""

_COOLING, _LEAST_COOLING, _MOST_COOLED = 0.2, 2_000, 0.7
"""How many sweeps of cooling are worth their time before tempering is: a share of the square of the units, and at least so many.
Where that is more than the last share of all, everything is spent on the cooling. By trial on instances of 120 to 480."""

_DESCENTS = 20
_TELLS = 100
_LONGEST_CHUNK = 0.05


@dataclass(frozen=True, slots=True)
class Heat:
    """The temperatures between which it pays to cool, in units of weight."""

    hot: float
    cold: float

    def at(self, done: Floats) -> Floats:
        """The temperatures at these fractions of the cooling."""
        return np.asarray(self.hot * (self.cold / self.hot) ** done) if self.cold > 0 else np.zeros(len(done))


@dataclass(frozen=True, slots=True)
class Budget:
    """What a search may take.

    Attributes:
        seconds: time by the clock, or None where sweeps count.
        sweeps: how often each unit is looked at; the quick cooling that finds the temperatures comes on top.
        warmth: the first temperature against the usual one; less keeps more of a good start, 0 only climbs.
        clock: tells the time, in seconds.
        progress: see :data:`Progress`.
        best: told what the best groups so far are worth, each time that progress is told.
    """

    seconds: float | None
    sweeps: int
    warmth: float = 1.0
    clock: Callable[[], float] = time.monotonic
    progress: Progress | None = None
    best: Callable[[float], None] | None = None

    _wishes: list[bool] = field(default_factory=list)

    def part(self, ends: float, passed: int, parts: int, total: int) -> Budget:
        """Some of the equal parts into which a budget is divided, of which some have passed; time is what is left until then."""
        left = None if self.seconds is None else max(0.001, (ends - self.clock()) * parts / (total - passed))
        sweeps = max(1, self.sweeps * parts // total)
        return replace(self, seconds=left, sweeps=sweeps, progress=lambda done: self.tell((passed + parts * done) / total))

    def less(self, seconds: float) -> Budget:
        """What is left when so many seconds have passed; sweeps stay."""
        return self if self.seconds is None else replace(self, seconds=max(0.001, self.seconds - seconds))

    @property
    def stopped(self) -> bool:
        """Whether the search was asked to end."""
        return bool(self._wishes)

    def tell(self, fraction: float, worth: float | None = None) -> bool:
        """Report progress, and what the best groups are worth where that is told; whether to stop."""
        if self.best is not None and worth is not None:
            self.best(worth)
        if self.progress is not None and self.progress(min(1.0, fraction)):
            self._wishes.append(True)
        return self.stopped


def measured(search: Search, spread: float, most_sweeps: int, until: Callable[[], bool]) -> Heat:
    """Find where cooling should begin and end, by a quick cooling that falls until hardly a step is taken.

    Args:
        search: what to cool; it is left as it is then.
        spread: how much swaps differ in gain, roughly; 0 where they don't, which makes all temperatures 0.
        most_sweeps: how many sweeps the budget has; a fifth as many are spent here at most, but for very short ones.
        until: whether time is up; the temperatures are guessed then.
    """
    if spread <= 0:
        return Heat(0.0, 0.0)
    sweeps = int(np.clip(most_sweeps // 5, 12, _MEASURING))
    temperatures = spread * np.geomspace(_FIRST, _LAST, sweeps)
    shares: list[float] = []
    for temperature in temperatures:
        shares.append(float(search.anneal(np.array([temperature]))[0]))
        if until() or (len(shares) > _SMOOTHED and max(shares[-_SMOOTHED:]) < _COLD / 2):
            break
    smooth = np.convolve(np.pad(shares, _SMOOTHED // 2, mode="edge"), np.ones(_SMOOTHED) / _SMOOTHED, mode="valid")
    hot, cold = (_crossing(temperatures[: len(smooth)], smooth, share * smooth[0]) for share in (_HOT, _COLD))
    hot = 0.21 * spread if hot is None else hot
    return Heat(hot, hot / 2 if cold is None else cold)


def _crossing(temperatures: Floats, shares: Floats, limit: float) -> float | None:
    """The first temperature at which the share is below a limit."""
    below = np.flatnonzero(shares < limit)
    return float(temperatures[below[0]]) if len(below) else None


def spend(search: Search, budget: Budget, spread: float, rng: np.random.Generator) -> int:
    """Search for as long as the budget allows; how many sweeps that were.

    Args:
        search: with the groups to start from; it has the best at the end.
        budget: what it may take.
        spread: see :func:`measured`.
        rng: the source of chance for the trades of tempering.
    """
    began = budget.clock()
    start = search.best
    if budget.warmth == 0:
        heat = Heat(0.0, 0.0)
    else:
        allowed = np.inf if budget.seconds is None else began + 0.2 * budget.seconds
        heat = measured(search, spread, budget.sweeps if budget.seconds is None else 10**6, lambda: budget.clock() > allowed)
        search.restart(start if budget.warmth < 1 else search.best)
    heat = Heat(max(heat.hot * budget.warmth, heat.cold), heat.cold)
    ladder = _Ladder(search, heat, len(start), rng)
    if budget.seconds is None:
        return _spend_sweeps(ladder, budget)
    return _spend_time(ladder, budget, began)


class _Ladder:
    """A cooling that leaves a copy of itself at each temperature at which it may go on later."""

    def __init__(self, search: Search, heat: Heat, units: int, rng: np.random.Generator) -> None:
        self.units, self._rng = units, rng
        self._copies: list[Search] = []
        self.search, self.heat = search, heat

    @property
    def steep(self) -> bool:
        """Whether there are different temperatures to go on at."""
        return self.heat.cold > 0 and self.heat.hot > 1.1 * self.heat.cold

    @property
    def value(self) -> float:
        """What the best groups are worth that any of the searches has found."""
        return max(search.value for search in (*self._copies, self.search))

    def leave_copies(self, done: float) -> None:
        """Leave copies for the temperatures above that at this fraction of the cooling."""
        while len(self._copies) < RUNGS - 1 and done * (RUNGS - 1) >= len(self._copies):
            self._copies.append(self.search.twin())

    def temper(self, over: Callable[[int], bool], at_once: int | None = None) -> int:
        """Go on at all temperatures until it is over, asked after so many sweeps at most; how many sweeps that took."""
        self.leave_copies(1.0)
        searches = [*self._copies, self.search]
        done = temper(searches, self.heat.at(np.linspace(0.0, 1.0, RUNGS)), sweeps_between_trades(self.units), self._rng, over, at_once)
        best = max(searches, key=lambda search: search.value)
        self.search.restart(best.best)
        self.search.anneal(np.zeros(1))
        return done


def _cooled(units: int, sweeps: float) -> float:
    """The share of a budget of sweeps that cooling takes before tempering; 1 for all of it."""
    share = max(_LEAST_COOLING, _COOLING * units**2) / max(sweeps, 1.0)
    return share if share < _MOST_COOLED else 1.0


def _spend_sweeps(ladder: _Ladder, budget: Budget) -> int:
    sweeps, search = budget.sweeps, ladder.search
    descents = min(_DESCENTS, max(1, sweeps // 5))
    share = _cooled(ladder.units, sweeps)
    tempers = share < 1 and ladder.steep
    cooled = int(share * sweeps) if tempers else max(0, sweeps - descents)
    cooling = ladder.heat.at(np.linspace(0.0, 1.0, cooled))
    chunk = max(1, sweeps // _TELLS)
    for first in range(0, cooled, chunk):
        if tempers:
            ladder.leave_copies(first / cooled)
        search.anneal(cooling[first : first + chunk])
        if budget.tell(min(first + chunk, cooled) / sweeps, search.value):
            return min(first + chunk, cooled)
    if tempers:
        left = sweeps - cooled - descents
        cooled += ladder.temper(lambda done: budget.tell((cooled + min(done, left)) / sweeps, ladder.value) or done >= left)
    if not budget.stopped:
        search.restart(search.best)
        search.anneal(np.zeros(descents))
        budget.tell(1.0, search.value)
    return min(sweeps, cooled + descents)


def _spend_time(ladder: _Ladder, budget: Budget, began: float) -> int:
    """Cool, in all the time there is or, where that is long, in as many sweeps as are worth it, and temper; at last descend.

    A sweep that would end more than half too late is not begun: without numba it may be some hundredths of all the time.
    """
    seconds, search = budget.seconds or 0.0, ladder.search
    closing = began + 0.99 * seconds
    opened = now = budget.clock()
    done, chunk, cooled, took = 0, 1, 0.0, 0.0
    while now + took / 2 < closing and (cooled < 1 or not ladder.steep):
        each = (now - opened) / done if done else 0.0
        pace = each * (1.0 - cooled) / (closing - now)
        possible = done + (closing - now) / max(each, 1e-9)
        if done and ladder.steep and (share := _cooled(ladder.units, possible)) < 1:
            pace = max(pace, 1.0 / (share * possible))
            ladder.leave_copies(cooled)
        search.anneal(ladder.heat.at(np.minimum(1.0, cooled + pace * np.arange(chunk))))
        done += chunk
        cooled += pace * chunk
        then = now
        now = budget.clock()
        took = (now - then) / chunk
        room = min(_LONGEST_CHUNK, 0.01 * seconds, closing - now)
        chunk = int(np.clip(room / max(took, 1e-9), 1, 2 * chunk))
        if budget.tell((now - began) / seconds, search.value):
            return done
    if now + took / 2 < closing and ladder.steep:
        last = closing - took / 2
        done += ladder.temper(lambda _: budget.tell((budget.clock() - began) / seconds, ladder.value) or budget.clock() >= last, chunk)
    search.restart(search.best)
    while budget.clock() + took / 2 < began + seconds and search.anneal(np.zeros(1))[0] > 0:
        done += 1
    budget.tell(1.0, search.value)
    return done
