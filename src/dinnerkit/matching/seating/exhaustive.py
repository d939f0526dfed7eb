"""The most guests who can be seated, proved, for a handful of them."""

from __future__ import annotations

from functools import cache
from itertools import combinations
from math import comb

import numpy as np

from dinnerkit.matching.seating.constraints import Constraints
from dinnerkit.matching.solving.state import Ints, meets

MOST_UNITS = 14
_MOST_TABLES = 12_000


def best_tables(constraints: Constraints) -> Ints | None:
    """The table of each guest, -1 for those left out of a seating of the most; None where there is too much to try.

    Tries every set of units that makes a table, and every way of choosing disjoint ones.
    """
    units = constraints.units()
    fewest = max(1, constraints.low // max((len(unit) for unit in units), default=1))
    if len(units) > MOST_UNITS:
        return None
    if sum(comb(len(units), count) for count in range(fewest, min(constraints.high, len(units)) + 1)) > _MOST_TABLES:
        return None
    labels = np.full(len(constraints), -1)
    for number, table in enumerate(_disjoint(_tables(constraints, units), [len(unit) for unit in units])):
        for unit, members in enumerate(units):
            if table >> unit & 1:
                labels[members] = number
    return labels


def _disjoint(tables: list[tuple[int, int]], sizes: list[int]) -> tuple[int, ...]:
    """Those of the tables (units as bits, guests) that share no unit and seat the most guests."""
    containing = [[found for found in tables if found[0] >> unit & 1] for unit in range(len(sizes))]

    @cache
    def most(left: int) -> tuple[int, tuple[int, ...]]:
        if not left:
            return 0, ()
        lowest = (left & -left).bit_length() - 1
        bound = sum(size for unit, size in enumerate(sizes) if left >> unit & 1)
        best: tuple[int, tuple[int, ...]] = (0, ())
        for table, seats in containing[lowest]:
            if table & left == table:
                seated, others = most(left & ~table)
                best = max(best, (seated + seats, (table, *others)), key=lambda found: found[0])
                if best[0] == bound:
                    return best
        return max(best, most(left & (left - 1)), key=lambda found: found[0])

    return most((1 << len(sizes)) - 1)[1]


def _tables(constraints: Constraints, units: list[Ints]) -> list[tuple[int, int]]:
    """Every set of units that keeps the rules at one table, as bits, and its guests."""
    masks = constraints.unit_masks()
    enemies = [0] * len(units)
    for one, other in constraints.unit[constraints.apart]:
        enemies[one] |= 1 << int(other)
        enemies[other] |= 1 << int(one)
    found = []
    for count in range(1, min(constraints.high, len(units)) + 1):
        for chosen in combinations(range(len(units)), count):
            seats = sum(len(units[unit]) for unit in chosen)
            if not constraints.low <= seats <= constraints.high:
                continue
            bits = sum(1 << unit for unit in chosen)
            if any(enemies[unit] & bits for unit in chosen):
                continue
            if meets(np.bitwise_and.reduce(masks[list(chosen)], axis=0)):
                found.append((bits, seats))
    return found
