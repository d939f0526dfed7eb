"""The sums that the search for people one by one keeps for every group and person, and how a step changes them; compiled by numba.

See :mod:`dinnerkit.matching.solving.slots` for what slots are.
"""

from __future__ import annotations

from typing import NamedTuple

import numba as nb
import numpy as np
from numpy.typing import NDArray

from dinnerkit.matching.solving.kernels import INNER, JIT, UNCOUNTED, WOVEN, meets
from dinnerkit.matching.solving.state import Floats, Ints, Words

PARTS = "5d7513c585120cd7"
"""See :data:`dinnerkit.matching.solving.slot_steps.PARTS`."""

Singles = NDArray[np.float32]
Places = NDArray[np.int32]


class Tables(NamedTuple):
    """What the compiled code works on; ``nobody`` is the number of people.

    Attributes:
        weights: (people + 1, people + 1), the last row and column, nobody's, are zero.
        floor: (people,), the least weight that each has, pairs kept apart aside.
        factor: what a group's sum is multiplied by, given its size.
        minimum: (places,), the fewest people of the group that has each.
        maximum: (places,), the most.
        masks: (people + 1, families, words).
        breach: what a group without a common bit costs.
        least: what a step must be worth to be taken; less is the rounding of single precision.
        loose: whether sizes can change, or be traded.
        person: (slots,), who is there, or nobody.
        gain: (groups, slots), the sum of the weights between who is there and all of a group.
        own: (slots,), the same with their own group; huge where nobody is.
        scale: (slots,), the factor of each slot's group.
        inside: (groups,), the sum of the weights inside each.
        size: (groups,), people in each.
        place: (groups,), which bounds each has: a move may have two groups trade theirs.
        rest: (people, families, words), what the others of one's group have in common.
        common: (groups, families, words), what all of a group have in common.
        broken: (groups,), 1 where some family has no bit in common.
        best: (slots,), who was where when the groups were worth the most at the end of a sweep.
        best_place: (groups,), which bounds each had then.
        record: (2,), what they were worth, and the steps since the sums were made.
    """

    weights: Singles
    floor: Singles
    factor: Singles
    minimum: Ints
    maximum: Ints
    masks: Words
    breach: np.float32
    least: np.float32
    loose: bool
    person: Places
    gain: Singles
    own: Singles
    scale: Singles
    inside: Floats
    size: Ints
    place: Ints
    rest: Words
    common: Words
    broken: Ints
    best: Places
    best_place: Ints
    record: Floats


@nb.njit(**JIT)
def padded(weights, forbidden):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """The weights with a row and a column of zeros for nobody, and the least weight of each row above the forbidden."""
    people = len(weights)
    padded = np.zeros((people + 1, people + 1), np.float32)
    floor = np.zeros(people, np.float32)
    for one in range(people):
        least = np.float32(1e30)
        for other in range(people):
            weight = np.float32(weights[one, other])
            padded[one, other] = weight
            if other != one and weight > forbidden and weight < least:
                least = weight
        floor[one] = least if least < np.float32(1e30) else np.float32(0.0)
    return padded, floor


@nb.njit(**JIT, **UNCOUNTED)
def refresh(tables):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Make all sums anew from who is where."""
    groups, slots, nobody = len(tables.size), len(tables.person), len(tables.weights) - 1
    tables.gain[:] = np.float32(0.0)
    for slot in range(slots):
        row, gain = tables.weights[tables.person[slot]], tables.gain[slot % groups]
        if tables.person[slot] != nobody:
            for other in range(slots):
                gain[other] += row[tables.person[other]]
    for group in range(groups):
        settle(tables, group)
        weigh(tables, group)
    tables.record[1] = 0.0


@nb.njit(**WOVEN, **UNCOUNTED)
def _own(person, gain, own, group, groups, nobody):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Copy the gains of one group's members from its row."""
    for slot in range(np.uint64(group), np.uint64(len(person)), np.uint64(groups)):
        own[slot] = gain[slot] if person[slot] != nobody else np.float32(1e30)


@nb.njit(**INNER, **UNCOUNTED)
def settle(tables, group):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Bring what is known of one group's members up to its row of gains."""
    groups, nobody, total = len(tables.size), len(tables.weights) - 1, 0.0
    _own(tables.person, tables.gain[group], tables.own, group, groups, nobody)
    for slot in range(group, len(tables.person), groups):
        if tables.person[slot] != nobody:
            total += tables.own[slot]
    tables.inside[group] = 0.5 * total
    if tables.masks.shape[1]:
        share(tables, group)


@nb.njit(**INNER, **UNCOUNTED)
def weigh(tables, group):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Bring the factors of a group's slots up to its size."""
    for slot in range(group, len(tables.person), len(tables.size)):
        tables.scale[slot] = tables.factor[tables.size[group]]


@nb.njit(**INNER, **UNCOUNTED)
def share(tables, group):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Work out again what the members of one group have in common."""
    everything, groups = np.uint64(0xFFFFFFFFFFFFFFFF), len(tables.size)
    nobody = len(tables.weights) - 1
    for family in range(tables.masks.shape[1]):
        for word in range(tables.masks.shape[2]):
            above = everything
            for slot in range(group, len(tables.person), groups):
                tables.rest[tables.person[slot], family, word] = above
                above &= tables.masks[tables.person[slot], family, word]
            below = everything
            for slot in range(group + len(tables.person) - groups, -1, -groups):
                if tables.person[slot] != nobody:
                    tables.rest[tables.person[slot], family, word] &= below
                below &= tables.masks[tables.person[slot], family, word]
            tables.common[group, family, word] = above
    tables.broken[group] = 0 if meets(tables.common[group], tables.common[group]) else 1


@nb.njit(**JIT, **UNCOUNTED)
def worth_of(tables):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """What all groups are worth as they are."""
    total = 0.0
    for group in range(len(tables.size)):
        total += tables.factor[tables.size[group]] * tables.inside[group] - tables.breach * tables.broken[group]
    return total


@nb.njit(**WOVEN, **UNCOUNTED)
def _shift(leaving, coming, person, here, there, change):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Bring the gains of two groups up to a person with some weights leaving the first for the second, and another coming."""
    for slot in range(len(person)):
        there_now = np.uint32(person[slot])
        change[slot] = coming[there_now] - leaving[there_now]
    for slot in range(len(person)):
        here[slot] += change[slot]
        there[slot] -= change[slot]


@nb.njit(**WOVEN, **UNCOUNTED)
def _trade(gain, person, slot, other):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Have two slots change who is there; the gains go with them."""
    for group in range(np.uint64(len(gain))):
        here = gain[group, slot]
        gain[group, slot] = gain[group, other]
        gain[group, other] = here
    here_person = person[slot]
    person[slot] = person[other]
    person[other] = here_person


@nb.njit(**WOVEN, **UNCOUNTED)
def exchange(weights, person, gain, own, inside, slot, other, change):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Have two slots of different groups change who is there; nobody may be there."""
    groups, nobody = len(inside), len(weights) - 1
    home, target = slot % groups, other % groups
    here, there = gain[home], gain[target]
    going, coming = own[slot], own[other]
    _shift(weights[person[slot]], weights[person[other]], person, here, there, change)
    _trade(gain, person, np.uint64(slot), np.uint64(other))
    _own(person, here, own, home, groups, nobody)
    _own(person, there, own, target, groups, nobody)
    if person[slot] != nobody:
        inside[home] += own[slot]
        inside[target] -= coming
    inside[home] -= going
    inside[target] += own[other]
