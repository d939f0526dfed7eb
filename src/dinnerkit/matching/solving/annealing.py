"""Simulated annealing over swaps and moves, in numpy.

One step takes a unit, tells the gain of swapping it with every other unit and of moving it to every other group in one
vectorised pass, and takes the best of *gain + temperature x exponential noise*, if that is above zero. Evaluating all of a
unit's steps at once is what makes this fast; the incremental table of gains is that of Lai and Hao (EJOR 254, 2016).
"""

from __future__ import annotations

from typing import Self

import numpy as np

from dinnerkit.matching.solving.state import Floats, Ints, Problem, State, Words

NOISE = 1 << 12
"""Draws of noise per batch of sweeps, read from a random offset by each unit: drawing afresh would cost more than the step."""

_TINY = 1e-9


class Search:
    """A search for better groups that goes on from where it is; the best groups seen at the end of a sweep are kept.

    Args:
        problem: what to solve.
        group: (units,), where to start; sizes must be within bounds.
        rng: the source of chance.
    """

    def __init__(self, problem: Problem, group: Ints, rng: np.random.Generator) -> None:
        self._state = State(problem, group)
        self._rng = rng
        self._noise = rng.exponential(size=NOISE + len(problem.sizes) + len(problem.minimum))
        self.best, self.value = self._state.group.copy(), self._state.value

    @property
    def worth(self) -> float:
        """What the groups that the search is at are worth."""
        return self._state.value

    def restart(self, group: Ints) -> None:
        """Go on from these groups."""
        self._state = State(self._state.problem, group)

    def twin(self) -> Self:
        """Another search, by chances of its own, that goes on from here."""
        return type(self)(self._state.problem, self._state.group, self._rng)

    def anneal(self, temperatures: Floats) -> Floats:
        """Look at each unit once per temperature, at 0 taking only steps that gain; tells the share of units for whom one was taken."""
        units = len(self._state.problem.sizes)
        taken = np.zeros(len(temperatures))
        for sweep, temperature in enumerate(temperatures):
            for unit in self._rng.permutation(units):
                offset = int(self._rng.integers(NOISE))
                taken[sweep] += _step(self._state, int(unit), float(temperature), self._noise[offset:])
            value = self._state.value
            if value > self.value + _TINY:
                self.best, self.value = self._state.group.copy(), value
            if temperature == 0 and not taken[sweep]:
                break
        return taken / units


def _step(state: State, unit: int, temperature: float, noise: Floats) -> bool:
    swaps = _swap_gains(state, unit)
    swaps += temperature * noise[: len(swaps)]
    moves = _move_gains(state, unit)
    if moves is not None:
        moves += temperature * noise[len(swaps) : len(swaps) + len(moves)]
    other, target = int(np.argmax(swaps)), int(np.argmax(moves)) if moves is not None else -1
    move_worth = moves[target] if moves is not None else -np.inf
    if max(swaps[other], move_worth) <= _TINY:
        return False
    home = int(state.group[unit])
    if swaps[other] >= move_worth:
        target = int(state.group[other])
        state.shift(other, home)
    state.shift(unit, target)
    if state.problem.masks.shape[1]:
        state.refresh_common(home)
        state.refresh_common(target)
    return True


def _swap_gains(state: State, unit: int) -> Floats:
    """What swapping the unit with every other would gain; minus infinity where sizes forbid it or nothing would change."""
    problem, group, home = state.problem, state.group, int(state.group[unit])
    gains = _swaps_of_alikes(state, unit) if state.alike else _swaps_of_any(state, unit)
    if problem.masks.shape[1]:
        breaks = _breaks(state.rest[unit] & problem.masks) + _breaks(state.rest & problem.masks[unit])
        gains -= problem.breach * (breaks - state.broken[home] - state.broken[group])
    gains[group == home] = -np.inf
    return gains


def _swaps_of_alikes(state: State, unit: int) -> Floats:
    """The gains of swaps where no size changes."""
    group, home, row = state.group, int(state.group[unit]), state.problem.weights[unit]
    factor = state.problem.factor[state.size]
    here: Floats = state.gain[home] - row
    here -= state.own[unit]
    here *= factor[home]
    there = state.gain[:, unit][group]
    there -= row
    there -= state.own
    there *= factor[group]
    here += there
    return here


def _swaps_of_any(state: State, unit: int) -> Floats:
    """The gains of swaps where units differ in size."""
    problem, group, home = state.problem, state.group, int(state.group[unit])
    factor, here, row = problem.factor, state.size[home], problem.weights[unit]
    growth = problem.sizes - problem.sizes[unit]
    there = state.size[group]
    left, right = here + growth, there - growth
    allowed = (left >= problem.minimum[home]) & (left <= problem.maximum[home])
    allowed &= (right >= problem.minimum[group]) & (right <= problem.maximum[group])
    added = problem.inner - problem.inner[unit]
    inside_left = state.inside[home] - state.own[unit] + state.gain[home] - row + added
    inside_right = state.inside[group] - state.own + state.gain[:, unit][group] - row - added
    last = len(factor) - 1
    gains: Floats = factor[np.clip(left, 0, last)] * inside_left + factor[np.clip(right, 0, last)] * inside_right
    gains -= factor[here] * state.inside[home] + factor[there] * state.inside[group]
    gains[~allowed] = -np.inf
    return gains


def _move_gains(state: State, unit: int) -> Floats | None:
    """What moving the unit to every other group would gain, minus infinity where sizes forbid it; None where it must stay."""
    problem, home, width = state.problem, int(state.group[unit]), int(state.problem.sizes[unit])
    here = state.size[home] - width
    if here < problem.minimum[home]:
        return None
    factor, there = problem.factor, state.size + width
    allowed = there <= problem.maximum
    allowed[home] = False
    inside_here = state.inside[home] - state.own[unit] - problem.inner[unit]
    inside_there = state.inside + state.gain[:, unit] + problem.inner[unit]
    gains = factor[here] * inside_here + factor[np.minimum(there, len(factor) - 1)] * inside_there
    gains -= factor[state.size[home]] * state.inside[home] + factor[state.size] * state.inside
    if problem.masks.shape[1]:
        breaks = _breaks(state.rest[unit][None])[0] + _breaks(state.common & problem.masks[unit])
        gains -= problem.breach * (breaks - state.broken[home] - state.broken)
    return np.where(allowed, gains, -np.inf)


def _breaks(common: Words) -> Ints:
    """(…, families, words) of what a group would have in common, to 1 where a family would have nothing."""
    return np.asarray(~common.any(axis=-1).all(axis=-1)).astype(np.int64)
