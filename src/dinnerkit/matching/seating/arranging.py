"""From tables that keep the rules to good ones: the solver on everybody at once, or on blocks of tables in rounds."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dinnerkit.matching.errors import RuleInvalid
from dinnerkit.matching.people.crowd import Crowd
from dinnerkit.matching.rules.scale import FULL
from dinnerkit.matching.seating.constraints import Constraints
from dinnerkit.matching.seating.declaring import declared, per_guest, task
from dinnerkit.matching.seating.following import Following, Halfway
from dinnerkit.matching.seating.scoring import Scoring
from dinnerkit.matching.solving.batches import Places
from dinnerkit.matching.solving.blocks import Effort, near_order, searched, usual_rounds
from dinnerkit.matching.solving.solver import RunRecord, compiled_available, solve
from dinnerkit.matching.solving.state import Ints

AT_ONCE = 600
"""Up to so many guests are solved as one; more in blocks, so that time and memory grow with the guests, not their square."""

_EVALUATIONS = {True: 120_000_000, False: 10_000_000}
_SWEEPS = (20, 400)
_FEW = 40
_SWEEPS_OF_FEW = 50
_NEIGHBOURS = 200


@dataclass(frozen=True, slots=True)
class Budget:
    """How much searching to do: ``seconds`` by the clock, or an amount that depends on the guests alone."""

    seed: int
    seconds: float | None
    following: Following
    processes: int = 1
    clock: Callable[[], float] = time.monotonic


def arranged(crowd: Crowd, constraints: Constraints, scoring: Scoring, labels: Ints, budget: Budget) -> tuple[Ints, RunRecord]:
    """Better tables by exchanging guests; no rule that was kept is broken.

    Args:
        crowd: the guests, all of them seated.
        constraints: the hard rules.
        scoring: the soft ones.
        labels: (n,), the tables to start from, numbered without gaps.
        budget: see :class:`Budget`.

    Raises:
        RuleInvalid: what is to be resumed was another search.
    """
    if not len(labels) or labels.min() == labels.max() or not scoring.rules:
        return labels, RunRecord(budget.seed, 0, 0.0, "numpy")
    if len(crowd) <= AT_ONCE and budget.following.resume is not None:
        raise RuleInvalid("what is to be resumed was the search of another seating: so few guests are not searched for in rounds")
    if len(crowd) <= AT_ONCE:
        everybody, n = np.arange(len(crowd)), len(crowd)
        sweeps = int(np.clip(_EVALUATIONS[compiled_available()] // (n * n), *_SWEEPS)) if n >= _FEW else _SWEEPS_OF_FEW
        return _improve(crowd, constraints, scoring, (everybody, labels), budget, sweeps)
    return _in_blocks(crowd, constraints, scoring, labels, budget)


def similar_order(axes: NDArray[np.float32], rng: np.random.Generator) -> Ints:
    """The rows in an order in which neighbours are near."""
    return near_order(axes, max(1, len(axes) // _NEIGHBOURS), rng)[0]


def _in_blocks(crowd: Crowd, constraints: Constraints, scoring: Scoring, labels: Ints, budget: Budget) -> tuple[Ints, RunRecord]:
    """Better tables for many guests."""
    began, following = budget.clock(), budget.following
    wanted = task(constraints, declared(crowd, scoring), int(labels.max()) + 1)
    labels = following.begun(constraints, labels)
    passed = following.resume.rounds if following.resume else 0

    def after(rounds: int, labels: Places) -> None:
        sizes = np.bincount(labels)
        score = float(np.average(scoring.tables(crowd, labels.astype(np.int64)), weights=sizes))
        following.reached(score)
        if following.halfway is not None:
            following.halfway(Halfway(rounds, labels.copy(), score))

    told = after if following.best or following.halfway else None
    rounds = usual_rounds(len(crowd))
    effort = Effort(budget.seed, rounds, budget.seconds, following.progress, budget.processes, budget.clock, passed, told)
    found, sweeps = searched(wanted, labels, effort)
    return found, RunRecord(budget.seed, sweeps, budget.clock() - began, "numba" if compiled_available() else "numpy")


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
        factor=per_guest(constraints.high),
        progress=budget.following.progress,
        clock=budget.clock,
        best=lambda worth: budget.following.reached(FULL * worth / len(guests)),
    )
    return names[solution.labels], solution.run
