"""Groups of the most worth: the (constrained) maximally diverse grouping problem.

This module knows weights, groups and constraints, and nothing of dinners.
"""

from __future__ import annotations

import importlib
import importlib.util
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from dinnerkit.matching.arguments import typed
from dinnerkit.matching.errors import RuleInvalid
from dinnerkit.matching.solving import annealing
from dinnerkit.matching.solving.bound import bounded
from dinnerkit.matching.solving.budget import Budget, Progress, spend
from dinnerkit.matching.solving.checking import (
    check_budget,
    checked_bounds,
    checked_factor,
    checked_masks,
    checked_sets,
    checked_start,
    checked_weights,
)
from dinnerkit.matching.solving.few import best_groups
from dinnerkit.matching.solving.pairs import checked_pairs
from dinnerkit.matching.solving.run_record import RunRecord
from dinnerkit.matching.solving.sizes import filled, promising_sizes
from dinnerkit.matching.solving.state import Floats, Ints, Problem, State, Words, contracted
from dinnerkit.matching.solving.tempering import Search

__all__ = ["SWEEPS", "Progress", "RunRecord", "Solution", "compiled_available", "pack", "solve"]

SWEEPS = 200
"""The default budget: how often each unit is looked at."""

COMPILED_FROM = 600_000
"""Step evaluations from which starting numba pays: below this numpy is done sooner."""

_CHOICES, _LONGER = 4, 8
"""How many choices of sizes get a short search, and how much longer that of the best one is."""

_SAME = 0.01
_EXACT = 1e-7


@dataclass(frozen=True)
class Solution:
    """Groups, and what they are worth.

    Attributes:
        labels: (n,) the group of each, from 0.
        objective: the sum of the weights of all pairs that share a group, times the size factor where one was given.
        broken: constraints that could not be met: pairs together that should be apart, groups without a common bit.
        run: how it was found.
        bound: what no groups that keep the constraints can exceed, where it was asked for and none is broken; see
            :mod:`dinnerkit.matching.solving.bound`.
    """

    labels: Ints
    objective: float
    broken: int
    run: RunRecord
    bound: float | None = None

    @property
    def proved(self) -> bool:
        """Whether the bound shows that no groups are better."""
        return self.bound is not None and self.bound <= self.objective + _EXACT * max(1.0, abs(self.objective))

    @property
    def gap(self) -> float | None:
        """How far below the bound the objective is, as a share of the bound, where that is above zero."""
        return None if self.bound is None or self.bound <= 0 else max(0.0, 1.0 - self.objective / self.bound)


@typed
def solve(
    weights: ArrayLike,
    minimum: ArrayLike,
    maximum: ArrayLike,
    *,
    seconds: float | None = None,
    seed: int = 0,
    together: Iterable[Sequence[int] | Ints] = (),
    apart: Iterable[Sequence[int]] | Ints = (),
    start: ArrayLike | None = None,
    progress: Progress | None = None,
    sweeps: int | None = None,
    masks: Words | None = None,
    factor: Floats | None = None,
    heat: float = 1.0,
    clock: Callable[[], float] = time.monotonic,
    bound: bool = False,
    best: Callable[[float], None] | None = None,
) -> Solution:
    """Divide n things into groups so that the weights inside the groups add up to the most.

    With a number of sweeps (the default) the answer depends on the arguments and the seed alone; with ``seconds`` also
    on how fast the machine is. Of up to a dozen or so (who must be together count as one) every way is tried instead: no groups break
    fewer constraints, and none that break as few are worth more.

    Args:
        weights: (n, n), symmetric, finite; the diagonal is ignored.
        minimum: (groups,), the smallest size of each group.
        maximum: (groups,), the largest.
        seconds: how long to take, by the clock, in place of a number of sweeps. Loading the compiled search, once in the life of
            a process, comes on top: about half a second, or some twenty where it has never been compiled on this machine. One
            sweep and the sums that it needs are the least that is done. Of a few every way is tried for half of the time at most.
        seed: what all chance is drawn from.
        together: pairs (or more) of indexes that must share a group.
        apart: pairs that must not.
        start: (n,) group numbers to begin from; sizes must be within bounds.
        progress: see :data:`dinnerkit.matching.solving.budget.Progress`.
        sweeps: how often each unit is looked at; some tens more find the temperatures.
        masks: (n, families, words): in each family the members of a group must have a bit in common.
        factor: (largest maximum + 1,), what a group's sum is multiplied by, given its size; 1 by default.
        heat: the first temperature against the usual one; less keeps more of a good start, 0 only climbs.
        clock: what tells the time; with ``time.process_time`` other work on the machine does not count.
        bound: also tell what no groups can exceed, which takes seconds of its own. For up to some 36 people at tables of 6 it
            mostly proves the groups to be the best, or finds better ones; beyond, it is stated and far from tight.
        best: told what the best groups so far are worth, as ``progress`` is told how far it is; broken constraints count as
            losses beyond all weights.

    Raises:
        RuleInvalid: the arguments contradict themselves, or the sizes can't be met.
        ModuleNotFoundError: a bound is asked for, and scipy is missing; it comes with the extra ``matching``.
    """
    began = clock()
    check_budget(seconds, sweeps, heat, seed)
    matrix = checked_weights(weights)
    n = len(matrix)
    low, high = checked_bounds(minimum, maximum, n)
    factor, masks = checked_factor(factor, high), checked_masks(masks, n)
    apart_pairs, unit_of = checked_pairs(apart, n, "apart"), _units(n, checked_sets(together, n))
    if n == 0:
        return Solution(np.zeros(0, np.int64), 0.0, 0, RunRecord(seed, 0, 0.0, "numpy"))
    scale = _scale(matrix)
    problem = contracted(matrix / scale, unit_of, apart_pairs, masks, (low, high), factor)
    rng = np.random.default_rng(seed)
    group = None if start is None else _started(problem, unit_of, start)
    budget = Budget(seconds, SWEEPS if sweeps is None else sweeps, heat, clock, progress, best and (lambda worth: best(worth * scale)))
    few = best_groups(problem, unit_of[apart_pairs], lambda: seconds is not None and clock() - began > seconds / 2)
    if few is None:
        group = _packed(problem, rng) if group is None and len(apart_pairs) else group
        group, run = _search(problem, group, rng, seed, budget, began)
    else:
        group, run = few, RunRecord(seed, 0, clock() - began, "numpy")
        budget.tell(1.0, State(problem, few).value)
    solution = _solution(group[unit_of], matrix, factor, (apart_pairs, masks), run)
    if not bound or solution.broken:
        return solution
    proof = bounded(problem, group)
    solution = _solution(proof.group[unit_of], matrix, factor, (apart_pairs, masks), run)
    return replace(solution, bound=max(proof.value * scale, solution.objective))


def pack(sizes: Ints, minimum: Ints, maximum: Ints, rng: np.random.Generator, tries: int = 20) -> Ints | None:
    """Put units of the given sizes into groups within bounds, balanced, by chance; None where no try fits.

    The largest units go first, each to the group with the smallest share of its maximum taken.
    """
    for _ in range(tries):
        order = rng.permutation(len(sizes))
        order = order[np.argsort(-sizes[order], kind="stable")]
        filled = np.zeros(len(maximum), np.int64)
        group = np.full(len(sizes), -1)
        for unit in order:
            lacking = np.minimum(minimum - filled, 1)
            share = np.where(filled + sizes[unit] <= maximum, filled / maximum - 10.0 * (lacking > 0), np.inf)
            target = int(np.argmin(share + 1e-6 * rng.random(len(share))))
            if share[target] == np.inf:
                break
            filled[target] += sizes[unit]
            group[unit] = target
        if (group >= 0).all() and (filled >= minimum).all():
            return group
    return None


def _scale(matrix: Floats) -> float:
    """A power of two near the largest weight: what is searched is of order one, and exactly as it was but for that."""
    largest = float(np.abs(matrix).max(initial=0.0))
    return float(2.0 ** np.clip(np.floor(np.log2(largest)), -1000, 1000)) if largest > 0 else 1.0


def _units(n: int, together: list[list[int]]) -> Ints:
    """The number of the unit that each belongs to, units numbered by their first member."""
    root = list(range(n))

    def find(one: int) -> int:
        while root[one] != one:
            root[one] = root[root[one]]
            one = root[one]
        return one

    for members in together:
        for other in members[1:]:
            first, second = sorted((find(members[0]), find(other)))
            root[second] = first
    return np.unique([find(one) for one in range(n)], return_inverse=True)[1].astype(np.int64).reshape(-1)


def _packed(problem: Problem, rng: np.random.Generator) -> Ints:
    group = pack(problem.sizes, problem.minimum, problem.maximum, rng)
    if group is None:
        raise RuleInvalid("those that must be together could not be fitted into groups of these sizes")
    return group


def _started(problem: Problem, unit_of: Ints, start: ArrayLike) -> Ints:
    labels = checked_start(start, len(unit_of), problem.minimum, problem.maximum)
    group = np.zeros(len(problem.sizes), np.int64)
    group[unit_of] = labels
    if (group[unit_of] != labels).any():
        raise RuleInvalid("the groups to start from separate some that must be together")
    return group


def _search(
    problem: Problem, group: Ints | None, rng: np.random.Generator, seed: int, budget: Budget, began: float
) -> tuple[Ints, RunRecord]:
    evaluations = len(problem.sizes) ** 2 * budget.sweeps if budget.seconds is None else COMPILED_FROM
    loading = budget.clock()
    engine = _engine(evaluations, problem)
    began += budget.clock() - loading
    spread = _spread(problem)
    choices = promising_sizes(problem, spread, _CHOICES, rng) if group is None and _sizes_matter(problem) else []
    racing = len(choices) > 1 and (budget.seconds is not None or budget.sweeps >= SWEEPS)
    if group is None and not racing:
        group = filled(choices[0], rng) if choices else _packed(problem, rng)
    budget = budget.less(budget.clock() - began)

    def run(start: Ints, share: Budget) -> tuple[float, Ints, int]:
        opened = budget.clock()
        search: Search = engine.Search(problem, start, rng)
        done = spend(search, share.less(budget.clock() - opened), spread, rng)
        return search.value, search.best, done

    best, done = _raced(run, choices, rng, budget) if group is None else run(group, budget)[1:]
    name: Literal["numba", "numpy"] = "numpy" if engine is annealing else "numba"
    return best, RunRecord(seed, done, budget.clock() - began, name)


def _raced(
    run: Callable[[Ints, Budget], tuple[float, Ints, int]], choices: list[Ints], rng: np.random.Generator, budget: Budget
) -> tuple[Ints, int]:
    """A short search for each choice of sizes, and a long one for the sizes that did best."""
    found: list[tuple[float, Ints]] = []
    done, ends, screened = 0, budget.clock() + (budget.seconds or 0.0), len(choices)
    for passed in range(screened + 1):
        best = max(found, key=lambda one: one[0])[1] if passed == screened else None
        sizes = choices[passed] if best is None else np.bincount(best, minlength=len(choices[0]))
        parts = 1 if best is None else _LONGER
        value, labels, sweeps = run(filled(sizes, rng), budget.part(ends, passed, parts, screened + _LONGER))
        found.append((value, labels))
        done += sweeps
        if budget.stopped:
            break
    return max(found, key=lambda one: one[0])[1], done


def _sizes_matter(problem: Problem) -> bool:
    """Whether sizes may change, and what a group of mean weights is worth to each person depends on its size."""
    low, high = int(problem.minimum.min()), int(problem.maximum.max())
    each = problem.factor[low : high + 1] * np.maximum(np.arange(low, high + 1) - 1, 0)
    free = bool((problem.minimum < problem.maximum).any() and (problem.sizes == 1).all() and not problem.masks.shape[1])
    return free and float(np.ptp(each)) > _SAME * float(np.abs(each).max(initial=0.0))


def compiled_available() -> bool:
    """Whether numba is installed; the search in numpy is as correct and some fifty times slower."""
    return importlib.util.find_spec("numba") is not None


def _engine(evaluations: int, problem: Problem) -> Any:
    """The compiled search where numba is installed and there is enough to do, else the one in numpy."""
    if evaluations < COMPILED_FROM or not compiled_available():
        return annealing
    singles = bool((problem.sizes == 1).all() and not problem.inner.any())
    return _loaded("slots" if singles else "compiled")


@cache
def _loaded(name: str) -> Any:
    """A compiled search, once it has run: code is read from disk, or compiled, when it is first called."""
    engine = importlib.import_module(f"dinnerkit.matching.solving.{name}")
    bounds = np.ones(2, np.int64), np.full(2, 2)
    few = contracted(np.zeros((2, 2)), np.arange(2), np.zeros((0, 2), np.int64), np.zeros((2, 0, 1), np.uint64), bounds, np.ones(3))
    search: Search = engine.Search(few, np.arange(2), np.random.default_rng(0))
    search.anneal(np.zeros(1))
    assert search.worth == 0.0  # noqa: S101 - the worth is compiled too
    return engine


def _spread(problem: Problem) -> float:
    """How much swaps differ in what they gain, roughly: the spread of the weights over two groups' members."""
    proper = problem.weights[problem.weights > -problem.penalty / 2]
    usual = len(problem.sizes) / max(1, len(problem.minimum))
    size = round(float(problem.sizes.sum()) / max(1, len(problem.minimum)))
    return float(np.std(proper) * max(1e-9, float(problem.factor[size])) * np.sqrt(2.0 * max(1.0, usual - 1.0)))


def _solution(labels: Ints, matrix: Floats, factor: Floats, constraints: tuple[Ints, Words], run: RunRecord) -> Solution:
    apart, masks = constraints
    order = np.argsort(labels, kind="stable")
    starts = np.flatnonzero(np.diff(labels[order], prepend=-1))
    objective = 0.0
    for members in np.split(order, starts[1:]):
        objective += float(factor[len(members)] * 0.5 * matrix[members[:, None], members].sum())
    common = np.bitwise_and.reduceat(masks[order], starts, axis=0)
    broken = int((labels[apart[:, 0]] == labels[apart[:, 1]]).sum()) + int((~common.any(axis=-1).all(axis=-1)).sum())
    return Solution(labels.astype(np.int64), objective, broken, run)
