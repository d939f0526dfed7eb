"""Tables that keep the hard rules, whatever they score: for everybody, or for as many as can be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dinnerkit.matching.seating.constraints import Constraints
from dinnerkit.matching.seating.declaring import task
from dinnerkit.matching.seating.planning import first_tables, table_counts
from dinnerkit.matching.solving.blocks import Effort, searched
from dinnerkit.matching.solving.solver import COMPILED_FROM, compiled_available, pack, solve
from dinnerkit.matching.solving.state import Ints
from dinnerkit.matching.solving.terms import Worths

_ATTEMPTS, _SHORT_ATTEMPTS = 7, 3
_MEND_ONE_BY_ONE = 20
_SWEEPS_OVER_ALL = 1
_MEND_SWEEPS = 15
_LONG_ROUNDS = 2
_MEND_GUESTS = 480
_MEND_ROUNDS = 3
_LOOSE_UP_TO = 480


def feasible_tables(constraints: Constraints, order: Ints, rng: np.random.Generator, before: Ints | None = None) -> Ints:
    """(n,), a table that breaks no hard rule for as many guests as are found a place, numbered from 0 without gaps; -1 is unseated.

    Args:
        constraints: the hard rules, without guests whom they leave no hope.
        order: (n,), the guests in the order in which neighbours should share a table.
        rng: the source of chance.
        before: (n,), where they sat in an earlier seating, -1 for nowhere; it is tried first.
    """
    best = np.full(len(constraints), -1) if before is None else sound_tables(constraints, before, rng)
    if (best >= 0).all():
        return _renumbered(best)
    for attempt in range(_ATTEMPTS):
        start = first_tables(constraints, order if attempt == 0 else rng.permutation(order), rng)
        for labels in (start, _loose(constraints, attempt, rng)):
            if labels is None:
                continue
            found = _dropped(constraints, mended(constraints, labels, rng, long=attempt >= _SHORT_ATTEMPTS))
            if (found >= 0).sum() > (best >= 0).sum():
                best = found
            if (best >= 0).all():
                return _renumbered(best)
    return _renumbered(best)


def sound_tables(constraints: Constraints, start: Ints, rng: np.random.Generator) -> Ints:
    """Tables nearly as those given, that break no hard rule; (n,), -1 for those for whom no place is found.

    Args:
        constraints: the hard rules.
        start: (n,), the table of each guest, such as in an earlier seating, -1 for nowhere; it may break any rule, sizes and parties too.
        rng: the source of chance.
    """
    labels = start.copy()
    for members in constraints.units():
        if len(np.unique(labels[members])) > 1:
            labels[members] = -1
    few, many = _wrong_size(constraints, labels)
    labels[many] = -1
    enough = np.where(few, -1, labels)  # the search takes no tables of too few, which others may fill yet
    found = _dropped(constraints, np.where(few, labels, mended(constraints, enough, rng, long=False)))
    found[_wrong_size(constraints, found)[0]] = -1
    return found


def _wrong_size(constraints: Constraints, labels: Ints) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """(n,) each: who sits at a table of too few, and of too many."""
    sizes = np.bincount(labels + 1)[1:]
    low, high = constraints.seats(np.arange(len(sizes)))
    return (labels >= 0) & np.append(sizes < low, False)[labels], (labels >= 0) & np.append(sizes > high, False)[labels]


def _loose(constraints: Constraints, attempt: int, rng: np.random.Generator) -> Ints | None:
    """Everybody into tables by size and party alone, for the search to mend; None where that does not fit."""
    if len(constraints) > _LOOSE_UP_TO or not len(constraints):
        return None
    counts = table_counts(len(constraints), constraints.low, constraints.high)
    if not counts:
        return None
    count = counts[attempt % len(counts)]
    group = pack(np.bincount(constraints.unit), np.full(count, constraints.low), np.full(count, constraints.high), rng)
    return None if group is None else group[constraints.unit]


def mended(constraints: Constraints, labels: Ints, rng: np.random.Generator, *, long: bool) -> Ints:
    """The tables with guests exchanged, among the broken ones and some others at random, until none is broken or time is up.

    Args:
        constraints: the hard rules.
        labels: (n,), the table of each guest; -1 is unseated.
        rng: the source of chance.
        long: whether to look for long.
    """
    labels = labels.copy()
    if len(constraints.broken_tables(labels)) > _MEND_ONE_BY_ONE:
        labels = _swept(constraints, labels, rng)
    for _ in range(_LONG_ROUNDS if long else _MEND_ROUNDS):
        broken = constraints.broken_tables(labels)
        if not len(broken):
            break
        per_round = max(1, _MEND_GUESTS // (constraints.low + constraints.high))
        for first in range(0, len(broken), per_round):
            chosen = broken[first : first + per_round]
            others = np.setdiff1d(np.unique(labels[labels >= 0]), chosen)
            extra = rng.permutation(others)[: 2 * _MEND_GUESTS // (constraints.low + constraints.high) - len(chosen)]
            _mend(constraints, labels, np.concatenate([chosen, extra]), rng, long=long)
    return labels


def _swept(constraints: Constraints, labels: Ints, rng: np.random.Generator) -> Ints:
    """The tables after one search of them all for nothing but rules kept."""
    seated = np.flatnonzero(labels >= 0)
    names, start = np.unique(labels[seated], return_inverse=True)
    part = replace(constraints.take(seated), tables=constraints.seats(names))
    effort = Effort(int(rng.integers(1 << 31)), _SWEEPS_OVER_ALL)
    swept = labels.copy()
    swept[seated] = names[searched(task(part, Worths(len(seated), []), len(names)), start.reshape(-1), effort)[0]]
    return swept


def _mend(constraints: Constraints, labels: Ints, tables: Ints, rng: np.random.Generator, *, long: bool) -> None:
    """Exchange guests among some tables so that fewer rules are broken; changes ``labels``."""
    guests = np.flatnonzero(np.isin(labels, tables))
    part = constraints.take(guests)
    names, start = np.unique(labels[guests], return_inverse=True)
    noise = rng.random((len(guests), len(guests)))
    solution = solve(
        noise + noise.T,
        *constraints.seats(names),
        seed=int(rng.integers(1 << 31)),
        together=part.together(),
        apart=part.apart,
        masks=part.masks,
        start=start.reshape(-1),
        sweeps=_sweeps(len(part.units()), long=long),
    )
    labels[guests] = names[solution.labels]


def _sweeps(units: int, *, long: bool) -> int:
    """How many sweeps mend so many units: in long attempts as many as the compiled search is used for."""
    return max(_MEND_SWEEPS, COMPILED_FROM // units**2 + 1) if long and compiled_available() else _MEND_SWEEPS


def _dropped(constraints: Constraints, labels: Ints) -> Ints:
    """The tables without those who break a rule, and with such unseated guests as still find a place."""
    labels = labels.copy()
    for table in constraints.broken_tables(labels):
        _thin_out(constraints, labels, int(table))
    if (labels >= 0).all():
        return labels
    counts = np.bincount(labels[labels >= 0])
    size = {int(table): int(counts[table]) for table in np.flatnonzero(counts)}
    most = constraints.seats(np.arange(len(counts)))[1].tolist()
    waiting = [unit for unit in constraints.units() if labels[unit[0]] < 0]
    for members in sorted(waiting, key=len, reverse=True):
        for table, taken in size.items():
            if taken + len(members) > most[table]:
                continue
            labels[members] = table
            seated = np.flatnonzero(labels == table)
            if _keeps(constraints, seated):
                size[table] += len(members)
                break
            labels[members] = -1
    return labels


def _thin_out(constraints: Constraints, labels: Ints, table: int) -> None:
    """Send units away from one table, those first whose leaving mends most, or all of them if too few remain."""
    low = constraints.seats(np.array([table]))[0][0]
    while True:
        guests = np.flatnonzero(labels == table)
        if len(guests) < low:
            labels[guests] = -1
            return
        if _keeps(constraints, guests):
            return
        units = [guests[constraints.unit[guests] == unit] for unit in np.unique(constraints.unit[guests])]
        leaving = min(units, key=lambda members: (_faults(constraints, np.setdiff1d(guests, members)), len(members)))
        labels[leaving] = -1


def _keeps(constraints: Constraints, guests: Ints) -> bool:
    return _faults(constraints, guests) == 0


def _faults(constraints: Constraints, guests: Ints) -> float:
    """How badly a set of guests breaks the rules at one table: pairs apart, and for each family those outside its best bit."""
    faults = float(np.isin(constraints.apart, guests).all(axis=1).sum())
    for family in range(constraints.masks.shape[1]):
        masks = constraints.masks[guests, family]
        if len(guests) and not np.bitwise_and.reduce(masks, axis=0).any():
            bits = np.unpackbits(masks.view(np.uint8), axis=1)
            faults += len(guests) - int(bits.sum(axis=0).max())
    return faults


def _renumbered(labels: Ints) -> Ints:
    seated = labels >= 0
    result = np.full(len(labels), -1)
    if seated.any():
        result[seated] = np.unique(labels[seated], return_inverse=True)[1].reshape(-1)
    return result
