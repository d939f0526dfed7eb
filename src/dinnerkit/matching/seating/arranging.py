"""From tables that keep the rules to good ones: the solver on everybody at once, or on blocks of tables in rounds."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dinnerkit.matching.people.crowd import Crowd
from dinnerkit.matching.seating.constraints import Constraints
from dinnerkit.matching.seating.scoring import Scoring
from dinnerkit.matching.solving.solver import Progress, RunRecord, compiled_available, solve
from dinnerkit.matching.solving.state import Floats, Ints

AT_ONCE = 600
"""Up to so many guests are solved as one; more in blocks, so that time and memory grow with the guests, not their square."""

BLOCK = 480
_ROUNDS = 3
_EVALUATIONS = {True: 120_000_000, False: 10_000_000}
_BLOCK_SWEEPS = {True: 12, False: 6}
_BLOCK_HEAT = 0.3
_SWEEPS = (20, 400)
_FEW = 40
_SWEEPS_OF_FEW = 50


@dataclass(frozen=True, slots=True)
class Budget:
    """How much searching to do: ``seconds`` by the clock, or an amount that depends on the guests alone."""

    seed: int
    seconds: float | None
    progress: Progress | None


def arranged(crowd: Crowd, constraints: Constraints, scoring: Scoring, labels: Ints, budget: Budget) -> tuple[Ints, RunRecord]:
    """Better tables by exchanging guests; no rule that was kept is broken.

    Args:
        crowd: the guests, all of them seated.
        constraints: the hard rules.
        scoring: the soft ones.
        labels: (n,), the tables to start from, numbered without gaps.
        budget: see :class:`Budget`.
    """
    if len(np.unique(labels)) < 2 or not scoring.rules:  # noqa: PLR2004
        return labels, RunRecord(budget.seed, 0, 0.0, "numpy")
    if len(crowd) <= AT_ONCE:
        everybody, n = np.arange(len(crowd)), len(crowd)
        sweeps = int(np.clip(_EVALUATIONS[compiled_available()] // (n * n), *_SWEEPS)) if n >= _FEW else _SWEEPS_OF_FEW
        return _improve(crowd, constraints, scoring, (everybody, labels), budget, sweeps)
    return _in_blocks(crowd, constraints, scoring, labels, budget)


def similar_order(axes: NDArray[np.float32], rng: np.random.Generator) -> Ints:
    """The rows in an order in which neighbours are near: a k-d tree over randomly turned axes, cut down to small leaves."""
    n, dimensions = axes.shape
    if dimensions == 0:
        return rng.permutation(n)
    turned = axes @ np.linalg.qr(rng.normal(size=(dimensions, dimensions)))[0]
    order, pending = np.empty(n, np.int64), [(0, np.arange(n))]
    while pending:
        first, rows = pending.pop()
        if len(rows) <= BLOCK // 40:
            order[first : first + len(rows)] = rows
            continue
        widest = int(np.argmax(np.ptp(turned[rows], axis=0)))
        half = len(rows) // 2
        rows = rows[np.argpartition(turned[rows, widest], half)]
        pending += [(first, rows[:half]), (first + half, rows[half:])]
    return order


def _in_blocks(crowd: Crowd, constraints: Constraints, scoring: Scoring, labels: Ints, budget: Budget) -> tuple[Ints, RunRecord]:
    began = time.monotonic()
    rng = np.random.default_rng(budget.seed)
    labels, axes = labels.copy(), scoring.axes(crowd)
    fast = compiled_available()
    sizes = np.bincount(labels)
    blocks = -(-len(crowd) // BLOCK)
    done, total = 0, _ROUNDS * blocks
    for _ in range(_ROUNDS):
        means = (
            np.stack([np.bincount(labels, weights=axis) / sizes for axis in axes.T], axis=1) if axes.size else (np.zeros((len(sizes), 0)))
        )
        order = similar_order(means.astype(np.float32), rng)
        block_of_table = np.empty(len(sizes), np.int64)
        block_of_table[order] = np.arange(len(sizes)) * blocks // len(sizes)
        guests_by_block = np.argsort(block_of_table[labels], kind="stable")
        cuts = np.cumsum(np.bincount(block_of_table[labels], minlength=blocks))[:-1]
        for guests in np.split(guests_by_block, cuts):
            left = None if budget.seconds is None else (budget.seconds - (time.monotonic() - began)) / (total - done)
            own = Budget(int(rng.integers(1 << 31)), left, None)
            if left is None or left > 0:
                found, _ = _improve(crowd, constraints, scoring, (guests, labels[guests]), own, _BLOCK_SWEEPS[fast])
                labels[guests] = found
            done += 1
            if budget.progress:
                budget.progress(done / total)
        sizes = np.bincount(labels)
    sweeps = _ROUNDS * _BLOCK_SWEEPS[fast]
    return labels, RunRecord(budget.seed, sweeps, time.monotonic() - began, "numba" if fast else "numpy")


def _improve(
    crowd: Crowd, constraints: Constraints, scoring: Scoring, tables: tuple[Ints, Ints], budget: Budget, sweeps: int
) -> tuple[Ints, RunRecord]:
    """Better tables for some guests, who fill whole tables."""
    guests, labels = tables
    part = constraints.take(guests)
    names, start = np.unique(labels, return_inverse=True)
    solution = solve(
        scoring.matrix(crowd.take(guests)),
        *constraints.seats(names),
        seed=budget.seed,
        seconds=budget.seconds,
        sweeps=sweeps,
        together=part.together(),
        apart=part.apart,
        masks=part.masks,
        start=start.reshape(-1),
        factor=_per_guest(constraints.high),
        progress=budget.progress,
        heat=1.0 if len(guests) == len(crowd) else _BLOCK_HEAT,
    )
    return names[solution.labels], solution.run


def _per_guest(high: int) -> Floats:
    """Turns a table's sum over pairs into the sum over its guests of each one's mean with the others.

    Without it a sum of positive scores would favour large tables.
    """
    sizes = np.arange(high + 1)
    return np.where(sizes > 1, 2.0 / np.maximum(sizes - 1, 1), 0.0)
