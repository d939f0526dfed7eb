"""The search of :mod:`dinnerkit.matching.solving.annealing` compiled by numba: the same steps, some fifty times as fast.

It serves where units differ in size (parties); people one by one have a faster one, :mod:`dinnerkit.matching.solving.slots`. Importing
this module imports numba; the solver does so only when there is enough work. The compiled code is cached on disk.
"""

from __future__ import annotations

from typing import NamedTuple

import numba as nb
import numpy as np

from dinnerkit.matching.solving import annealing
from dinnerkit.matching.solving.annealing import NOISE
from dinnerkit.matching.solving.kernels import KEPT, MULTIPLIER, STEP, meets, move_breaks, swap_breaks
from dinnerkit.matching.solving.state import Floats, Ints, Problem, State, Words

PARTS = "66896f1e45832064"
"""See :data:`dinnerkit.matching.solving.slot_steps.PARTS`."""

_TINY = 1e-9


class Units(NamedTuple):
    """What the compiled code works on: a :class:`~dinnerkit.matching.solving.state.Problem`, and a State that it changes."""

    weights: Floats
    inner: Floats
    sizes: Ints
    minimum: Ints
    maximum: Ints
    factor: Floats
    masks: Words
    breach: float
    group: Ints
    size: Ints
    gain: Floats
    inside: Floats
    own: Floats
    alike: bool
    rest: Words
    common: Words
    broken: Ints

    @classmethod
    def of(cls, state: State) -> Units:
        """The same arrays."""
        return cls(*(getattr(state if hasattr(state, name) else state.problem, name) for name in cls._fields))


class Search(annealing.Search):
    """See :class:`dinnerkit.matching.solving.annealing.Search`."""

    def __init__(self, problem: Problem, group: Ints, rng: np.random.Generator) -> None:
        super().__init__(problem, group, rng)
        self._chance = np.uint64(rng.integers(1 << 63))

    def anneal(self, temperatures: Floats) -> Floats:
        """Look at each unit once per temperature; see :meth:`dinnerkit.matching.solving.annealing.Search.anneal`."""
        taken, units = np.zeros(len(temperatures)), Units.of(self._state)
        self.value, self._chance = _anneal(units, temperatures, self._noise, np.uint64(self._chance), self.best, self.value, taken)
        return taken


@nb.njit(cache=KEPT)
def _refresh_common(units, number):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    everything, masks = np.uint64(0xFFFFFFFFFFFFFFFF), units.masks
    members = np.flatnonzero(units.group == number)
    for family in range(masks.shape[1]):
        for word in range(masks.shape[2]):
            shared = everything
            for member in members:
                others = everything
                for other in members:
                    if other != member:
                        others &= masks[other, family, word]
                units.rest[member, family, word] = others
                shared &= masks[member, family, word]
            units.common[number, family, word] = shared
    units.broken[number] = 0 if meets(units.common[number], units.common[number]) else 1


@nb.njit(cache=KEPT)
def _shift(units, unit, target):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    weights, inner, group, gain, own = units.weights, units.inner, units.group, units.gain, units.own
    home = group[unit]
    units.inside[home] -= gain[home, unit] + inner[unit]
    units.inside[target] += gain[target, unit] + inner[unit]
    for other in range(len(group)):
        gain[home, other] -= weights[unit, other]
        gain[target, other] += weights[unit, other]
        if group[other] == home:
            own[other] = gain[home, other]
        elif group[other] == target:
            own[other] = gain[target, other]
    own[unit] = gain[target, unit]
    units.size[home] -= units.sizes[unit]
    units.size[target] += units.sizes[unit]
    group[unit] = target


@nb.njit(cache=KEPT)
def _best_swap(units, unit, temperature, noise, offset):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """The unit with which a swap is worth the most, -1 if none is worth anything, and its worth."""
    inner, sizes, minimum, maximum, factor = units.inner, units.sizes, units.minimum, units.maximum, units.factor
    group, size, inside, own, broken = units.group, units.size, units.inside, units.own, units.broken
    best, best_worth = -1, _TINY
    home = group[unit]
    here = size[home]
    kept = inside[home] - own[unit]
    row, home_gain = units.weights[unit], units.gain[home]
    factor_home = factor[here]
    before = factor_home * inside[home]
    group_factor = factor[size]
    group_gain = units.gain[:, unit].copy()
    for other in range(len(group)):
        there = group[other]
        if there == home:
            continue
        worth = temperature * noise[offset + other]
        if units.alike:
            worth += factor_home * (home_gain[other] - row[other] - own[unit])
            worth += group_factor[there] * (group_gain[there] - row[other] - own[other])
        else:
            growth = sizes[other] - sizes[unit]
            left, right = here + growth, size[there] - growth
            if left < minimum[home] or left > maximum[home] or right < minimum[there] or right > maximum[there]:
                continue
            added = inner[other] - inner[unit]
            worth += factor[left] * (kept + home_gain[other] - row[other] + added) - before
            worth += factor[right] * (inside[there] - own[other] + group_gain[there] - row[other] - added)
            worth -= group_factor[there] * inside[there]
        if worth + units.breach * (broken[home] + broken[there]) <= best_worth:
            continue
        if units.masks.shape[1]:
            worth -= units.breach * swap_breaks(units, unit, other, home, there)
        if worth > best_worth:
            best, best_worth = other, worth
    return best, best_worth


@nb.njit(cache=KEPT)
def _best_move(units, unit, temperature, noise, offset):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """The group to which a move is worth the most, -1 if none is worth anything, and its worth."""
    inner, factor, size, gain, inside = units.inner, units.factor, units.size, units.gain, units.inside
    best, best_worth = -1, _TINY
    home, width = units.group[unit], units.sizes[unit]
    here = size[home] - width
    if here < units.minimum[home]:
        return best, best_worth
    left = factor[here] * (inside[home] - units.own[unit] - inner[unit]) - factor[size[home]] * inside[home]
    for target in range(len(size)):
        there = size[target] + width
        if target == home or there > units.maximum[target]:
            continue
        worth = left + factor[there] * (inside[target] + gain[target, unit] + inner[unit])
        worth -= factor[size[target]] * inside[target]
        if units.masks.shape[1]:
            worth -= units.breach * move_breaks(units, unit, home, target)
        worth += temperature * noise[offset + target]
        if worth > best_worth:
            best, best_worth = target, worth
    return best, best_worth


@nb.njit(cache=KEPT)
def _anneal(units, temperatures, noise, chance, best, best_value, taken):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    group, masked = units.group, units.masks.shape[1] > 0
    count = len(group)
    order = np.arange(count)
    for sweep in range(len(temperatures)):
        temperature, changed = temperatures[sweep], 0
        for place in range(count):
            chance = chance * MULTIPLIER + STEP
            swap = place + np.int64((chance >> np.uint64(33)) % np.uint64(count - place))
            unit = order[swap]
            order[swap] = order[place]
            order[place] = unit
            offset = np.int64((chance >> np.uint64(20)) % np.uint64(NOISE))
            other, swap_worth = _best_swap(units, unit, temperature, noise, offset)
            target, move_worth = _best_move(units, unit, temperature, noise, offset + count)
            if other < 0 and target < 0:
                continue
            changed += 1
            home = group[unit]
            if other >= 0 and swap_worth >= move_worth:
                target = group[other]
                _shift(units, other, home)
            _shift(units, unit, target)
            if masked:
                _refresh_common(units, home)
                _refresh_common(units, target)
        taken[sweep] = changed / count
        value = np.sum(units.factor[units.size] * units.inside) - units.breach * np.sum(units.broken)
        if value > best_value + _TINY:
            best_value = value
            best[:] = group
        if temperature == 0.0 and changed == 0:
            break
    return best_value, chance
