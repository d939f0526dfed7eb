"""How good groups can be at most: proved exactly for a few dozen people, stated as a bound that holds for more.

For a few people every possible table is a column of a linear model: choose columns so that each person is in one. Its relaxation
is solved over a growing choice of columns (column generation, the pricing by looking at all); columns whose reduced cost exceeds
the gap to the best groups known can be in no better answer and are dropped, and HiGHS (Huangfu and Hall, Mathematical Programming
Computation 10, 2018) chooses among the few that remain.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dinnerkit.matching.solving.state import Floats, Ints, Problem

MOST_TABLES = 2_500_000
"""How many possible tables are listed at most: those of six from 36 people are 1,947,792."""

_ROUNDS, _ADDED = 200, 1_500
_MOST_CHOSEN = 60_000
_EXACT = 1e-9
_SECONDS = 60.0


@dataclass(frozen=True)
class Bound:
    """What no groups can exceed.

    Attributes:
        value: the bound on the sum of all groups.
        group: (units,), groups that are worth as much or better than those given, found on the way.
    """

    value: float
    group: Ints


@dataclass(frozen=True)
class _Columns:
    """Possible tables: members (columns, seats) padded by the number of units, what each is worth, and its kind of group."""

    members: NDArray[np.int16]
    worth: Floats
    kind: Ints


def bounded(problem: Problem, group: Ints) -> Bound:
    """The bound on a problem, given good groups that keep its rules.

    Raises:
        ModuleNotFoundError: scipy is missing; it comes with the extra ``matching``.
    """
    try:
        optimize, sparse = importlib.import_module("scipy.optimize"), importlib.import_module("scipy.sparse")
    except ModuleNotFoundError as missing:
        raise ModuleNotFoundError("a bound needs scipy: pip install 'dinnerkit[matching]'", name="scipy") from missing
    bounds = np.stack([problem.minimum, problem.maximum], axis=1)
    kinds, kind_of = np.unique(bounds, axis=0, return_inverse=True)
    columns = _columns(problem, kinds)
    if columns is None:
        return Bound(partners_bound(problem), group)
    return _Model(optimize, sparse, problem, columns, kind_of.reshape(-1)).solve(group)


def partners_bound(problem: Problem) -> float:
    """A bound for any number: each unit with the partners it would like best, as many as the most fitting size allows."""
    n, high = len(problem.sizes), int(problem.maximum.max())
    low, smallest = int(problem.minimum.min()), int(problem.sizes.min())
    partners = min(n - 1, max(0, (high - int(smallest)) // smallest))
    total = 0.0
    sizes = np.arange(low, high + 1)
    for unit in range(n):
        others = np.delete(problem.weights[unit], unit)
        liked = -np.sort(-others)[:partners]
        best = np.concatenate([[0.0], np.cumsum(liked)])
        most = [(size, _most(best, size, problem, unit)) for size in sizes[sizes >= problem.sizes[unit]]]
        total += max(problem.factor[size] * worth for size, worth in most if worth > -np.inf)
    return total


def _most(best: Floats, size: int, problem: Problem, unit: int) -> float:
    """Half of what a unit's partners can give it in a group of a size, and what its own pairs give; -inf where none fill it."""
    spare = size - int(problem.sizes[unit])
    least, most = -(-spare // int(problem.sizes.max())), spare // int(problem.sizes.min())
    choice = best[min(least, len(best) - 1) : min(most, len(best) - 1) + 1]
    return 0.5 * float(choice.max(initial=-np.inf)) + float(problem.inner[unit])


def _columns(problem: Problem, kinds: Ints) -> _Columns | None:
    """All tables that keep the rules; None if there are too many."""
    n, high = len(problem.sizes), int(problem.maximum.max())
    members, inside, size = np.zeros((1, 0), np.int16), np.zeros(1), np.zeros(1, np.int64)
    common = np.full((1, *problem.masks.shape[1:]), ~np.uint64(0))
    found: list[_Columns] = []
    listed = 0
    while len(members):
        padded = np.pad(members, ((0, 0), (0, high - members.shape[1])), constant_values=n)
        lawful = common.any(axis=-1).all(axis=-1)
        for number, (least, most) in enumerate(kinds):
            kept = lawful & (size >= least) & (size <= most)
            found.append(_Columns(padded[kept], (problem.factor[size] * inside)[kept], np.full(int(kept.sum()), number)))
        if members.shape[1] == high:
            break
        last = members[:, -1].astype(np.int64) if members.shape[1] else np.full(1, -1)
        listed += int((n - 1 - last).sum())
        if listed > MOST_TABLES:
            return None
        row = np.repeat(np.arange(len(members)), n - 1 - last)
        new = np.arange(len(row)) - np.repeat(np.cumsum(n - 1 - last) - (n - 1 - last), n - 1 - last) + last[row] + 1
        joined = problem.weights[members[row], new[:, None]].sum(axis=1)
        kept = (size[row] + problem.sizes[new] <= high) & (joined > -problem.penalty / 2)
        row, new = row[kept], new[kept]
        members = np.concatenate([members[row], new[:, None].astype(np.int16)], axis=1)
        inside, size = inside[row] + joined[kept] + problem.inner[new], size[row] + problem.sizes[new]
        common = common[row] & problem.masks[new]
    return _Columns(*(np.concatenate([getattr(part, name) for part in found]) for name in ("members", "worth", "kind")))


class _Model:
    """The choice of columns."""

    def __init__(self, optimize: Any, sparse: Any, problem: Problem, columns: _Columns, kind_of: Ints) -> None:
        self._optimize, self._sparse = optimize, sparse
        self._problem, self._columns, self._kind_of = problem, columns, kind_of
        self._units = len(problem.sizes)
        self._counts = np.bincount(kind_of)

    def solve(self, group: Ints) -> Bound:
        chosen, known = self._first(group)
        bound, reduced = self._relaxed(chosen, known)
        slack = _EXACT * max(1.0, abs(bound))
        kept = np.flatnonzero(reduced >= known - bound - slack)
        if bound <= known + slack:
            return Bound(known, group)
        if len(kept) > _MOST_CHOSEN:
            return Bound(bound, group)
        return self._exact(kept, known, bound, group)

    def _first(self, group: Ints) -> tuple[Ints, float]:
        """Columns to begin with: the groups given, and the best for each unit; and what the groups given are worth."""
        columns, members = self._columns, self._columns.members
        given = []
        for number in range(len(self._kind_of)):
            wanted = np.full(members.shape[1], self._units)
            inside = np.flatnonzero(group == number)
            wanted[: len(inside)] = inside
            match = (members == wanted).all(axis=1) & (columns.kind == self._kind_of[number])
            given.append(int(np.argmax(match)))
        per_seat = columns.worth / np.maximum(1, (members < self._units).sum(axis=1))
        best = np.argsort(-per_seat, kind="stable")[: 2 * _ADDED]
        return np.unique(np.concatenate([given, best])), float(columns.worth[given].sum())

    def _relaxed(self, chosen: Ints, known: float) -> tuple[float, Floats]:
        """The value of the relaxation, from above, and the reduced worth of each column; stops when it cannot matter any more."""
        columns, bound, best = self._columns, np.inf, np.zeros(len(self._columns.worth))
        for _ in range(_ROUNDS):
            answer = self._optimize.linprog(
                -columns.worth[chosen], A_eq=self._matrix(chosen), b_eq=np.concatenate([np.ones(self._units), self._counts]), method="highs"
            )
            prices = np.concatenate([-answer.eqlin.marginals[: self._units], [0.0]])
            kind_price = -answer.eqlin.marginals[self._units :]
            reduced = columns.worth - kind_price[columns.kind]
            for seat in range(columns.members.shape[1]):
                reduced -= prices[columns.members[:, seat]]
            # Whatever the prices, no choice exceeds their sum and, for each group, the most that a column of its kind exceeds them by.
            over = np.array([max(0.0, float(reduced[columns.kind == kind].max(initial=0.0))) for kind in range(len(self._counts))])
            value = float(prices.sum() + (kind_price * self._counts).sum() + (over * self._counts).sum())
            if value < bound:
                bound, best = value, reduced - over[columns.kind]
            if over.max() <= _EXACT * max(1.0, abs(known)):
                break
            adding = np.flatnonzero(reduced > _EXACT)
            if len(adding) > _ADDED:
                adding = adding[np.argpartition(-reduced[adding], _ADDED)[:_ADDED]]
            chosen = np.union1d(chosen, adding)
        return bound, best

    def _matrix(self, chosen: Ints) -> Any:
        """(units + kinds, chosen): who is in each column, and of what kind it is."""
        members = self._columns.members[chosen].astype(np.int64)
        row, seat = np.nonzero(members < self._units)
        rows = np.concatenate([members[row, seat], self._units + self._columns.kind[chosen]])
        cols = np.concatenate([row, np.arange(len(chosen))])
        shape = (self._units + len(self._counts), len(chosen))
        # HiGHS takes C ints alone, and scipy 1.14 does not see to that by itself.
        return self._sparse.csc_array((np.ones(len(rows)), (rows.astype(np.intc), cols.astype(np.intc))), shape=shape)

    def _exact(self, kept: Ints, known: float, bound: float, group: Ints) -> Bound:
        """The best choice among the columns that can be in one better than what is known."""
        right = np.concatenate([np.ones(self._units), self._counts])
        answer = self._optimize.milp(
            -self._columns.worth[kept],
            integrality=np.ones(len(kept)),
            bounds=self._optimize.Bounds(0, 1),
            constraints=self._optimize.LinearConstraint(self._matrix(kept), right, right),
            options={"time_limit": _SECONDS, "mip_rel_gap": 0.0},
        )
        dual = bound if answer.mip_dual_bound is None else min(bound, -float(answer.mip_dual_bound))
        if answer.x is None:
            return Bound(known if answer.status == 2 else max(known, dual), group)  # noqa: PLR2004
        taken = kept[answer.x > 0.5]  # noqa: PLR2004
        if float(self._columns.worth[taken].sum()) > known:
            group = self._labels(taken)
        return Bound(max(known, float(self._columns.worth[taken].sum()), dual), group)

    def _labels(self, taken: Ints) -> Ints:
        group = np.zeros(self._units, np.int64)
        free = {kind: list(np.flatnonzero(self._kind_of == kind)) for kind in range(len(self._counts))}
        for column in taken:
            members = self._columns.members[column]
            group[members[members < self._units]] = free[int(self._columns.kind[column])].pop()
        return group
