"""Groups of the most worth among many: :func:`dinnerkit.matching.solve` without an n x n matrix.

This module knows people as rows of numbers, groups and constraints, and nothing of dinners.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from dinnerkit.matching.arguments import typed
from dinnerkit.matching.errors import RuleInvalid
from dinnerkit.matching.solving.blocks import BLOCK, Effort, Task, near_order, searched, usual_rounds
from dinnerkit.matching.solving.budget import Progress
from dinnerkit.matching.solving.checking import MOST_PEOPLE, check_processes, check_seed, checked_bounds, checked_factor, checked_masks
from dinnerkit.matching.solving.filling import dealt
from dinnerkit.matching.solving.pairs import checked_pairs, pairs_inside
from dinnerkit.matching.solving.solver import RunRecord, Solution, compiled_available
from dinnerkit.matching.solving.state import Floats, Ints, Words
from dinnerkit.matching.solving.terms import Term, Worths

_PAIRS_AT_ONCE = 1 << 20


@typed
def solve_features(
    terms: Iterable[Term],
    minimum: ArrayLike,
    maximum: ArrayLike,
    *,
    people: int,
    seconds: float | None = None,
    seed: int = 0,
    unit: ArrayLike | None = None,
    apart: Iterable[Sequence[int]] | Ints = (),
    masks: Words | None = None,
    start: ArrayLike | None = None,
    progress: Progress | None = None,
    rounds: int | None = None,
    factor: Floats | None = None,
    processes: int = 1,
    lift: float = 0.0,
    clock: Callable[[], float] = time.monotonic,
) -> Solution:
    """Divide many people into groups so that what the people inside groups are worth to each other adds up to the most.

    Up to a million people and more, in groups of about six. What two are worth to each other is a sum of declared terms, so that no
    matrix of all is needed: people are cut into blocks of some hundreds who are near each other, each block is searched with a matrix
    of its own, and the groups are cut into new blocks, in rounds. With a number of rounds (the default) the answer depends on the
    arguments and the seed alone; with ``seconds`` also on how fast the machine is.

    Args:
        terms: :class:`Near`, :class:`Far`, :class:`Kinds`, :class:`Common` and :class:`Linked`.
        minimum: (groups,), the smallest size of each group.
        maximum: (groups,), the largest.
        people: how many there are.
        seconds: how long to search, by the clock, in place of a number of rounds.
        seed: what all chance is drawn from.
        unit: (people,), whole numbers; those with the same one stay together.
        apart: pairs that must not share a group.
        masks: (people, families, words): in each family the members of a group must have a bit in common.
        start: (people,), group numbers to begin from; sizes must be within bounds.
        progress: told the fraction done, 0–1; a true answer ends the search, raising cancels it.
        rounds: how often the people are cut into blocks anew.
        factor: (largest maximum + 1,), what a group's sum is multiplied by, given its size; 1 by default.
        processes: how many work on it, on memory that they share; the answer does not depend on that, but for a process that has just
            compiled the search, whose sums may be rounded otherwise. Without numba, or where the system can't share memory so, this one
            alone.
        lift: how much more than the others the worst groups should gain; above 0 it is at the cost of the sum. Only with numba.
        clock: what tells the time.

    Returns:
        The groups; ``run.engine`` is ``"numpy"`` where numba is missing, which is as correct and some fifty times slower.

    Raises:
        RuleInvalid: the arguments contradict themselves, are not finite, or the sizes can't be met.
    """
    began = clock()
    if not 0 <= people <= MOST_PEOPLE:
        raise RuleInvalid(f"there can't be {people} people")
    worths = Worths(people, terms)
    _check(people, seconds, rounds, processes, seed)
    low, high = checked_bounds(minimum, maximum, people)
    if not (math.isfinite(lift) and lift >= 0):
        raise RuleInvalid(f"lift must be 0 or more, not {lift}")
    number = None if unit is None else _whole(unit, people, "unit")
    pairs = checked_pairs(apart, people, "apart")
    masks, factor = checked_masks(masks, people), checked_factor(factor, high)
    if not people:
        return Solution(np.zeros(0, np.int64), 0.0, 0, RunRecord(seed, 0, 0.0, "numpy"))
    labels = _start(worths, low, high, number, start, np.random.default_rng(seed))
    task = Task(worths, low, high, factor, number, pairs, masks, lift)
    left = None if seconds is None else max(0.0, seconds - (clock() - began))
    effort = Effort(seed, usual_rounds(people) if rounds is None else rounds, left, progress, processes, clock)
    labels, sweeps = searched(task, labels, effort)
    run = RunRecord(seed, sweeps, clock() - began, "numba" if compiled_available() else "numpy")
    return Solution(labels, _worth(worths, factor, labels), _broken(task, labels), run)


def _worth(worths: Worths, factor: Floats, labels: Ints) -> float:
    """What all groups are worth together, times their factors."""
    one, other = pairs_inside(labels)
    sizes = np.bincount(labels)
    total = 0.0
    for begin in range(0, len(one), _PAIRS_AT_ONCE):
        part = slice(begin, begin + _PAIRS_AT_ONCE)
        total += float((worths.pairs(one[part], other[part]) * factor[sizes[labels[one[part]]]]).sum(dtype=np.float64))
    return total


def _broken(task: Task, labels: Ints) -> int:
    """How many constraints do not hold: pairs together that should be apart, groups without a common bit."""
    count = int((labels[task.apart[:, 0]] == labels[task.apart[:, 1]]).sum())
    if task.masks.shape[1]:
        order = np.argsort(labels, kind="stable")
        starts = np.flatnonzero(np.diff(labels[order], prepend=-1))
        common = np.bitwise_and.reduceat(task.masks[order], starts, axis=0)
        count += int((~common.any(axis=-1).all(axis=-1)).sum())
    return count


def _check(people: int, seconds: float | None, rounds: int | None, processes: int, seed: int) -> None:
    check_seed(seed)
    if seconds is not None and not (math.isfinite(seconds) and seconds > 0):
        raise RuleInvalid(f"seconds must be a positive number, not {seconds}")
    if rounds is not None and rounds < 0:
        raise RuleInvalid(f"rounds can't be {rounds}")
    check_processes(processes)


def _whole(values: ArrayLike, people: int, what: str) -> Ints:
    found = np.asarray(values)
    if found.shape != (people,) or (people and not np.issubdtype(found.dtype, np.integer)):
        raise RuleInvalid(f"{what} must be {people} whole numbers")
    return found.astype(np.int64)


def _start(worths: Worths, low: Ints, high: Ints, unit: Ints | None, start: ArrayLike | None, rng: np.random.Generator) -> Ints:
    people = worths.people
    number = np.arange(people) if unit is None else np.unique(unit, return_inverse=True)[1].reshape(-1)
    if start is None:
        order = near_order(worths.axes(), max(1, people // BLOCK), rng)[0]
        ranked = np.unique(number[order], return_index=True)[1]
        units = np.argsort(ranked, kind="stable")
        group = dealt(np.bincount(number)[units], low, high)
        if group is None:
            raise RuleInvalid("those that must be together could not be fitted into groups of these sizes")
        found = np.empty(len(units), np.int64)
        found[units] = group
        return found[number]
    labels = _whole(start, people, "start")
    if (labels < 0).any() or (labels >= len(low)).any():
        raise RuleInvalid(f"start must give each a group from 0 to {len(low) - 1}")
    size = np.bincount(labels, minlength=len(low))
    if (size < low).any() or (size > high).any():
        raise RuleInvalid("the groups to start from are not within the bounds of size")
    of_unit = np.zeros(int(number.max(initial=-1)) + 1, np.int64)
    of_unit[number] = labels
    if (of_unit[number] != labels).any():
        raise RuleInvalid("the groups to start from separate some that must be together")
    return labels
