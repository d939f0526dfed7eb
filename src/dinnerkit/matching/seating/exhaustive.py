"""The best tables there are, proved, for a handful of guests: every set of them that makes a table is tried."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from dinnerkit.matching.seating.house import House
from dinnerkit.matching.solving.dividing import MOST_UNITS, Kind, Stage, cheapest, divided, sums, traced
from dinnerkit.matching.solving.state import Ints

_MOST_TABLES = 12_000

_UNEVEN = 1e-3
"""What a table of other than middle size costs, in points of one guest's score: of seatings worth the same, the even one is best."""

_BELOW = 1e6
"""What a table below the floor costs: more than all scores."""

_OPENED = 1e9
"""What opening one more of a venue's tables costs: more than all of them below the floor."""


def best_tables(house: House) -> Ints | None:
    """(n,), the table of each guest in the seating that keeps every rule, seats the most and is then the best; -1 for those left out.

    The best is the one with the fewest tables below the floor, and of those the one that is worth the most.

    None where there is too much to try. Parties are in it whole or not at all. As everywhere, the number of tables is told by their
    sizes and not by scores, which smaller tables raise: it is nearest to that of tables of middle size, and of a venue's the smallest.
    """
    sizes = np.bincount(house.constraints.unit)
    tables = _tables(house, sizes)
    if tables is None:
        return None
    seats = sums(sizes)
    stages = divided([_opened(house, kind, seats) for kind in tables], sizes, whole=False, ordered=house.alike)
    if stages is None:
        return None
    count, seated = _best(house, stages, seats) if house.alike else (len(stages), _best_of(stages, seats))
    return traced(stages[:count], len(sizes), seated)[house.constraints.unit]


def fewest_moves(house: House, home: Ints, budget: int) -> list[Ints] | None:
    """Seatings of everybody that keep every rule, (n,) each, from the fewest moves that there need be to the budget.

    Of so many moves each is worth the most, and more than those before it. Empty where there is no seating, None where there is too
    much to try.

    Args:
        house: the judge.
        home: (n,), the table that each had, -1 for newcomers.
        budget: how many guests may move; where none keeps every rule with so few, the fewest moves are made all the same.
    """
    sizes = np.bincount(house.constraints.unit)
    tables = _tables(house, sizes)
    if tables is None:
        return None
    stages = cheapest([table for kind in tables for table in _by_home(house, kind, home)], sizes, budget, len(home))
    if stages is None:
        return None
    moves = np.flatnonzero(np.isfinite(stages[-1].worth[:, -1])).tolist()
    moves = moves[:1] + [count for count in moves[1:] if count <= budget]
    return [traced(stages, len(sizes), (1 << len(sizes)) - 1, count)[house.constraints.unit] for count in moves]


def _tables(house: House, sizes: Ints) -> list[Kind] | None:
    """The tables that there are by kinds, and what each kind may seat; None where that is too much to look at."""
    if len(sizes) > MOST_UNITS:
        return None
    seats, open_tables = sums(sizes), np.flatnonzero(house.highs)
    if not len(open_tables):
        return []
    sets = np.flatnonzero((seats >= house.lows[open_tables].min()) & (seats <= house.highs[open_tables].max()))
    if len(sets) > _MOST_TABLES:
        return None
    rows = _rows(house, sets, seats[sets])
    worth = house.worth(rows) - _BELOW * (house.scores(rows) < house.least)
    groups: dict[bytes, list[int]] = {}
    for table in open_tables.tolist():
        groups.setdefault(house.kind(table), []).append(table)
    sound = {key: house.faults(rows, np.full(len(sets), tables[0])) == 0 for key, tables in groups.items()}
    free = np.zeros(len(sets), np.int64)
    return [Kind(np.array(tables), sets[sound[key]], worth[sound[key]], free[sound[key]]) for key, tables in groups.items()]


def _rows(house: House, sets: Ints, seats: Ints) -> Ints:
    """(sets, most guests): the guests of each set of units, -1 after them."""
    there = (sets[:, None] >> house.constraints.unit[None, :]) & 1
    order = np.argsort(-there, axis=1, kind="stable")[:, : int(seats.max(initial=0))]
    return np.where(np.arange(order.shape[1])[None] < seats[:, None], order, -1)


def _opened(house: House, kind: Kind, seats: Ints) -> Kind:
    """Tables that guests are seated at for the first time: better filled evenly, and of a venue's own as few as can be."""
    middle = (house.lows[kind.groups[0]] + house.highs[kind.groups[0]]) / 2
    even = replace(kind, worth=kind.worth - _UNEVEN * (seats[kind.sets] - middle) ** 2)
    return even if house.alike else _or_empty(replace(even, worth=even.worth - _OPENED))


def _by_home(house: House, kind: Kind, home: Ints) -> list[Kind]:
    """Tables of one kind, any of which may stay empty, with a move as the cost of each guest of another."""

    def strangers(table: int) -> Ints:
        some = house.constraints.unit[(home >= 0) & (home != table)]
        return sums(np.bincount(some, minlength=int(house.constraints.unit.max()) + 1))[kind.sets]

    left = np.isin(kind.groups, home)
    some = [*kind.groups[left][:, None], kind.groups[~left]]
    return [_or_empty(replace(kind, groups=tables, costs=strangers(int(tables[0])))) for tables in some if len(tables)]


def _or_empty(kind: Kind) -> Kind:
    """The same tables, each of which may stay empty."""
    return Kind(kind.groups, np.append(0, kind.sets), np.append(0.0, kind.worth), np.append(0, kind.costs))


def _best_of(stages: list[Stage], seats: Ints) -> int:
    """Of a venue's tables, the set of units that is seated."""
    if not stages:
        return 0
    worth = stages[-1].worth[0]
    return int(np.lexsort((worth, np.where(np.isfinite(worth), seats, -1)))[-1])


def _best(house: House, stages: list[Stage], seats: Ints) -> tuple[int, int]:
    """Of tables that are alike, how many are filled, and with which set of units."""
    if not stages:
        return 0, 0
    worth = np.stack([stage.worth[0] for stage in stages])
    counts = np.arange(1, len(stages) + 1)[:, None]
    off = np.abs(counts - 2.0 * seats[None] / (house.lows[0] + house.highs[0]))
    seated = np.where(np.isfinite(worth), seats[None], 0)
    order = np.lexsort([each.ravel() for each in np.broadcast_arrays(worth, -counts, -off, seated)])
    count, units = divmod(int(order[-1]), len(seats))
    return (count + 1, units) if np.isfinite(worth[count, units]) else (0, 0)
