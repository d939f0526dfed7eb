"""The search of :mod:`dinnerkit.matching.solving.annealing` compiled by numba: the same steps, some fifty times as fast.

It serves where units differ in size (parties); people one by one have a faster one, :mod:`dinnerkit.matching.solving.slots`. Importing
this module imports numba; the solver does so only when there is enough work. The compiled code is cached on disk.
"""

from __future__ import annotations

import numba as nb
import numpy as np

from dinnerkit.matching.solving import annealing
from dinnerkit.matching.solving.annealing import NOISE
from dinnerkit.matching.solving.kernels import KEPT, MULTIPLIER, STEP, meets
from dinnerkit.matching.solving.state import Floats, Ints, Problem

_TINY = 1e-9


class Search(annealing.Search):
    """See :class:`dinnerkit.matching.solving.annealing.Search`."""

    def __init__(self, problem: Problem, group: Ints, rng: np.random.Generator) -> None:
        super().__init__(problem, group, rng)
        self._chance = np.uint64(rng.integers(1 << 63))

    def anneal(self, temperatures: Floats) -> Floats:
        """Look at each unit once per temperature; see :meth:`dinnerkit.matching.solving.annealing.Search.anneal`."""
        state, problem = self._state, self._state.problem
        taken = np.zeros(len(temperatures))
        self.value, self._chance = _anneal(
            problem.weights,
            problem.inner,
            problem.sizes,
            problem.minimum,
            problem.maximum,
            problem.factor,
            problem.masks,
            problem.breach,
            state.group,
            state.size,
            state.gain,
            state.inside,
            state.own,
            state.alike,
            state.rest,
            state.common,
            state.broken,
            temperatures,
            self._noise,
            np.uint64(self._chance),
            self.best,
            self.value,
            taken,
        )
        return taken


@nb.njit(cache=KEPT)
def _refresh_common(number, group, masks, rest, common, broken):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    everything = np.uint64(0xFFFFFFFFFFFFFFFF)
    members = np.flatnonzero(group == number)
    for family in range(masks.shape[1]):
        for word in range(masks.shape[2]):
            shared = everything
            for member in members:
                others = everything
                for other in members:
                    if other != member:
                        others &= masks[other, family, word]
                rest[member, family, word] = others
                shared &= masks[member, family, word]
            common[number, family, word] = shared
    broken[number] = 0 if meets(common[number], common[number]) else 1


@nb.njit(cache=KEPT)
def _shift(unit, target, weights, inner, sizes, group, size, gain, inside, own):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    home = group[unit]
    inside[home] -= gain[home, unit] + inner[unit]
    inside[target] += gain[target, unit] + inner[unit]
    for other in range(len(group)):
        gain[home, other] -= weights[unit, other]
        gain[target, other] += weights[unit, other]
        if group[other] == home:
            own[other] = gain[home, other]
        elif group[other] == target:
            own[other] = gain[target, other]
    own[unit] = gain[target, unit]
    size[home] -= sizes[unit]
    size[target] += sizes[unit]
    group[unit] = target


@nb.njit(cache=KEPT)
def _best_swap(  # type: ignore[no-untyped-def]  # noqa: ANN202
    unit,  # noqa: ANN001
    weights,  # noqa: ANN001
    inner,  # noqa: ANN001
    sizes,  # noqa: ANN001
    minimum,  # noqa: ANN001
    maximum,  # noqa: ANN001
    factor,  # noqa: ANN001
    masks,  # noqa: ANN001
    breach,  # noqa: ANN001
    group,  # noqa: ANN001
    size,  # noqa: ANN001
    gain,  # noqa: ANN001
    inside,  # noqa: ANN001
    own,  # noqa: ANN001
    alike,  # noqa: ANN001
    rest,  # noqa: ANN001
    broken,  # noqa: ANN001
    temperature,  # noqa: ANN001
    noise,  # noqa: ANN001
    offset,  # noqa: ANN001
):
    best, best_worth = -1, _TINY
    home = group[unit]
    here = size[home]
    kept = inside[home] - own[unit]
    row, home_gain = weights[unit], gain[home]
    factor_home = factor[here]
    before = factor_home * inside[home]
    group_factor = factor[size]
    group_gain = gain[:, unit].copy()
    for other in range(len(group)):
        there = group[other]
        if there == home:
            continue
        worth = temperature * noise[offset + other]
        if alike:
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
        if worth + breach * (broken[home] + broken[there]) <= best_worth:
            continue
        if masks.shape[1]:
            breaks = -broken[home] - broken[there]
            if not meets(rest[unit], masks[other]):
                breaks += 1
            if not meets(rest[other], masks[unit]):
                breaks += 1
            worth -= breach * breaks
        if worth > best_worth:
            best, best_worth = other, worth
    return best, best_worth


@nb.njit(cache=KEPT)
def _best_move(  # type: ignore[no-untyped-def]  # noqa: ANN202
    unit,  # noqa: ANN001
    inner,  # noqa: ANN001
    sizes,  # noqa: ANN001
    minimum,  # noqa: ANN001
    maximum,  # noqa: ANN001
    factor,  # noqa: ANN001
    masks,  # noqa: ANN001
    breach,  # noqa: ANN001
    group,  # noqa: ANN001
    size,  # noqa: ANN001
    gain,  # noqa: ANN001
    inside,  # noqa: ANN001
    own,  # noqa: ANN001
    alike,  # noqa: ANN001
    rest,  # noqa: ANN001
    common,  # noqa: ANN001
    broken,  # noqa: ANN001
    temperature,  # noqa: ANN001
    noise,  # noqa: ANN001
    offset,  # noqa: ANN001
):
    best, best_worth = -1, _TINY
    home, width = group[unit], sizes[unit]
    here = size[home] - width
    if here < minimum[home]:
        return best, best_worth
    left = factor[here] * (inside[home] - own[unit] - inner[unit]) - factor[size[home]] * inside[home]
    for target in range(len(size)):
        there = size[target] + width
        if target == home or there > maximum[target]:
            continue
        worth = left + factor[there] * (inside[target] + gain[target, unit] + inner[unit])
        worth -= factor[size[target]] * inside[target]
        if masks.shape[1]:
            breaks = -broken[home] - broken[target]
            if not meets(rest[unit], rest[unit]):
                breaks += 1
            if not meets(common[target], masks[unit]):
                breaks += 1
            worth -= breach * breaks
        worth += temperature * noise[offset + target]
        if worth > best_worth:
            best, best_worth = target, worth
    return best, best_worth


@nb.njit(cache=KEPT)
def _anneal(  # type: ignore[no-untyped-def]  # noqa: ANN202
    weights,  # noqa: ANN001
    inner,  # noqa: ANN001
    sizes,  # noqa: ANN001
    minimum,  # noqa: ANN001
    maximum,  # noqa: ANN001
    factor,  # noqa: ANN001
    masks,  # noqa: ANN001
    breach,  # noqa: ANN001
    group,  # noqa: ANN001
    size,  # noqa: ANN001
    gain,  # noqa: ANN001
    inside,  # noqa: ANN001
    own,  # noqa: ANN001
    alike,  # noqa: ANN001
    rest,  # noqa: ANN001
    common,  # noqa: ANN001
    broken,  # noqa: ANN001
    temperatures,  # noqa: ANN001
    noise,  # noqa: ANN001
    chance,  # noqa: ANN001
    best,  # noqa: ANN001
    best_value,  # noqa: ANN001
    taken,  # noqa: ANN001
):
    units = len(group)
    order = np.arange(units)
    for sweep in range(len(temperatures)):
        temperature, changed = temperatures[sweep], 0
        for place in range(units):
            chance = chance * MULTIPLIER + STEP
            swap = place + np.int64((chance >> np.uint64(33)) % np.uint64(units - place))
            unit = order[swap]
            order[swap] = order[place]
            order[place] = unit
            offset = np.int64((chance >> np.uint64(20)) % np.uint64(NOISE))
            other, swap_worth = _best_swap(
                unit, weights, inner, sizes, minimum, maximum, factor, masks, breach, group, size, gain, inside,
                own, alike, rest, broken, temperature, noise, offset,
            )  # fmt: skip
            target, move_worth = _best_move(
                unit, inner, sizes, minimum, maximum, factor, masks, breach, group, size, gain, inside,
                own, alike, rest, common, broken, temperature, noise, offset + units,
            )  # fmt: skip
            if other < 0 and target < 0:
                continue
            changed += 1
            home = group[unit]
            if other >= 0 and swap_worth >= move_worth:
                target = group[other]
                _shift(other, home, weights, inner, sizes, group, size, gain, inside, own)
            _shift(unit, target, weights, inner, sizes, group, size, gain, inside, own)
            if masks.shape[1]:
                _refresh_common(home, group, masks, rest, common, broken)
                _refresh_common(target, group, masks, rest, common, broken)
        taken[sweep] = changed / units
        value = np.sum(factor[size] * inside) - breach * np.sum(broken)
        if value > best_value + _TINY:
            best_value = value
            best[:] = group
        if temperature == 0.0 and changed == 0:
            break
    return best_value, chance
