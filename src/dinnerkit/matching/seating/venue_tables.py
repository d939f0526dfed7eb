"""First tables in a venue's own room, whatever they score."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from heapq import heappop, heappush

import numpy as np

from dinnerkit.matching.seating.constraints import Constraints
from dinnerkit.matching.seating.feasible import feasible_tables, mended, sound_tables
from dinnerkit.matching.seating.planning import strata
from dinnerkit.matching.seating.rooms import Room
from dinnerkit.matching.solving.solver import pack
from dinnerkit.matching.solving.state import Ints


def venue_tables(constraints: Constraints, room: Room, order: Ints, rng: np.random.Generator, before: Ints | None = None) -> Ints:
    """As few of a venue's tables as the rules about pairs are found to be kept at, else as the numbers take.

    Args:
        constraints: the hard rules.
        room: with tables of its own.
        order: (n,), the guests in the order in which neighbours should share a table.
        rng: the source of chance.
        before: (n,), at which of the tables they sat in an earlier seating, -1 for none; that is tried first.

    Returns:
        (n,), each guest's table; -1 for those for whom there is no place. Sizes and parties are kept.
    """
    there = replace(constraints, tables=room.seats(0))
    if before is not None and ((earlier := sound_tables(there, before, rng)) >= 0).all():
        return earlier
    fewest = _divided(constraints, room, order, rng, 0)
    if (fewest < 0).any():
        return fewest
    for labels in _attempts(there, room, order, rng, fewest):
        if (labels >= 0).all() and not len(there.broken_tables(labels)):
            return labels
    planned = _held(room, feasible_tables(constraints, order, rng))
    return fewest if planned is None else planned


def _attempts(there: Constraints, room: Room, order: Ints, rng: np.random.Generator, fewest: Ints) -> Iterator[Ints]:
    """Ways to seat the guests, those first that are found soon and take few tables; (n,) each, -1 for those for whom there is no place."""
    yield mended(there, fewest, rng, long=False)
    yield sound_tables(there, _stratified(there, room, order, rng), rng)
    most = room.most_tables(len(there)) - len(np.unique(fewest))
    for long in (False, True):
        for more in _more_tables(most):
            if more or long:
                labels = _divided(there, room, order, rng, more) if more else fewest
                yield mended(there, labels, rng, long=long) if (labels >= 0).all() else labels


def _held(room: Room, labels: Ints) -> Ints | None:
    """Groups, numbered from 0, at tables of the venue that are as large as they are; None where somebody has none, or a group."""
    if (labels < 0).any():
        return None
    (lows, highs), sizes = room.seats(0), np.bincount(labels)
    waiting = np.argsort(-lows, kind="stable").tolist()
    opened: list[tuple[int, int]] = []
    at = np.empty(len(sizes), np.int64)
    for group in np.argsort(sizes, kind="stable"):
        # Of the tables that it is enough for, the one that takes the fewest: a larger group may need another.
        while waiting and lows[waiting[-1]] <= sizes[group]:
            table = waiting.pop()
            heappush(opened, (int(highs[table]), table))
        while opened and opened[0][0] < sizes[group]:
            heappop(opened)
        if not opened:
            return None
        at[group] = heappop(opened)[1]
    return at[labels]


def _more_tables(most: int) -> Iterator[int]:
    """How many tables more than the fewest to try: none, and 1, 2, 4, and so on up to the most."""
    more = 0
    while more < most:
        yield more
        more = max(1, 2 * more)
    yield most


def _stratified(constraints: Constraints, room: Room, order: Ints, rng: np.random.Generator) -> Ints:
    """The guests of each stratum at as few tables of their own as the numbers take; (n,), -1 for those for whom there is no place."""
    labels, rank = np.full(len(constraints), -1), np.argsort(order)
    for members in strata(constraints):
        labels[members] = _divided(constraints.take(members), room, np.argsort(rank[members]), rng, 0)
        room = replace(room, taken=room.taken | frozenset(np.unique(labels[labels >= 0]).tolist()))
    return labels


def _divided(constraints: Constraints, room: Room, order: Ints, rng: np.random.Generator, more: int) -> Ints:
    """The guests at so many more tables than the fewest, each party at one; (n,), -1 for those for whom there is no place."""
    units = constraints.units()
    rank = np.argsort(order)
    waiting = sorted(units, key=lambda unit: (-len(unit), int(rank[unit].min())))
    labels = np.full(len(constraints), -1)
    while waiting:
        sizes = np.array([len(unit) for unit in waiting], np.int64)
        counts = room.fit(int(sizes.sum()), more)
        used = np.flatnonzero(counts) if counts is not None else np.zeros(0, np.int64)
        lows, highs = room.seats(0)
        places = pack(sizes, lows[used], highs[used], rng) if len(used) else None
        if places is not None:
            for unit, place in zip(waiting, places, strict=True):
                labels[unit] = used[place]
            return labels
        waiting.pop()
    return labels
