"""The best tables there are, proved, for a handful of guests: every set of them that makes a table is tried."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dinnerkit.matching.seating.house import House
from dinnerkit.matching.solving.state import Floats, Ints

MOST_UNITS = 14
_MOST_TABLES = 12_000
_MOST_STEPS = 50_000_000
_MOST_LOOKS = 60_000

_UNEVEN = 1e-3
"""What a table of other than middle size costs, in points of one guest's score: of seatings worth the same, the even one is best."""

_OPENED = 1e6
"""What opening one more of a venue's tables costs: more than all scores."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """Tables that are alike: which they are, the sets of units that they may seat, as bits, and what each is worth."""

    tables: Ints
    sets: Ints
    worth: Floats


@dataclass(frozen=True, slots=True)
class _Stage:
    """One table more: of which kind, what every set of units is then worth at best, and whom of it that table has."""

    kind: _Kind
    worth: Floats
    choice: Ints


def best_tables(house: House) -> Ints | None:
    """(n,), the table of each guest in the seating that keeps every rule, seats the most and is then worth the most; -1 for those left out.

    None where there is too much to try. Parties are in it whole or not at all. As everywhere, the number of tables is told by their
    sizes and not by scores, which smaller tables raise: it is nearest to that of tables of middle size, and of a venue's the smallest.
    """
    units = house.constraints.units()
    if len(units) > MOST_UNITS:
        return None
    seats = _sums(np.array([len(unit) for unit in units], np.int64))
    kinds = _kinds(house, seats)
    if kinds is None:
        return None
    fillable = [(kind, min(len(kind.tables), len(house.crowd) // int(house.lows[kind.tables[0]]))) for kind in kinds]
    looks = [count << len(units) for _, count in fillable]
    if sum(looks) > _MOST_LOOKS or sum(len(kind.sets) * each for (kind, _), each in zip(fillable, looks, strict=True)) > _MOST_STEPS:
        return None
    nobody = np.full(1 << len(units), -np.inf)
    nobody[0] = 0.0
    stages: list[_Stage] = []
    for kind, count in fillable:
        for filled in range(1, count + 1):
            bounds = filled * house.lows[0], filled * house.highs[0]
            some = np.flatnonzero((seats >= bounds[0]) & (seats <= bounds[1])) if house.alike else np.arange(1, len(seats))
            stages.append(_filled(stages[-1].worth if stages else nobody, kind, some, alike=house.alike))
    count, seated = _best(house, stages, seats) if house.alike else (len(stages), _best_of(stages, seats))
    return _labels(house, units, stages[:count], seated)


def _kinds(house: House, seats: Ints) -> list[_Kind] | None:
    """What each kind of table may seat, given the guests in each set of units; None where that is too much to look at."""
    open_tables = np.flatnonzero(house.highs)
    if not len(open_tables):
        return []
    sets = np.flatnonzero((seats >= house.lows[open_tables].min()) & (seats <= house.highs[open_tables].max()))
    if len(sets) > _MOST_TABLES:
        return None
    rows = _rows(house, sets, seats[sets])
    worth = house.worth(rows) - (0.0 if house.alike else _OPENED)
    groups: dict[bytes, list[int]] = {}
    for table in open_tables.tolist():
        groups.setdefault(house.kind(table), []).append(table)
    kinds = []
    for tables in groups.values():
        sound = house.faults(rows, np.full(len(sets), tables[0])) == 0
        middle = (house.lows[tables[0]] + house.highs[tables[0]]) / 2
        kinds.append(_Kind(np.array(tables), sets[sound], (worth - _UNEVEN * (seats[sets] - middle) ** 2)[sound]))
    return kinds


def _rows(house: House, sets: Ints, seats: Ints) -> Ints:
    """(sets, most guests): the guests of each set of units, -1 after them."""
    there = (sets[:, None] >> house.constraints.unit[None, :]) & 1
    order = np.argsort(-there, axis=1, kind="stable")[:, : int(seats.max(initial=0))]
    return np.where(np.arange(order.shape[1])[None] < seats[:, None], order, -1)


def _filled(before: Floats, kind: _Kind, some: Ints, *, alike: bool) -> _Stage:
    """One table more, which of a venue may stay empty; where all are alike each is filled, and the first unit sits at the last.

    Args:
        before: (sets of units,), what each was worth without.
        kind: of the table.
        some: the sets of units that all tables so far can seat by their sizes.
        alike: whether all tables are.
    """
    after = np.full(len(before), -np.inf) if alike else before.copy()
    choice = np.zeros(len(before), np.int64)
    firsts = kind.sets & -kind.sets
    by_first = {int(first): (kind.sets[firsts == first], kind.worth[firsts == first]) for first in np.unique(firsts)}
    nothing = np.zeros(0, np.int64), np.zeros(0)
    for units in some.tolist():
        sets, worth = by_first.get(units & -units, nothing) if alike else (kind.sets, kind.worth)
        inside = np.flatnonzero((sets & ~units) == 0)
        if not len(inside):
            continue
        found = before[units ^ sets[inside]] + worth[inside]
        best = int(np.argmax(found))
        if found[best] > after[units]:
            after[units], choice[units] = found[best], sets[inside[best]]
    return _Stage(kind, after, choice)


def _best_of(stages: list[_Stage], seats: Ints) -> int:
    """Of a venue's tables, the set of units that is seated."""
    if not stages:
        return 0
    worth = stages[-1].worth
    return int(np.lexsort((worth, np.where(np.isfinite(worth), seats, -1)))[-1])


def _best(house: House, stages: list[_Stage], seats: Ints) -> tuple[int, int]:
    """Of tables that are alike, how many are filled, and with which set of units."""
    if not stages:
        return 0, 0
    worth = np.stack([stage.worth for stage in stages])
    counts = np.arange(1, len(stages) + 1)[:, None]
    off = np.abs(counts - 2.0 * seats[None] / (house.lows[0] + house.highs[0]))
    seated = np.where(np.isfinite(worth), seats[None], 0)
    order = np.lexsort([each.ravel() for each in np.broadcast_arrays(worth, -counts, -off, seated)])
    count, units = divmod(int(order[-1]), len(seats))
    return (count + 1, units) if np.isfinite(worth[count, units]) else (0, 0)


def _labels(house: House, units: list[Ints], stages: list[_Stage], seated: int) -> Ints:
    """The tables by which a set of units came to what it is worth."""
    labels = np.full(len(house.crowd), -1)
    taken: dict[int, int] = {}
    for stage in reversed(stages):
        sitting = int(stage.choice[seated])
        if not sitting:
            continue
        first = int(stage.kind.tables[0])
        number = taken[first] = taken.get(first, -1) + 1
        for place, unit in enumerate(units):
            if sitting >> place & 1:
                labels[unit] = stage.kind.tables[number]
        seated ^= sitting
    return labels


def _sums(sizes: Ints) -> Ints:
    """(sets of units,), how many guests are in each."""
    sums = np.zeros(1, np.int64)
    for size in sizes:
        sums = np.concatenate([sums, sums + size])
    return sums
