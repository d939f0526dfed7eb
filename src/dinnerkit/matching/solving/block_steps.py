"""The steps of the compiled search of :mod:`dinnerkit.matching.solving.blocks`, on one block of people and groups.

A step takes one person and tells, for everybody else in the block in one vectorised pass, what exchanging the two would gain by a
table of the sums between each person and each group; the best of *gain + temperature x exponential noise* is taken. Importing this
imports numba. Arrays are filled by loops: what is assigned to a slice takes numba more than a second to compile.
"""

from __future__ import annotations

from typing import NamedTuple

import numba as nb
import numpy as np
from numpy.typing import NDArray

from dinnerkit.matching.solving.kernels import UNCOUNTED, WOVEN
from dinnerkit.matching.solving.state import Words
from dinnerkit.matching.solving.terms import Singles

Places = NDArray[np.int32]

_HUGE = np.float32(1e30)


class Block(NamedTuple):
    """One block: people and groups are numbered within it."""

    weights: Singles  # (people, people)
    gain: Singles  # (groups, people)
    own: Singles  # (people,) with the others of their group
    cost: Singles  # (people,) the same times the group's factor; huge for those who can't be exchanged
    each: Singles  # (people,) their group's factor
    fixed: NDArray[np.bool_]  # (people,)
    group: Places  # (people,)
    seats: Places  # (groups, most people) -1 where nobody is
    spot: Places  # (people,) their place in the seats
    size: Places  # (groups,)
    inside: Singles  # (groups,)
    low: Places  # (groups,)
    high: Places  # (groups,)
    masks: Words  # (people, families, words)
    worth: Singles  # (people,) room for what exchanges are worth
    column: Singles  # (groups,) room for what groups are worth to one person
    room: Singles  # (groups,) room for how far each group is below the line
    factor: Singles
    broken: Places  # (groups,) families without a bit in common


@nb.njit(**WOVEN, **UNCOUNTED)
def sums(block, people, groups):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Make all sums anew."""
    for group in range(groups):
        for one in range(people):
            block.gain[group, one] = 0.0
    for one in range(people):
        row, weights = block.gain[block.group[one]], block.weights[one]
        for other in range(people):
            row[other] += weights[other]
    for group in range(groups):
        block.inside[group] = 0.0
        settle(block, group)
        for seat in range(block.seats.shape[1]):
            if block.seats[group, seat] >= 0:
                block.inside[group] += np.float32(0.5) * block.own[block.seats[group, seat]]


@nb.njit(**WOVEN, **UNCOUNTED)
def settle(block, group):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Work out what the members of a group have with each other."""
    factor = block.factor[block.size[group]]
    for seat in range(block.seats.shape[1]):
        one = block.seats[group, seat]
        if one >= 0:
            block.own[one] = block.gain[group, one]
            block.each[one] = factor
            block.cost[one] = _HUGE if block.fixed[one] else factor * block.own[one]
    if block.masks.shape[1]:
        block.broken[group] = broken(block, group, -1, -1)


@nb.njit(**WOVEN, **UNCOUNTED)
def exchange(block, one, other, people):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Let two people change places; their groups are to be settled after it."""
    home, there = block.group[one], block.group[other]
    here, away = block.gain[home], block.gain[there]
    mine, theirs = block.weights[one], block.weights[other]
    block.inside[home] += here[other] - mine[other] - here[one]
    block.inside[there] += away[one] - mine[other] - away[other]
    for person in range(people):
        change = theirs[person] - mine[person]
        here[person] += change
        away[person] -= change
    seat = block.spot[one]
    block.spot[one] = block.spot[other]
    block.spot[other] = seat
    block.seats[home, seat] = other
    block.seats[there, block.spot[one]] = one
    block.group[one], block.group[other] = there, home


@nb.njit(**WOVEN, **UNCOUNTED)
def _move(block, one, there, people):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Let one person change to a group with room."""
    home = block.group[one]
    here, away, mine = block.gain[home], block.gain[there], block.weights[one]
    block.inside[home] -= here[one]
    block.inside[there] += away[one]
    for person in range(people):
        here[person] -= mine[person]
        away[person] += mine[person]
    block.seats[home, block.spot[one]] = -1
    seat = 0
    while block.seats[there, seat] >= 0:
        seat += 1
    block.seats[there, seat], block.spot[one], block.group[one] = one, seat, there
    block.size[home] -= 1
    block.size[there] += 1


@nb.njit(**WOVEN, **UNCOUNTED)
def broken(block, group, leaving, coming):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """In how many families a group has no bit in common, with one person (or nobody, -1) left out and one taken in."""
    families, words = block.masks.shape[1], block.masks.shape[2]
    broken = 0
    for family in range(families):
        some = False
        for word in range(words):
            common = block.masks[coming, family, word] if coming >= 0 else np.uint64(0xFFFFFFFFFFFFFFFF)
            for seat in range(block.seats.shape[1]):
                member = block.seats[group, seat]
                if member >= 0 and member != leaving:
                    common &= block.masks[member, family, word]
            if common:
                some = True
                break
        if not some:
            broken += 1
    return broken


@nb.njit(**WOVEN, **UNCOUNTED)
def lawful_swap(block, one, people, fine, least):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """The best exchange among those already told that breaks no more than is broken; mending counts."""
    home, best, value = block.group[one], -1, least
    for other in range(people):
        there = block.group[other]
        before = block.broken[home] + block.broken[there]
        worth = block.worth[other] + fine * np.float32(before)
        if worth <= value or there == home:
            continue
        worth -= fine * np.float32(broken(block, home, one, other) + broken(block, there, other, one))
        if worth > value:
            best, value = other, worth
    return best, value


@nb.njit(**WOVEN, **UNCOUNTED)
def _best_swap(block, one, people, temperature, noise, offset, least):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Fill in what exchanging one person with each other one is worth, and tell the best."""
    home = block.group[one]
    here, mine, worths, factor = block.gain[home], block.weights[one], block.worth, block.each[one]
    fixed = factor * block.own[one]
    best = -_HUGE
    for other in range(people):
        weight = mine[other]
        worth = factor * (here[other] - weight) + block.column[block.group[other]] - (block.cost[other] + block.each[other] * weight)
        worth += temperature * noise[offset + other] - fixed
        worths[other] = worth
        best = max(best, worth)
    if best <= least:
        return -1, least
    for other in range(people):
        if worths[other] >= best:
            return other, best
    return -1, least


@nb.njit(**WOVEN, **UNCOUNTED)
def lifting_swap(block, one, people, groups, line, lift):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """The best exchange for one person, where a step up below the line counts 1 + ``lift`` times; nothing else is left to chance."""
    home = block.group[one]
    _columns_of(block, one, groups)
    block.column[home] = np.float32(0.0)
    here, mine, worths, factor = block.gain[home], block.weights[one], block.worth, block.each[one]
    fixed, lack = factor * block.own[one], _lack(block, home, line)
    for group in range(groups):
        block.room[group] = _lack(block, group, line)
    for other in range(people):
        there = block.group[other]
        ours = factor * (here[other] - mine[other]) - fixed
        theirs = block.column[there] - block.cost[other] - block.each[other] * mine[other]
        missing = block.room[there]
        lifted = min(ours, lack) - min(np.float32(0.0), lack) + min(theirs, missing) - min(np.float32(0.0), missing)
        worths[other] = ours + theirs + lift * lifted


@nb.njit(**WOVEN, **UNCOUNTED)
def _lack(block, group, line):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """How far a group is below the line, which is a worth for each of its people; below 0 where it is above."""
    return line * np.float32(block.size[group]) - block.factor[block.size[group]] * block.inside[group]


@nb.njit(**WOVEN, **UNCOUNTED)
def _best_move(block, one, groups, temperature, noise, offset, fine, least):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """The best group with room to change to."""
    home = block.group[one]
    here = block.size[home]
    best, value = -1, least
    if here <= block.low[home] or block.fixed[one]:
        return best, value
    masked = block.masks.shape[1] > 0
    left = block.factor[here - 1] * (block.inside[home] - block.own[one]) - block.factor[here] * block.inside[home]
    for there in range(groups):
        size = block.size[there]
        if there == home or size >= block.high[there]:
            continue
        worth = left + block.factor[size + 1] * (block.inside[there] + block.gain[there, one]) - block.factor[size] * block.inside[there]
        worth += temperature * noise[offset + there]
        if worth + fine * np.float32(block.broken[home] + block.broken[there]) <= value:
            continue
        if masked:
            before = block.broken[home] + block.broken[there]
            worth -= fine * np.float32(broken(block, home, one, -1) + broken(block, there, -1, one) - before)
        if worth > value:
            best, value = there, worth
    return best, value


@nb.njit(**WOVEN, **UNCOUNTED)
def _columns_of(block, one, groups):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    for group in range(groups):
        block.column[group] = block.factor[block.size[group]] * block.gain[group, one]
    block.column[block.group[one]] = -_HUGE


@nb.njit(**WOVEN, **UNCOUNTED)
def step(block, one, people, groups, loose, temperature, noise, offset, fine, least):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Take the best step for one person, if there is one."""
    home = block.group[one]
    _columns_of(block, one, groups)
    if block.masks.shape[1]:
        _best_swap(block, one, people, temperature, noise, offset, least)
        other, worth = lawful_swap(block, one, people, fine, least)
    else:
        other, worth = _best_swap(block, one, people, temperature, noise, offset, least)
    there = -1
    if loose:
        there, _ = _best_move(block, one, groups, temperature, noise, offset + people, fine, worth)
    if there >= 0:
        _move(block, one, there, people)
    elif other >= 0:
        there = block.group[other]
        exchange(block, one, other, people)
    else:
        return 0
    settle(block, home)
    settle(block, there)
    return 1


@nb.njit(**WOVEN, **UNCOUNTED)
def value_of(block, groups, fine):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """What a block is worth, less the fines for groups without a bit in common."""
    total = np.float64(0.0)
    for group in range(groups):
        total += block.factor[block.size[group]] * block.inside[group]
        if block.masks.shape[1]:
            total -= fine * block.broken[group]
    return total


@nb.njit(**WOVEN, **UNCOUNTED)
def seat_all(block, labels, low, high, people, names):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Put the people of a block, who come sorted by group, into its seats; tells the groups and whether sizes can change."""
    for group in range(block.seats.shape[0]):
        for seat in range(block.seats.shape[1]):
            block.seats[group, seat] = -1
    groups, loose = 0, False
    for one in range(people):
        if groups == 0 or labels[one] != names[groups - 1]:
            names[groups] = labels[one]
            block.size[groups] = 0
            block.low[groups], block.high[groups] = low[labels[one]], high[labels[one]]
            groups += 1
        group = groups - 1
        block.group[one], block.spot[one] = group, block.size[group]
        block.seats[group, block.size[group]] = one
        block.size[group] += 1
    for group in range(groups):
        loose = loose or block.low[group] < block.high[group]
    return groups, loose


@nb.njit(**WOVEN)
def room_for(people, groups, seats, families, words, factor):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Room for a block of so many people and groups."""
    return Block(
        weights=np.empty((people, people), np.float32),
        gain=np.empty((groups, people), np.float32),
        own=np.empty(people, np.float32),
        cost=np.empty(people, np.float32),
        each=np.empty(people, np.float32),
        fixed=np.zeros(people, np.bool_),
        group=np.empty(people, np.int32),
        seats=np.empty((groups, seats), np.int32),
        spot=np.empty(people, np.int32),
        size=np.empty(groups, np.int32),
        inside=np.empty(groups, np.float32),
        low=np.empty(groups, np.int32),
        high=np.empty(groups, np.int32),
        masks=np.empty((people, families, words), np.uint64),
        worth=np.empty(people, np.float32),
        column=np.empty(groups, np.float32),
        room=np.empty(groups, np.float32),
        factor=factor,
        broken=np.zeros(groups, np.int32),
    )
