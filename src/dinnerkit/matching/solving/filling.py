"""Putting many units into many groups, in time that grows with their number alone."""

from __future__ import annotations

from typing import Literal

import numpy as np

from dinnerkit.matching.solving.state import Ints

_FITS: tuple[Literal["loosest", "tightest"], ...] = ("loosest", "tightest")


def packed(sizes: Ints, room: Ints) -> Ints | None:
    """A group for each unit, none filled beyond its room; None where neither way of two finds one.

    The largest units go first: each to the group with the most room, which balances them; where that fails, to the one that it fits
    most tightly.
    """
    for fit in _FITS:
        group = _packed(sizes, room, fit)
        if group is not None:
            return group
    return None


def dealt(sizes: Ints, low: Ints, high: Ints) -> Ints | None:
    """A group for each unit within bounds: larger units first, then those of one, group by group in their order; None if it fails."""
    large = np.flatnonzero(sizes > 1)
    group = np.full(len(sizes), -1)
    begun = packed(sizes[large], high)
    if begun is None:
        return None
    group[large] = begun
    taken = np.bincount(begun, weights=sizes[large], minlength=len(low)).astype(np.int64)
    final = _evened(np.maximum(taken, low), high, int(sizes.sum()))
    if final is None:
        return None
    group[sizes == 1] = np.repeat(np.arange(len(low)), final - taken)
    return group


def _evened(final: Ints, high: Ints, people: int) -> Ints | None:
    """Sizes raised, the smallest first, until they add up to all people."""
    rest = people - int(final.sum())
    final = final.copy()
    while rest > 0:
        open_ = np.flatnonzero(final < high)
        if not len(open_):
            return None
        lowest = open_[final[open_] == final[open_].min()][:rest]
        final[lowest] += 1
        rest -= len(lowest)
    return final if rest == 0 else None


def _packed(sizes: Ints, room: Ints, fit: Literal["loosest", "tightest"]) -> Ints | None:
    most = int(room.max(initial=0))
    with_room: list[list[int]] = [[] for _ in range(most + 1)]
    for number in range(len(room) - 1, -1, -1):
        with_room[room[number]].append(number)
    group = np.full(len(sizes), -1)
    for unit in np.argsort(-sizes, kind="stable").tolist():
        size = int(sizes[unit])
        tried = range(most, size - 1, -1) if fit == "loosest" else range(size, most + 1)
        left = next((left for left in tried if with_room[left]), None)
        if left is None:
            return None
        group[unit] = chosen = with_room[left].pop()
        with_room[left - size].append(chosen)
    return group
