"""The compiled search of :mod:`dinnerkit.matching.solving.blocks`: many blocks annealed in one call, parties among their people.

Importing this imports numba; the compiled code is kept on disk.
"""

from __future__ import annotations

import numba as nb
import numpy as np

from dinnerkit.matching.solving.block_steps import exchange, lawful_swap, lifting_swap, room_for, seat_all, settle, step, sums, value_of
from dinnerkit.matching.solving.block_weights import fill
from dinnerkit.matching.solving.kernels import INNER, JIT, MULTIPLIER, STEP, UNCOUNTED

PARTS = "2c055003362b6a38"
"""See :data:`dinnerkit.matching.solving.slot_steps.PARTS`."""

_HUGE = np.float32(1e30)
_LINE, _LIFTS = 1.0, 3
"""The worst groups are those so many standard deviations below the mean of their block, and are looked at so many times."""

_TINY = np.float32(1e-4)
"""What a step must be worth, as a share of the spread of gains: less may be the rounding of single precision."""


@nb.njit(**INNER, **UNCOUNTED)
def _chosen(block, there, home, width, chosen):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """So many people of a group, each free to go, who lose the least by changing to another; tells how many there were."""
    factor, found = block.factor[block.size[home]], 0
    while found < width:
        best, value = -1, -_HUGE
        for seat in range(block.seats.shape[1]):
            one = block.seats[there, seat]
            if one < 0 or block.fixed[one]:
                continue
            again = False
            for earlier in range(found):
                again = again or chosen[earlier] == one
            worth = factor * block.gain[home, one] - block.each[one] * block.own[one]
            if worth > value and not again:
                best, value = one, worth
        if best < 0:
            return found
        chosen[found] = best
        found += 1
    return found


@nb.njit(**INNER, **UNCOUNTED)
def _members(block, unit, one, found):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """The members of somebody's party, all in one group."""
    width, group = 0, block.group[one]
    for seat in range(block.seats.shape[1]):
        member = block.seats[group, seat]
        if member >= 0 and unit[member] == unit[one]:
            found[width] = member
            width += 1
    return width


@nb.njit(**INNER, **UNCOUNTED)
def _worth_of_exchange(block, ours, theirs, width):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """What it gains when as many people of one group as of another change places."""
    weights, home, there = block.weights, block.group[ours[0]], block.group[theirs[0]]
    leaving, coming, cross = np.float32(0.0), np.float32(0.0), np.float32(0.0)
    inner, other_inner = np.float32(0.0), np.float32(0.0)
    left, right = np.float32(0.0), np.float32(0.0)
    for place in range(width):
        one, other = ours[place], theirs[place]
        leaving += block.own[one]
        coming += block.own[other]
        left += block.gain[home, other]
        right += block.gain[there, one]
        for second in range(width):
            cross += weights[one, theirs[second]]
            if second > place:
                inner += weights[one, ours[second]]
                other_inner += weights[other, theirs[second]]
    worth = block.factor[block.size[home]] * (left - cross + other_inner - leaving + inner)
    return worth + block.factor[block.size[there]] * (right - cross + inner - coming + other_inner)


@nb.njit(**INNER, **UNCOUNTED)
def _swap_all(block, ours, theirs, width, people):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    home, there = block.group[ours[0]], block.group[theirs[0]]
    for place in range(width):
        exchange(block, ours[place], theirs[place], people)
    settle(block, home)
    settle(block, there)


@nb.njit(**INNER, **UNCOUNTED)
def _partners(block, unit, there, home, seat, width, theirs):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Who of a group could change places with a party: the single people chosen, for the seat -1, or the party first seen at a seat."""
    if seat < 0:
        return _chosen(block, there, home, width, theirs)
    other = block.seats[there, seat]
    if other < 0 or not block.fixed[other]:
        return 0
    count = _members(block, unit, other, theirs)
    return count if theirs[0] == other else 0


@nb.njit(**INNER, **UNCOUNTED)
def _party_step(block, unit, one, people, groups, temperature, noise, offset, fine, least, room):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Let a party change places with a party of its size, or with as many single people, of another group."""
    ours, theirs, best = room[0], room[1], room[2]
    home, value = block.group[one], least
    width, found = _members(block, unit, one, ours), 0
    for there in range(groups):
        if there == home:
            continue
        for seat in range(-1, block.seats.shape[1]):
            if _partners(block, unit, there, home, seat, width, theirs) != width:
                continue
            worth = _worth_of_exchange(block, ours, theirs, width) + temperature * noise[offset + there]
            if worth > value:
                value, found = worth, width
                for place in range(width):
                    best[place] = theirs[place]
    if not found:
        return 0
    there = block.group[best[0]]
    before = block.broken[home] + block.broken[there] if block.masks.shape[1] else 0
    _swap_all(block, ours, best, width, people)
    if block.masks.shape[1] and block.broken[home] + block.broken[there] > before:
        _swap_all(block, ours, best, width, people)
        return 0
    return 1


@nb.njit(**INNER, **UNCOUNTED)
def _sweep(block, unit, people, groups, loose, temperature, noise, chance, fine, least, order, room):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Look at everybody once, in an order by chance; returns the steps taken and the state of chance."""
    changed, pool = 0, np.uint64(len(noise) - people - groups)
    for place in range(people):
        chance = chance * MULTIPLIER + STEP
        swap = place + np.int64((chance >> np.uint64(33)) % np.uint64(people - place))
        one = order[swap]
        order[swap] = order[place]
        order[place] = one
        offset = np.int64((chance >> np.uint64(20)) % pool)
        if not block.fixed[one]:
            changed += step(block, one, people, groups, loose, temperature, noise, offset, fine, least)
        elif unit[one] == one:
            changed += _party_step(block, unit, one, people, groups, temperature, noise, offset, fine, least, room)
    return changed, chance


@nb.njit(**INNER, **UNCOUNTED)
def _lift(block, people, groups, fine, least, lift):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Exchange the people of the worst groups so that these gain, though the others lose a little; returns the steps taken."""
    taken, total, squares = 0, np.float32(0.0), np.float32(0.0)
    for group in range(groups):
        each = block.factor[block.size[group]] * block.inside[group] / max(1, block.size[group])
        total += each
        squares += each * each
    mean = total / groups
    line = mean - np.float32(_LINE * np.sqrt(max(0.0, squares / groups - mean * mean)))
    for _ in range(_LIFTS):
        changed = 0
        for one in range(people):
            home = block.group[one]
            if block.fixed[one] or block.factor[block.size[home]] * block.inside[home] >= line * block.size[home]:
                continue
            lifting_swap(block, one, people, groups, line, lift)
            other, _worth = lawful_swap(block, one, people, fine, least)
            if other >= 0:
                there = block.group[other]
                exchange(block, one, other, people)
                settle(block, home)
                settle(block, there)
                changed += 1
        taken += changed
        if not changed:
            break
    return taken


@nb.njit(**INNER, **UNCOUNTED)
def _units(block, rules, who, unit):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Number parties by their first member in the block, and fix those who are not alone."""
    people = len(who)
    for one in range(people):
        unit[one] = one
        block.fixed[one] = False
    if not len(rules.unit):
        return
    for one in range(people):
        other = one + 1
        while other < people and block.group[other] == block.group[one] and unit[one] == one:
            if rules.unit[who[other]] == rules.unit[who[one]]:
                unit[other] = one
                block.fixed[one] = block.fixed[other] = True
            other += 1


@nb.njit(**JIT)
def improve(columns, rules, order, spot, cuts, labels, cooling, noise, chance, lift):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Anneal some blocks, one after the other; changes ``labels``.

    Args:
        columns: what people are worth to each other, :class:`dinnerkit.matching.solving.terms.Columns`.
        rules: what must hold.
        order: (n,), the people sorted by block, within a block by group.
        spot: (n,), the place of each in ``order``.
        cuts: (blocks + 1,), where each block begins in ``order``.
        labels: (n,), the group of each.
        cooling: a temperature for each sweep, in units of what exchanges differ by.
        noise: exponential draws.
        chance: (blocks,), the seed of each block.
        lift: how much more a gain counts in the end for the groups that are worth the least to each of their people.

    Returns:
        How many steps were taken.
    """
    people, taken = 0, 0
    for number in range(len(cuts) - 1):
        people = max(people, cuts[number + 1] - cuts[number])
    seats, smallest = np.int64(rules.maximum.max()), np.int64(max(1, rules.minimum.min()))
    groups = people // smallest + 1
    block = room_for(people, groups, seats, rules.masks.shape[1], rules.masks.shape[2], rules.factor)
    names, unit, room = np.empty(groups, np.int32), np.empty(people, np.int32), np.empty((3, seats), np.int32)
    for number in range(len(cuts) - 1):
        begin, end = cuts[number], cuts[number + 1]
        who = order[begin:end]
        taken += _one_block(columns, rules, who, begin, spot, labels, cooling, noise, chance[number], lift, block, names, unit, room)
    return taken


@nb.njit(**INNER)
def _one_block(columns, rules, who, begin, spot, labels, cooling, noise, chance, lift, block, names, unit, room):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    people, taken = len(who), 0
    groups, loose = seat_all(block, labels[who], rules.minimum, rules.maximum, people, names)
    if groups < 2:  # noqa: PLR2004
        return 0
    spread, fine = fill(columns, rules, who, begin, spot, block.weights)
    for one in range(people if rules.masks.shape[1] else 0):
        for family in range(rules.masks.shape[1]):
            for word in range(rules.masks.shape[2]):
                block.masks[one, family, word] = rules.masks[who[one], family, word]
    _units(block, rules, who, unit)
    sums(block, people, groups)
    usual = min(len(block.factor) - 1, people // groups)
    spread *= block.factor[usual] * np.float32(np.sqrt(2.0 * max(1, usual - 1)))
    least = max(_TINY * spread, np.float32(1e-6) * fine)
    before, order = value_of(block, groups, fine), np.arange(people)
    for sweep in range(len(cooling)):
        temperature = cooling[sweep] * spread
        changed, chance = _sweep(block, unit, people, groups, loose, temperature, noise, chance, fine, least, order, room)
        taken += changed
        if changed == 0 and temperature == 0.0:
            break
    if value_of(block, groups, fine) <= before:
        return 0
    if lift > 0.0:
        taken += _lift(block, people, groups, fine, least, lift)
    for one in range(people):
        labels[who[one]] = names[block.group[one]]
    return taken
