"""Places for late bookings at tables where everybody else stays."""

from __future__ import annotations

from itertools import product

import numpy as np

from dinnerkit.matching.seating.house import House
from dinnerkit.matching.seating.settling import Settling
from dinnerkit.matching.solving.state import Ints

_MOST_TRIED = 20_000
_AT_ONCE = 500


def placed_without_moves(house: House, home: Ints, rng: np.random.Generator) -> Ints | None:
    """(n,), a table for everybody that breaks no hard rule, with nobody moved who has a table; None where none is found.

    For up to some thousands of ways all are tried, so that None is then certain; beyond that they are searched.

    Args:
        house: the judge.
        home: (n,), the table of each, -1 for newcomers.
        rng: the source of chance.
    """
    units = house.constraints.units()
    homes = [set(home[unit][home[unit] >= 0].tolist()) for unit in units]
    if any(len(tables) > 1 for tables in homes):
        return None
    labels = home.copy()
    for unit, tables in zip(units, homes, strict=True):
        if tables:
            labels[unit] = next(iter(tables))
    new = [unit for unit, tables in zip(units, homes, strict=True) if not tables]
    if not new:
        return labels if house.keeps(labels) else None
    if len(house) ** len(new) <= _MOST_TRIED:
        return _tried(house, labels, new)
    return _searched(house, labels, new, rng)


def _tried(house: House, labels: Ints, new: list[Ints]) -> Ints | None:
    """The best of all ways; tables are judged once for each set of newcomers that they may get."""
    judged: dict[tuple[int, tuple[int, ...]], tuple[float, float]] = {}

    def judge(table: int, comers: tuple[int, ...]) -> tuple[float, float]:
        if (table, comers) not in judged:
            guests = np.concatenate([np.flatnonzero(labels == table), *(new[one] for one in comers)]).astype(np.int64)
            row = guests[None]
            score = float(house.scores(row)[0]) * len(guests) if len(guests) else 0.0
            judged[table, comers] = (float(house.faults(row, np.array([table]))[0]) if len(guests) else 0.0), score
        return judged[table, comers]

    best: tuple[float, tuple[int, ...]] | None = None
    for places in product(range(len(house)), repeat=len(new)):
        total = 0.0
        for table in range(len(house)):
            faults, score = judge(table, tuple(one for one, place in enumerate(places) if place == table))
            if faults:
                break
            total += score
        else:
            if best is None or total > best[0]:
                best = total, places
    if best is None:
        return None
    for unit, place in zip(new, best[1], strict=True):
        labels[unit] = place
    return labels


def _searched(house: House, labels: Ints, new: list[Ints], rng: np.random.Generator) -> Ints | None:
    fixed = labels >= 0
    filled = np.bincount(labels[fixed], minlength=len(house)).astype(np.float64)
    for unit in sorted(new, key=len, reverse=True):
        target = int(np.argmax(np.where(filled > 0, house.highs - filled, house.highs / 100.0)))
        labels[unit] = target
        filled[target] += len(unit)
    settling = Settling(house, labels, rng, fixed=fixed)
    return settling.labels() if settling.mend().faults == 0 else None
