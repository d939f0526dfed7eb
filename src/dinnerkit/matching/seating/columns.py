"""Many guests seated from columns, and answered in columns: nothing here is made for each guest."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dinnerkit.matching.arguments import typed
from dinnerkit.matching.people.crowd import Crowd
from dinnerkit.matching.rules.default_rules import DEFAULT_RULES
from dinnerkit.matching.rules.kinds import Rule
from dinnerkit.matching.rules.scale import FULL
from dinnerkit.matching.seating.deadline import Deadline
from dinnerkit.matching.seating.following import Following
from dinnerkit.matching.seating.rooms import Room, Size
from dinnerkit.matching.seating.scoring import Scoring
from dinnerkit.matching.seating.seat import Search, check, seated
from dinnerkit.matching.solving.solver import Progress, RunRecord
from dinnerkit.matching.solving.state import Floats, Ints


@dataclass(frozen=True, eq=False)
class SeatedCrowd:
    """Who of a crowd sits where.

    Attributes:
        labels: (n,), the table of each guest, from 0; -1 is unseated.
        scores: (tables,), the score of each table, 0–100.
        score: the mean over the guests of the score of their table.
        floor: the score of the worst table.
        at: (tables,), each table's place in the venue; -1 if all are alike.
        unseated: why those without a table have none, by their place in the crowd.
        run: how it was found.
    """

    labels: NDArray[np.int32]
    scores: Floats
    score: float
    floor: float
    at: Ints
    unseated: dict[int, str]
    run: RunRecord


@typed
def seat_crowd(
    crowd: Crowd,
    *,
    size: Size = (5, 7),
    rules: Sequence[Rule] = DEFAULT_RULES,
    seed: int = 0,
    seconds: float | None = None,
    best_effort: bool = False,
    processes: int = 1,
    progress: Progress | None = None,
    best: Callable[[float], None] | None = None,
) -> SeatedCrowd:
    """:func:`seat` for guests who are columns, see :meth:`Crowd.of_columns`: the same rules, and the same tables for the same seed.

    Args:
        crowd: whom to seat.
        size: see :func:`seat`.
        rules: see :func:`seat`.
        seed: what all chance is drawn from.
        seconds: how long to search, by the clock; by default as long as suits the number of guests.
        best_effort: seat as many as can be, and tell of the others why not, in place of an error.
        processes: how many work on it; the answer does not depend on that.
        progress: told the fraction done, 0–1; raising from it cancels.
        best: told the best score so far, 0–100, whenever that is higher than before.

    Raises:
        SeatingImpossible: the hard rules can't all be met.
        RuleInvalid: a size, rule, time, seed or number of processes makes no sense.
    """
    room = Room.of(size)
    check(rules, seconds, seed, processes)
    began = time.monotonic()
    scoring = Scoring.of(crowd, rules)
    search = Search(seed, Deadline.within(began, seconds), best_effort, Following(progress, best), np.random.default_rng(seed), processes)
    found = seated(crowd, scoring, rules, room, search)
    labels, at = _numbered(found.labels, found.at)
    scores = scoring.tables(crowd, labels)
    sizes = np.bincount(labels[labels >= 0], minlength=len(scores))
    return SeatedCrowd(
        labels=labels.astype(np.int32),
        scores=scores,
        score=float(np.average(scores, weights=sizes)) if len(scores) else 0.0,
        floor=float(scores.min(initial=FULL)) if len(scores) else 0.0,
        at=at,
        unseated={one: why.text for one, why in found.reasons.items()},
        run=replace(found.run, seed=seed, seconds=time.monotonic() - began),
    )


def _numbered(labels: Ints, at: Ints) -> tuple[Ints, Ints]:
    """Tables numbered as :func:`seat` has them: by their place in the venue, then by their first guest; and the place of each."""
    first = np.full(len(at), len(labels))
    there = np.flatnonzero(labels >= 0)
    np.minimum.at(first, labels[there], there)
    used = np.flatnonzero(first < len(labels))
    order = used[np.lexsort((first[used], at[used]))]
    rank = np.full(len(at) + 1, -1)
    rank[order] = np.arange(len(order))
    return rank[labels], at[order]
