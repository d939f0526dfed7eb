"""The compiled code of :mod:`dinnerkit.matching.solving.slots`: looking for the best step of each person, and taking it."""

from __future__ import annotations

from typing import NamedTuple

import numba as nb
import numpy as np

from dinnerkit.matching.solving.annealing import NOISE
from dinnerkit.matching.solving.kernels import INNER, JIT, MULTIPLIER, STEP, UNCOUNTED, WOVEN, move_breaks, swap_breaks
from dinnerkit.matching.solving.slot_sums import Places, Singles, exchange, refresh, share, weigh, worth_of

PARTS = "113fe02f333a9cc4"
"""A digest of the modules that are compiled in here too. Whether what is kept on disk is out of date, numba tells by this file alone, and
pip leaves what an earlier version kept. ``tests/matching/test_kept_code.py`` says what it must be."""

_REFRESH = 100_000
"""Steps after which the sums are made anew: in single precision they drift by some 1e-7 of their size with each step."""

_ONE, _TWO, _THREE, _FOUR = np.uint64(1), np.uint64(2), np.uint64(3), np.uint64(4)
"""Loops over slots count without a sign: an index that might be negative keeps them from being vectorised."""

_NOBODY = np.float32(1e29)
"""Sums are far below this; where nobody is they are above."""

_MANY = 2
"""Where one in so many groups may hold a swap, everybody is looked at, otherwise these groups; the first of a group's members decides."""


class Work(NamedTuple):
    """What is worked out for a group and one of its members, by group but for the last four.

    Attributes:
        factors: what each group's sum is multiplied by.
        reach: what its members would gain by coming home, the most of them, and its slack.
        going: what going to it gives, less what the weights between the two of a swap cost at least.
        highest: the most that a swap with one of its members gives, apart from going to it.
        slack: what mending it and home would give, where they are broken; nothing is to be had at home itself.
        promising: the groups whose bound passes, in front.
        widening: what its factor would be with one more, or nothing where there is no room.
        room: what its own members would gain by the other factor; out of reach where there is no room.
        base: (slots,), what who is there would gain by coming home, without slack; out of reach where nobody is.
        change: (slots,), how gains change in a step, or what a swap with who is there gives.
        spare: (slots,), the highest of quarters of them.
        more: (slots,), the highest of quarters of those.
    """

    factors: Singles
    reach: Singles
    going: Singles
    highest: Singles
    slack: Singles
    promising: Places
    widening: Singles
    room: Singles
    base: Singles
    change: Singles
    spare: Singles
    more: Singles


@nb.njit(**WOVEN, **UNCOUNTED)
def _highest(values, spare, more, highest):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """The highest of each group's slots, in passes that each leave a quarter of the rows.

    Loops along whole rows are vectorised, those along the groups are mostly too short for it. Where rows can't be divided by four,
    quarters overlap. Two arrays take turns: a loop that might read what it has just written is not vectorised.
    """
    groups = np.uint64(len(highest))
    rows = np.uint64(len(values)) // groups
    while rows > _ONE:
        left = (rows + _THREE) // _FOUR
        last = (rows - left) * groups
        second, third = min(left * groups, last), min(_TWO * left * groups, last)
        for slot in range(left * groups):
            one, two, three, four = values[slot], values[slot + second], values[slot + third], values[slot + last]
            one = one if one > two else two
            three = three if three > four else four
            spare[slot] = one if one > three else three
        values, spare, more, rows = spare, more, spare, left
    for group in range(groups):
        highest[group] = values[group]


@nb.njit(**WOVEN, **UNCOUNTED)
def _reach(gain, own, mine, scale, work):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """What each person would gain by coming to the group whose gains these are, and the most of it in each group."""
    base = work.base
    for slot in range(len(own)):
        value = mine * gain[slot] - scale[slot] * own[slot]
        base[slot] = value if own[slot] < _NOBODY else -_NOBODY
    _highest(base, work.spare, work.more, work.reach)
    for group in range(np.uint64(len(work.reach))):
        work.reach[group] += work.slack[group]


@nb.njit(**WOVEN, **UNCOUNTED)
def _promising(gain, slot, lost, temperature, noise, offset, least, worth, work):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Tell what going to each group gives a person, chance and the least weights that a swap may cost included.

    Returns how many groups may hold a swap worth more than this; they are listed. Mostly there are none, which the first loop tells.
    """
    groups, going, top = np.uint64(len(work.going)), work.going, -_NOBODY
    for group in range(groups):
        value = work.factors[group] * (gain[group, slot] - least) + (temperature * noise[offset + group] - lost)
        going[group] = value
        bound = value + work.reach[group]
        top = bound if bound > top else top
    count = np.uint64(0)
    if top > worth:
        for group in range(groups):
            work.promising[count] = np.int32(group)
            count += np.uint64(going[group] + work.reach[group] > worth)
    return count


@nb.njit(**WOVEN, **UNCOUNTED)
def _best_swap(row, person, mine, least, work, count, worth):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """The slot with which a swap is worth the most, -1 if none is worth more than this, and its worth.

    The highest of a group is found first and its slot afterwards: comparing each with the best so far has each wait for the one before.
    """
    groups, best, values = np.uint64(len(work.going)), np.int64(-1), work.change
    rows = np.uint64(len(person)) // groups
    for place in range(count):
        target = np.uint64(work.promising[place])
        if work.going[target] + work.reach[target] <= worth:
            continue
        both, top = mine + work.factors[target], -_NOBODY
        here = work.going[target] + both * least
        for member in range(rows):
            other = target + member * groups
            value = work.base[other] - both * row[np.uint32(person[other])]
            values[member] = value
            top = value if value > top else top
        if here + top > worth:
            member = 0
            while values[member] < top:
                member += 1
            best, worth = np.int64(target + np.uint64(member) * groups), here + top
    return best, worth


@nb.njit(**WOVEN, **UNCOUNTED)
def _best_of_all(row, person, mine, least, scale, home, work, worth):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """The same, looking at everybody: quicker where the bounds exclude few groups."""
    worths, base = work.change, work.base
    for slot in range(len(person)):
        worths[slot] = row[np.uint32(person[slot])]
    for slot in range(len(person)):
        worths[slot] = base[slot] - (mine + scale[slot]) * (worths[slot] - least)
    _highest(worths, work.spare, work.more, work.highest)
    work.highest[home] = -_NOBODY
    target, step = np.uint64(0), np.uint64(len(work.going))
    for group in range(step):
        if work.going[group] + work.highest[group] > worth:
            target, worth = group + _ONE, work.going[group] + work.highest[group]
    if target == np.uint64(0):
        return -1, worth
    found = target - _ONE
    top = work.highest[found]
    while worths[found] < top:
        found += step
    return np.int64(found), worth


@nb.njit(**WOVEN, **UNCOUNTED)
def _best_lawful_swap(tables, slot, work, count, worth):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """The same as :func:`_best_swap` where the members of a group must have bits in common."""
    groups, base, row, person = len(tables.size), work.base, tables.weights[tables.person[slot]], tables.person
    home, one, best = slot % groups, person[slot], -1
    for place in range(count):
        target = work.promising[place]
        if work.going[target] + work.reach[target] <= worth:
            continue
        both, slack = work.factors[home] + work.factors[target], work.slack[target]
        here = work.going[target] + both * tables.floor[one]
        for other in range(target, len(person), groups):
            gained = here + base[other] - both * row[person[other]]
            if gained + slack > worth:
                gained -= tables.breach * swap_breaks(tables, one, person[other], home, target)
                if gained > worth:
                    best, worth = other, gained
    return best, worth


@nb.njit(**WOVEN, **UNCOUNTED)
def _best_move(tables, slot, temperature, noise, offset, work, least):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """The group to which a move is worth the most, -1 if none is worth more than the least, and its worth."""
    groups, masked = len(tables.size), tables.masks.shape[1] > 0
    home, one = slot % groups, tables.person[slot]
    best, best_worth, here = np.int64(-1), least, tables.size[home]
    left = np.float32(tables.factor[here - 1] * (tables.inside[home] - tables.own[slot]) - tables.factor[here] * tables.inside[home])
    for target in range(np.uint64(groups)):
        worth = work.widening[target] * tables.gain[target, np.uint64(slot)] + work.room[target] + left
        worth += temperature * noise[offset + target]
        if masked and worth + work.slack[target] > best_worth:
            worth -= tables.breach * move_breaks(tables, one, home, target)
        if worth > best_worth:
            best, best_worth = np.int64(target), worth
    return best, best_worth


@nb.njit(**INNER, **UNCOUNTED)
def _free(tables, group):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """A slot of the group in which nobody is."""
    slot = group
    while tables.person[slot] != len(tables.weights) - 1:
        slot += len(tables.size)
    return slot


@nb.njit(**WOVEN, **UNCOUNTED)
def _prepare(tables, home, work):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """What all members of a group need to know of the others, apart from their gains.

    Handing the tables to a function of its own, for each group, made the whole search take three times as long.
    """
    minimum, maximum, place, left = tables.minimum, tables.maximum, tables.place, tables.size[home] - 1
    least, most = minimum[place[home]], maximum[place[home]]
    for group in range(len(tables.size)):
        size = tables.size[group]
        work.factors[group] = tables.factor[size]
        work.slack[group] = tables.breach * (tables.broken[group] + tables.broken[home])
        if tables.loose:
            low, high = minimum[place[group]], maximum[place[group]]
            kept, traded = left >= least and size < high, low <= left <= high and least <= size + 1 <= most
            roomy = group != home and (kept or traded)
            work.widening[group] = tables.factor[size + 1] if roomy else np.float32(0.0)
            work.room[group] = (tables.factor[size + 1] - tables.factor[size]) * tables.inside[group] if roomy else -_NOBODY
    work.slack[home] = -_NOBODY


@nb.njit(**WOVEN, **UNCOUNTED)
def _take(tables, slot, other, moving, work):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Take a step: a swap, or a move to where nobody is, for which the two groups trade bounds where it would break theirs."""
    groups, masked = len(tables.size), tables.masks.shape[1] > 0
    home, target = slot % groups, other % groups
    if moving:
        here, there = tables.place[home], tables.place[target]
        if tables.size[home] <= tables.minimum[here] or tables.size[target] >= tables.maximum[there]:
            tables.place[home], tables.place[target] = there, here
        tables.size[home] -= 1
        tables.size[target] += 1
        weigh(tables, home)
        weigh(tables, target)
    exchange(tables.weights, tables.person, tables.gain, tables.own, tables.inside, slot, other, work.change)
    if masked:
        share(tables, home)
        share(tables, target)
    if masked or tables.loose:
        _prepare(tables, home, work)
    _reach(tables.gain[home], tables.own, work.factors[home], tables.scale, work)


@nb.njit(**INNER, **UNCOUNTED)
def _visit(tables, home, temperature, noise, chance, work):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Look at each member of a group once, and take the best step that chance allows; returns how many were taken, and the chance."""
    weights, person, gain, own, floor, scale = tables.weights, tables.person, tables.gain, tables.own, tables.floor, tables.scale
    here = gain[home]
    groups, nobody, taken, masked, wide = len(tables.size), len(weights) - 1, 0, tables.masks.shape[1] > 0, -1
    _prepare(tables, home, work)
    _reach(here, own, work.factors[home], scale, work)
    for slot in range(home, len(person), groups):
        one = person[slot]
        if one == nobody:
            continue
        chance = chance * MULTIPLIER + STEP
        offset = (chance >> np.uint64(40)) % np.uint64(NOISE)
        other, target, worth, mine = -1, -1, tables.least, work.factors[home]
        least, row = floor[one], weights[one]
        count = _promising(gain, np.uint64(slot), mine * (own[slot] + least), temperature, noise, offset, least, worth, work)
        if count:
            wide = int(np.int64(count) * _MANY >= groups) if wide < 0 else wide
            if masked:
                other, worth = _best_lawful_swap(tables, slot, work, count, worth)
            elif wide:
                other, worth = _best_of_all(row, person, mine, least, scale, home, work, worth)
            else:
                other, worth = _best_swap(row, person, mine, least, work, count, worth)
        if tables.loose:
            target, worth = _best_move(tables, slot, temperature, noise, offset + np.uint64(groups), work, worth)
            other = _free(tables, target) if target >= 0 else other
        if other >= 0:
            _take(tables, slot, other, target >= 0, work)
            taken += 1
    return taken, chance


@nb.njit(**JIT, **UNCOUNTED)
def anneal(tables, work, temperatures, noise, chance, accepted, order):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """One sweep per temperature; ``accepted`` gets the shares of people for whom a step was taken. Returns the state of chance."""
    groups, people = len(tables.size), len(tables.weights) - 1
    for sweep in range(len(temperatures)):
        changed = 0
        for place in range(groups):
            chance = chance * MULTIPLIER + STEP
            swap = place + np.int64((chance >> np.uint64(33)) % np.uint64(groups - place))
            home = order[swap]
            order[swap] = order[place]
            order[place] = home
            taken, chance = _visit(tables, home, np.float32(temperatures[sweep]), noise, chance, work)
            changed += taken
        accepted[sweep] = changed / people
        tables.record[1] += changed
        if tables.record[1] > _REFRESH:
            refresh(tables)
        value = worth_of(tables)
        if value > tables.record[0]:
            tables.record[0] = value
            for slot in range(len(tables.person)):
                tables.best[slot] = tables.person[slot]
            for group in range(groups):
                tables.best_place[group] = tables.place[group]
        if temperatures[sweep] == 0.0 and changed == 0:
            break
    return chance
