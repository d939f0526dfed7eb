"""All ways to divide a few units into groups, tried: what is found is the best there is, and where nothing is found there is nothing.

By dynamic programming over sets of units (Bellman 1962): what a set is worth at best in so many groups is told by what remains of it
in one group less. A set is a number whose bits are its units, so that these are arrays, and one group more is one pass over them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dinnerkit.matching.solving.state import Floats, Ints

MOST_UNITS = 14
"""Of more units there are too many sets, and parts of them: 4.8 million of fourteen."""

_LEAST_GAIN = 1e-9

_MOST_STEPS = 12_000_000
"""How many ways are looked at in all, at most: they take about half a second."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Groups that are alike.

    Attributes:
        groups: their numbers.
        sets: the sets of units that each of them may hold, ascending; 0, which is nobody, where it may stay empty.
        worth: of each of these sets.
        costs: of each, whole numbers from 0 on, for which there is a budget.
    """

    groups: Ints
    sets: Ints
    worth: Floats
    costs: Ints


@dataclass(frozen=True, slots=True)
class Stage:
    """One group more.

    Attributes:
        kind: of the group.
        before: (budget + 1, sets of units), what each set is worth at best without this group, for each sum of costs by which it is
            worth more than by any that is less; minus infinity for others.
        worth: the same with it.
    """

    kind: Kind
    before: Floats
    worth: Floats


def never() -> bool:
    """Whether time is up, where there is no end to it."""
    return False


def divided(
    kinds: Sequence[Kind], sizes: Ints, *, budget: int = 0, whole: bool = True, ordered: bool = False, until: Callable[[], bool] = never
) -> list[Stage] | None:
    """What sets of units are worth at best, group by group; None where that is too much to try, or time is up.

    Args:
        kinds: of the groups.
        sizes: (units,), the people in each.
        budget: the largest sum of costs to look at.
        whole: whether only divisions of all units count, which leaves less to look at.
        ordered: whether each group has the first unit of those in it and in the groups before it: of groups that are all alike, and
            none empty, this tries each division once.
        until: whether time is up.
    """
    seats, everybody = sums(sizes), int(sizes.sum())
    kinds = [_within(kind, budget) for kind in kinds]
    worth = np.full((budget + 1, len(seats)), -np.inf)
    worth[0, 0] = 0.0
    order = [kind for kind in kinds for _ in range(_used(kind, seats))]
    stages: list[Stage] = []
    steps = 0
    for place, kind in enumerate(order):
        before, worth = worth, np.full_like(worth, -np.inf)
        later = [seats[other.sets] for other in order[place + 1 :]] if whole else [seats]
        least, most = sum(int(held.min(initial=everybody)) for held in later), sum(int(held.max(initial=0)) for held in later)
        wanted = (seats + least <= everybody) & (seats + most >= everybody)
        for cost, some, rest in _rests(kind, len(sizes), np.isfinite(before).any(axis=0), wanted, ordered=ordered):
            for spent in range(budget + 1 - cost):
                found = before[spent][rest] + kind.worth[some]
                ways = np.flatnonzero(np.isfinite(found))
                steps += len(ways)
                if steps > _MOST_STEPS or until():
                    return None
                np.maximum.at(worth[spent + cost], (rest + kind.sets[some])[ways], found[ways])
        dearer = worth[1:]
        dearer[dearer <= np.maximum.accumulate(worth)[:-1] + _LEAST_GAIN] = -np.inf
        stages.append(Stage(kind, before, worth))
    return stages


def cheapest(kinds: Sequence[Kind], sizes: Ints, budget: int, most: int, until: Callable[[], bool] = never) -> list[Stage] | None:
    """What :func:`divided` tells, for a budget, or for more, up to the most, where no division of all units costs so little."""
    while True:
        stages = divided(kinds, sizes, budget=min(budget, most), until=until)
        if stages is None or budget >= most or np.isfinite(stages[-1].worth[:, -1]).any():
            return stages
        budget = 2 * budget + 1


def traced(stages: Sequence[Stage], units: int, held: int, spent: int = 0) -> Ints:
    """(units,), the groups by which a set of them came to its worth for this sum of costs; -1 for those that are not in the set."""
    labels = np.full(units, -1)
    taken: dict[int, int] = {}
    for stage in reversed(stages):
        kind = stage.kind
        inside = np.flatnonzero(((kind.sets & ~held) == 0) & (kind.costs <= spent))
        found = stage.before[spent - kind.costs[inside], held ^ kind.sets[inside]] + kind.worth[inside]
        chosen = inside[int(np.argmax(found))]
        sitting, spent = int(kind.sets[chosen]), spent - int(kind.costs[chosen])
        if not sitting:
            continue
        first = int(kind.groups[0])
        number = taken[first] = taken.get(first, -1) + 1
        labels[(sitting >> np.arange(units) & 1) > 0] = kind.groups[number]
        held ^= sitting
    return labels


def sums(values: NDArray[Any]) -> NDArray[Any]:
    """(sets of units,), the sum of the values of the units in each; the last is the set of all."""
    found = np.zeros(1, values.dtype)
    for value in values:
        found = np.concatenate([found, found + value])
    return found


def _within(kind: Kind, budget: int) -> Kind:
    """What of a kind a budget allows."""
    some = kind.costs <= budget
    return Kind(kind.groups, kind.sets[some], kind.worth[some], kind.costs[some])


def _used(kind: Kind, seats: Ints) -> int:
    """How many groups of a kind can have somebody, or must."""
    held = seats[kind.sets]
    return len(kind.groups) if held.all() else min(len(kind.groups), int(seats[-1]) // int(held[held > 0].min(initial=seats[-1])))


def _rests(
    kind: Kind, units: int, known: NDArray[np.bool_], wanted: NDArray[np.bool_], *, ordered: bool
) -> Iterator[tuple[int, Ints, Ints]]:
    """By costs, the sets that a group of a kind may hold, as places among them, each with every set that the groups before may hold then.

    Args:
        kind: of the group.
        units: how many there are.
        known: the sets that the groups before can hold.
        wanted: the sets to which the two may add up.
        ordered: see :func:`divided`.
    """
    bits = 1 << np.arange(units)
    free = (kind.sets[:, None] & bits) == 0
    if ordered:
        free &= bits > (kind.sets & -kind.sets)[:, None]
    count = free.sum(axis=1)
    for number, cost in sorted(set(zip(count.tolist(), kind.costs.tolist(), strict=True))):
        some = np.flatnonzero((count == number) & (kind.costs == cost))
        others = np.broadcast_to(bits, free.shape)[some][free[some]].reshape(len(some), number)
        rest = np.zeros((len(some), 1), np.int64)
        for other in others.T:
            rest = np.concatenate([rest, rest + other[:, None]], axis=1)
        row, column = np.nonzero(known[rest] & wanted[rest + kind.sets[some, None]])
        yield cost, some[row], rest[row, column]
