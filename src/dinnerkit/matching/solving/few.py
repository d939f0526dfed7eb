"""The best groups of a few units, by trying all."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from dinnerkit.matching.errors import RuleInvalid
from dinnerkit.matching.solving.dividing import MOST_UNITS, Kind, cheapest, sums, traced
from dinnerkit.matching.solving.state import Floats, Ints, Problem


def best_groups(problem: Problem, apart: Ints, until: Callable[[], bool]) -> Ints | None:
    """(units,), the groups that break the fewest constraints and are then worth the most; None where there is too much to try in the time.

    Args:
        problem: what to solve.
        apart: (pairs, 2), the units of those who must not share a group.
        until: whether time is up.

    Raises:
        RuleInvalid: no groups are of these sizes.
    """
    units = len(problem.sizes)
    if units > MOST_UNITS:
        return None
    shunned = np.zeros((units, units), np.int64)
    np.add.at(shunned, (apart.T, apart.T[::-1]), 1)
    np.fill_diagonal(shunned, 0)
    seats = sums(problem.sizes)
    factor = problem.factor[np.minimum(seats, len(problem.factor) - 1)]
    worth = factor * (_inside(problem.weights + problem.penalty * (shunned > 0)) + sums(problem.inner))
    broken = (_inside(shunned) + _lacking(problem)).astype(np.int64)
    kinds = []
    for low, high in np.unique(np.stack([problem.minimum, problem.maximum], axis=1), axis=0):
        groups = np.flatnonzero((problem.minimum == low) & (problem.maximum == high))
        sets = np.flatnonzero((seats >= low) & (seats <= high))
        kinds.append(Kind(groups, sets, worth[sets], broken[sets]))
    stages = cheapest(kinds, problem.sizes, 0, int(shunned.sum()) // 2 + len(problem.minimum), until)
    if stages is None:
        return None
    found = np.isfinite(stages[-1].worth[:, -1])
    if not found.any():
        raise RuleInvalid("those that must be together can't be fitted into groups of these sizes")
    return traced(stages, units, len(seats) - 1, int(np.argmax(found)))


def _inside(pairs: Floats | Ints) -> Floats:
    """(sets of units,), the sum over the pairs in each."""
    found = np.zeros(1)
    for unit, row in enumerate(pairs):
        found = np.concatenate([found, found + sums(row[:unit])])
    return found


def _lacking(problem: Problem) -> NDArray[np.bool_]:
    """(sets of units,), whether some family has no bit that all in a set have in common."""
    common = np.full((1, *problem.masks.shape[1:]), ~np.uint64(0))
    for mask in problem.masks:
        common = np.concatenate([common, common & mask])
    return np.asarray(~common.any(axis=-1).all(axis=-1), np.bool_)
