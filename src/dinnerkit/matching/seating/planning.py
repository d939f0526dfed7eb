"""A first division into tables that keeps sizes, parties and what a table must have in common.

Guests are put into strata, one for each choice of a bit per family (a language and a band of budgets, say), so that any
guests of a stratum may sit together; strata too small for a table, or between one and two, are evened out with guests who
fit several; then each stratum is filled into tables. Pairs who must be apart are left to the search that follows.
"""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from dinnerkit.matching.seating.constraints import Constraints, kinds_of
from dinnerkit.matching.solving.filling import packed
from dinnerkit.matching.solving.solver import pack
from dinnerkit.matching.solving.state import Ints, Words

_TRIES = 6
_PACKED_BY_CHANCE = 100_000
_WORD = 64


def first_tables(constraints: Constraints, order: Ints, rng: np.random.Generator) -> Ints:
    """The table of each guest, numbered from 0; -1 for those whom this plan has no place for.

    Args:
        constraints: the hard rules; each party must keep them by itself.
        order: (n,), the guests in the order in which neighbours should share a table.
        rng: the source of chance.
    """
    rank = np.empty(len(constraints), np.int64)
    rank[order] = np.arange(len(order))
    sizes = np.bincount(constraints.unit)
    unit_rank = np.full(len(sizes), len(order))
    np.minimum.at(unit_rank, constraints.unit, rank)
    accepts = _accepts_of(constraints)
    stratum = _strata(accepts, sizes)
    _even_out(constraints, stratum, accepts, sizes, rng)
    table = np.full(len(sizes), -1)
    used = 0
    for number in np.flatnonzero(np.bincount(stratum[stratum >= 0])):
        members = np.flatnonzero(stratum == number)
        members = members[np.argsort(unit_rank[members])]
        places = _fill(constraints, sizes[members], rng)
        table[members[places >= 0]] = places[places >= 0] + used
        used += int(places.max(initial=-1)) + 1
    return table[constraints.unit]


def strata(constraints: Constraints) -> list[Ints]:
    """The guests of each stratum, of the largest first; who fits none is in none."""
    stratum = _strata(_accepts_of(constraints), np.bincount(constraints.unit))[constraints.unit]
    parts = [np.flatnonzero(stratum == number) for number in np.unique(stratum[stratum >= 0])]
    return sorted(parts, key=len, reverse=True)


def table_counts(guests: int, low: int, high: int) -> list[int]:
    """The numbers of tables that so many guests can be divided into, those nearest to tables of middle size first."""
    wanted = 2 * guests / (low + high)
    fewest, most = max(1, -(-guests // high)), guests // low
    return sorted(range(fewest, most + 1), key=lambda count: (abs(count - wanted), count))


def _accepts_of(constraints: Constraints) -> NDArray[np.bool_]:
    """(strata, units): whether each unit fits a stratum, by the families that ask for something."""
    return _accepts(replace(constraints, masks=constraints.binding()).unit_masks())


def _accepts(masks: Words) -> NDArray[np.bool_]:
    """(strata, units): whether each unit fits a stratum, which is one bit of every family."""
    kinds, kind = kinds_of(masks.reshape(len(masks), math.prod(masks.shape[1:])))
    kinds = kinds.reshape(len(kinds), *masks.shape[1:])
    choices = []
    for family in range(masks.shape[1]):
        used = np.bitwise_or.reduce(kinds[:, family], axis=0)
        bits = [(word, bit) for word in range(masks.shape[2]) for bit in range(_WORD) if (int(used[word]) >> bit) & 1]
        flags = np.array([(kinds[:, family, word] >> np.uint64(bit)) & np.uint64(1) for word, bit in bits], np.bool_)
        flags = np.unique(flags.reshape(-1, len(kinds)), axis=0)
        choices.append(flags[flags.sum(axis=1) > 0])
    rows = [np.logical_and.reduce(chosen) if chosen else np.ones(len(kinds), np.bool_) for chosen in product(*choices)]
    return np.array(rows, np.bool_).reshape(-1, len(kinds))[:, kind]


def _strata(accepts: NDArray[np.bool_], sizes: Ints) -> Ints:
    """Each unit's stratum: the one with the most people first takes all who fit it, and so on; -1 where none does."""
    stratum = np.full(len(sizes), -1)
    left = accepts.astype(np.float64) * sizes
    while len(left) and (counts := left.sum(axis=1)).max() > 0:
        largest = int(np.argmax(counts))
        taken = left[largest] > 0
        stratum[taken] = largest
        left[:, taken] = 0.0
    return stratum


def _even_out(constraints: Constraints, stratum: Ints, accepts: NDArray[np.bool_], sizes: Ints, rng: np.random.Generator) -> None:
    """Move units between strata until each can be divided into tables, as far as that goes; changes ``stratum``."""
    totals = np.bincount(stratum[stratum >= 0], weights=sizes[stratum >= 0], minlength=len(accepts)).astype(np.int64)
    pending = [int(number) for number in np.argsort(totals, kind="stable") if totals[number]]
    for place, number in enumerate(pending):
        if constraints.divisible(int(totals[number])):
            continue
        later = pending[place + 1 :]
        change = _change(constraints, number, totals, later, stratum, accepts, sizes, rng)
        for unit, target in change:
            totals[stratum[unit]] -= sizes[unit]
            totals[target] += sizes[unit]
            stratum[unit] = target


def _change(
    constraints: Constraints,
    number: int,
    totals: Ints,
    later: list[int],
    stratum: Ints,
    accepts: NDArray[np.bool_],
    sizes: Ints,
    rng: np.random.Generator,
) -> list[tuple[int, int]]:
    """The fewest moves (unit, new stratum) that make one stratum divisible; strata named ``later`` may be left uneven."""
    total = int(totals[number])
    span = max(constraints.low, total)
    goals = [goal for goal in range(total + span + 1) if constraints.divisible(goal)]
    for goal in sorted(goals, key=lambda goal: abs(goal - total)):
        counts = totals.copy()
        moves: list[tuple[int, int]] = []
        lacking = goal - total
        inward = lacking > 0
        pool = np.flatnonzero(accepts[number] & (stratum >= 0) & (stratum != number)) if inward else np.flatnonzero(stratum == number)
        pool = rng.permutation(pool)
        for unit in pool[np.argsort(-sizes[pool], kind="stable")]:
            width = int(sizes[unit])
            if lacking == 0:
                break
            if width > abs(lacking):
                continue
            target = number if inward else _receiver(constraints, int(unit), number, counts, later, accepts, width)
            source = int(stratum[unit])
            if inward and source not in later and not constraints.divisible(int(counts[source]) - width):
                continue
            if target < 0:
                continue
            counts[source] -= width
            counts[target] += width
            lacking += -width if inward else width
            moves.append((int(unit), target))
        if lacking == 0:
            return moves
    return []


def _receiver(
    constraints: Constraints,
    unit: int,
    number: int,
    counts: Ints,
    later: list[int],
    accepts: NDArray[np.bool_],
    width: int,
) -> int:
    """The fullest stratum that can take the unit, -1 if none can."""
    fits = [int(other) for other in np.flatnonzero(accepts[:, unit]) if other != number and counts[other] > 0]
    fits = [other for other in fits if other in later or constraints.divisible(int(counts[other]) + width)]
    return max(fits, key=lambda other: int(counts[other]), default=-1)


def _fill(constraints: Constraints, sizes: Ints, rng: np.random.Generator) -> Ints:
    """The table of each unit of one stratum; the last units are left out (-1) until the rest can be divided."""
    out: list[int] = []
    while len(out) < len(sizes):
        kept = np.setdiff1d(np.arange(len(sizes)), out, assume_unique=True) if out else np.arange(len(sizes))
        for count in table_counts(int(sizes[kept].sum()), constraints.low, constraints.high)[:_TRIES]:
            tables = _fill_tables(constraints, sizes[kept], count, rng)
            if tables is not None:
                places = np.full(len(sizes), -1)
                places[kept] = tables
                return places
        smallest = kept[sizes[kept] == sizes[kept].min()]
        out.append(int(smallest[-1]))
    return np.full(len(sizes), -1)


def _fill_tables(constraints: Constraints, sizes: Ints, count: int, rng: np.random.Generator) -> Ints | None:
    """Units into so many tables: parties first, balanced; then the others, in their order, to even out the tables."""
    parties = np.flatnonzero(sizes > 1)
    places = np.full(len(sizes), -1)
    room = np.full(count, constraints.high)
    few = len(parties) * count <= _PACKED_BY_CHANCE
    begun = pack(sizes[parties], np.zeros(count, np.int64), room, rng) if few else packed(sizes[parties], room)
    if begun is None:
        return None
    places[parties] = begun
    filled = np.bincount(begun, weights=sizes[parties], minlength=count).astype(np.int64)
    final = np.maximum(filled, constraints.low)
    rest = int(sizes.sum() - final.sum())
    if rest < 0:
        return None
    for level in range(constraints.low, constraints.high):
        lowest = np.flatnonzero(final == level)[:rest]
        final[lowest] += 1
        rest -= len(lowest)
    if rest:
        return None
    places[sizes == 1] = np.repeat(np.arange(count), final - filled)
    return places
