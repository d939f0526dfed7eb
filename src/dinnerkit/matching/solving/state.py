"""What a search for groups works on: indivisible units in groups, and how much each unit is worth to each group.

This module knows weights, groups and constraints, and nothing of dinners. A *unit* is one or more people who stay together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Words = NDArray[np.uint64]

BREACH = 1000.0
"""What one broken constraint costs at least, as a multiple of the largest weight: no gain that a single step can bring outweighs it."""

_GAIN_OF_STEP = 4.0
"""What a swap can bring at most, as a multiple of the largest weight, unit, group and factor."""


@dataclass(frozen=True)
class Problem:
    """Units to put into groups so that the weights inside groups add up to the most.

    Attributes:
        weights: (units, units), symmetric with a zero diagonal: the worth of having both in one group, penalties included.
        inner: (units,), the worth of the pairs inside each unit.
        sizes: (units,), people in each unit.
        minimum: (groups,), the fewest people of each group.
        maximum: (groups,), the most.
        factor: (largest maximum + 1,), what a group's sum is multiplied by, given its size.
        masks: (units, families, words): in each family, the units of a group must have a bit in common.
        breach: what a group without a common bit costs.
        penalty: what a pair that should be apart takes from a group's sum; it is in ``weights``.
        largest: the largest weight of two people, whatever its sign; 1 if all are 0.
    """

    weights: Floats
    inner: Floats
    sizes: Ints
    minimum: Ints
    maximum: Ints
    factor: Floats
    masks: Words
    breach: float
    penalty: float
    largest: float


class State:
    """One assignment of a problem's units to groups, with the sums that make a step's gain cheap to tell.

    Attributes:
        group: (units,), the group of each unit.
        size: (groups,), people in each.
        inside: (groups,), the sum of the weights inside each.
        gain: (groups, units), the sum of the weights between a unit and the other units of a group.
        own: (units,), the sum of the weights between a unit and the others of its group.
        alike: whether units are alike in size and inner worth, so that a swap changes nothing but weights.
        rest: (units, families, words), what the other units of the unit's group have in common.
        common: (groups, families, words), what all units of a group have in common.
        broken: (groups,), 1 where some family has no bit in common.
    """

    def __init__(self, problem: Problem, group: Ints) -> None:
        self.problem = problem
        self.group = group.astype(np.int64, copy=True)
        groups, units = len(problem.minimum), len(problem.sizes)
        self.size = np.bincount(self.group, weights=problem.sizes, minlength=groups).astype(np.int64)
        self.gain = np.zeros((groups, units))
        np.add.at(self.gain, self.group, problem.weights)
        self.own = self.gain[self.group, np.arange(units)]
        self.inside = np.bincount(self.group, weights=0.5 * self.own + problem.inner, minlength=groups)
        self.alike = bool((problem.sizes == problem.sizes[0]).all() and not problem.inner.any())
        self.common = np.empty((groups, *problem.masks.shape[1:]), np.uint64)
        self.rest = np.empty_like(problem.masks)
        self.broken = np.zeros(groups, np.int64)
        for number in range(groups if problem.masks.shape[1] else 0):
            self.refresh_common(number)

    def shift(self, unit: int, target: int) -> None:
        """Put a unit into another group; what the groups have in common is left to :meth:`refresh_common`."""
        problem, home = self.problem, self.group[unit]
        for number, sign in ((home, -1), (target, 1)):
            self.inside[number] += sign * (self.gain[number, unit] + problem.inner[unit])
            self.gain[number] += sign * problem.weights[unit]
            self.size[number] += sign * problem.sizes[unit]
        self.group[unit] = target
        moved = (self.group == home) | (self.group == target)
        self.own[moved] = self.gain[self.group[moved], np.flatnonzero(moved)]

    def refresh_common(self, number: int) -> None:
        """Work out again what the units of one group have in common."""
        members = np.flatnonzero(self.group == number)
        masks = self.problem.masks[members]
        for place, member in enumerate(members):
            self.rest[member] = np.bitwise_and.reduce(np.delete(masks, place, axis=0), axis=0)
        self.common[number] = np.bitwise_and.reduce(masks, axis=0)
        self.broken[number] = int(not meets(self.common[number]))

    @property
    def value(self) -> float:
        """The sum of all groups, penalties included."""
        worth = float((self.problem.factor[self.size] * self.inside).sum())
        return worth - self.problem.breach * float(self.broken.sum())


def meets(common: Words) -> bool:
    """Whether every family (first axis) has a bit left in some word (second axis)."""
    return bool(common.any(axis=-1).all())


def contracted(weights: Floats, unit_of: Ints, apart: Ints, masks: Words, bounds: tuple[Ints, Ints], factor: Floats) -> Problem:
    """The problem on units that stands for a problem on people.

    Args:
        weights: (people, people), symmetric; the diagonal is ignored.
        unit_of: (people,), which unit each person belongs to.
        apart: (pairs, 2) of people who must not share a group.
        masks: (people, families, words).
        bounds: minimum and maximum size per group.
        factor: see :class:`Problem`.
    """
    people, units = len(unit_of), int(unit_of.max()) + 1
    sizes = np.bincount(unit_of, minlength=units)
    order = np.argsort(unit_of, kind="stable")
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    clean = weights.astype(np.float64, copy=True)
    np.fill_diagonal(clean, 0.0)
    if units == people:
        merged, unit_masks = clean[np.ix_(order, order)], masks[order]
    else:
        merged = np.add.reduceat(np.add.reduceat(clean[np.ix_(order, order)], starts, axis=0), starts, axis=1)
        unit_masks = np.bitwise_and.reduceat(masks[order], starts, axis=0)
    inner = 0.5 * np.diag(merged).copy()
    if units:
        # A family in which everybody has a bit in common asks for nothing.
        unit_masks = np.ascontiguousarray(unit_masks[:, ~np.bitwise_and.reduce(unit_masks, axis=0).any(axis=-1)])
    used = factor[: int(bounds[1].max()) + 1][int(bounds[0].min()) :]
    used = used[used > 0] if used.any() else np.ones(1)
    largest = float(np.abs(clean).max(initial=0.0) or 1.0)
    most_gained = _GAIN_OF_STEP * int(bounds[1].max()) * int(sizes.max()) * float(used.max() / used.min())
    scale = largest * max(BREACH, most_gained)
    first, second = unit_of[apart[:, 0]], unit_of[apart[:, 1]]
    merged[first, second] -= scale
    merged[second, first] = merged[first, second]
    np.fill_diagonal(merged, 0.0)  # who must be together and apart at once is told as broken; no search can help it
    breach = scale * float(used.min())
    return Problem(merged, inner, sizes.astype(np.int64), *bounds, factor, unit_masks, breach, scale, largest)
