"""The compiled code of :mod:`dinnerkit.matching.solving.slots`: looking for the best step of each person, and taking it."""

from __future__ import annotations

from typing import NamedTuple

import numba as nb
import numpy as np

from dinnerkit.matching.solving.annealing import NOISE
from dinnerkit.matching.solving.kernels import INNER, JIT, MULTIPLIER, STEP, meets
from dinnerkit.matching.solving.slot_sums import Singles, exchange, refresh, share, worth_of

_REFRESH = 100_000
"""Steps after which the sums are made anew: in single precision they drift by some 1e-7 of their size with each step."""

_MANY = 2
"""Where one in so many groups may hold a swap, everybody is looked at, otherwise these groups; the first of a group's members decides."""


class Work(NamedTuple):
    """What is worked out for a group and one of its members, by group but for the last.

    Attributes:
        factors: what each group's sum is multiplied by.
        reach: what its members would gain by coming home, the most of them.
        going: what going to it gives, less what the weights between the two of a swap cost at least.
        bound: a bound on what a swap with any of its members gives.
        slack: what mending it and home would give, where they are broken.
        change: (slots,), how gains change in a step, or what a swap with who is there gives.
    """

    factors: Singles
    reach: Singles
    going: Singles
    bound: Singles
    slack: Singles
    change: Singles


@nb.njit(**INNER)
def _reach(gain, own, mine, factors, reach):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """For each group, the most that any of its members would gain by coming to the group whose gains these are."""
    groups = len(reach)
    for group in range(groups):
        reach[group] = np.float32(-1e30)
    first = 0
    while first < len(own):
        for group in range(groups):
            worth = mine * gain[first + group] - factors[group] * own[first + group]
            reach[group] = worth if worth > reach[group] else reach[group]
        first += groups


@nb.njit(**INNER)
def _prospects(gain, slot, lost, temperature, noise, offset, factors, mine, least, going):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """What going to each group gives a person, chance and the least weights that a swap may cost included."""
    for group in range(len(going)):
        theirs = factors[group]
        going[group] = theirs * gain[group, slot] - lost + temperature * noise[offset + group] - (mine + theirs) * least


@nb.njit(**INNER)
def _bounds(going, reach, slack, bound):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """A bound on what a swap with any of each group gives; the largest."""
    best = np.float32(-1e30)
    for group in range(len(going)):
        worth = going[group] + reach[group] + slack[group]
        bound[group] = worth
        best = worth if worth > best else best
    return best


@nb.njit(**INNER)
def _best_swap(row, person, gain, own, home, least, factors, going, bound, worth):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """The slot with which a swap is worth the most, -1 if none is worth more than this, and its worth."""
    groups, nobody, best = len(going), len(row) - 1, -1
    mine = factors[home]
    for target in range(groups):
        if bound[target] <= worth or target == home:
            continue
        theirs = factors[target]
        both = mine + theirs
        here = going[target] + both * least
        other = target
        while other < len(person):
            gained = here + mine * gain[other] - theirs * own[other] - both * row[person[other]]
            if gained > worth and person[other] != nobody:
                best, worth = other, gained
            other += groups
    return best, worth


@nb.njit(**INNER)
def _best_of_all(row, person, gain, own, home, least, factors, going, worth, gained):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """The same, looking at everybody: quicker where the bounds exclude few groups."""
    groups, nobody, best, mine, first = len(going), len(row) - 1, -1, factors[home], 0
    for slot in range(len(person)):
        gained[slot] = row[person[slot]]
    going[home] = np.float32(-1e30)
    while first < len(person):
        for target in range(groups):
            slot = first + target
            theirs = factors[target]
            value = going[target] + mine * gain[slot] - theirs * own[slot] - (mine + theirs) * (gained[slot] - least)
            if value > worth and person[slot] != nobody:
                best, worth = slot, value
        first += groups
    return best, worth


@nb.njit(**INNER)
def _many(bound, worth):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Whether so many groups may hold a swap worth more than this that it is quicker to look at everybody."""
    passing = 0
    for group in range(len(bound)):
        passing += bound[group] > worth
    return int(passing * _MANY >= len(bound))


@nb.njit(**INNER)
def _breaks(tables, one, other, home, target):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """How many more groups a swap leaves without a common bit."""
    breaks = -tables.broken[home] - tables.broken[target]
    if not meets(tables.rest[one], tables.masks[other]):
        breaks += 1
    if not meets(tables.rest[other], tables.masks[one]):
        breaks += 1
    return breaks


@nb.njit(**INNER)
def _best_lawful_swap(tables, slot, work, worth):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """The same where the members of a group must have bits in common."""
    groups, nobody = len(tables.size), len(tables.weights) - 1
    home, one, best = slot % groups, tables.person[slot], -1
    mine, gain, row, person, own = work.factors[home], tables.gain[home], tables.weights[one], tables.person, tables.own
    for target in range(groups):
        if work.bound[target] <= worth or target == home:
            continue
        theirs, slack = work.factors[target], work.slack[target]
        both = mine + theirs
        here = work.going[target] + both * tables.floor[one]
        for other in range(target, len(person), groups):
            gained = here + mine * gain[other] - theirs * own[other] - both * row[person[other]]
            if gained + slack > worth and person[other] != nobody:
                gained -= tables.breach * _breaks(tables, one, person[other], home, target)
                if gained > worth:
                    best, worth = other, gained
    return best, worth


@nb.njit(**INNER)
def _best_move(tables, slot, temperature, noise, offset, least):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """The group to which a move is worth the most, -1 if none is worth more than the least, and its worth."""
    groups = len(tables.size)
    home, one = slot % groups, tables.person[slot]
    best, best_worth, here = -1, least, tables.size[home]
    if here <= tables.minimum[home]:
        return best, best_worth
    left = tables.factor[here - 1] * (tables.inside[home] - tables.own[slot]) - tables.factor[here] * tables.inside[home]
    for target in range(groups):
        there = tables.size[target]
        if target == home or there >= tables.maximum[target]:
            continue
        worth = tables.factor[there + 1] * (tables.inside[target] + tables.gain[target, slot])
        worth += left + temperature * noise[offset + target] - tables.factor[there] * tables.inside[target]
        if tables.masks.shape[1]:
            breaks = -tables.broken[home] - tables.broken[target]
            if not meets(tables.rest[one], tables.rest[one]):
                breaks += 1
            if not meets(tables.common[target], tables.masks[one]):
                breaks += 1
            worth -= tables.breach * breaks
        if worth > best_worth:
            best, best_worth = target, np.float32(worth)
    return best, best_worth


@nb.njit(**INNER)
def _free(tables, group):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """A slot of the group in which nobody is."""
    slot = group
    while tables.person[slot] != len(tables.weights) - 1:
        slot += len(tables.size)
    return slot


@nb.njit(**INNER)
def _prepare(tables, home, work):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """What all members of a group need to know of the others, apart from their gains."""
    for group in range(len(tables.size)):
        work.factors[group] = tables.factor[tables.size[group]]
        work.slack[group] = tables.breach * (tables.broken[group] + tables.broken[home])


@nb.njit(**INNER)
def _take(tables, slot, other, moving, work):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Take a step: a swap, or a move to where nobody is."""
    groups, masked = len(tables.size), tables.masks.shape[1] > 0
    home, target = slot % groups, other % groups
    if moving:
        tables.size[home] -= 1
        tables.size[target] += 1
    exchange(tables.weights, tables.person, tables.gain, tables.own, tables.inside, slot, other, work.change)
    if masked:
        share(tables, home)
        share(tables, target)
    if masked or tables.loose:
        _prepare(tables, home, work)
    _reach(tables.gain[home], tables.own, work.factors[home], work.factors, work.reach)


@nb.njit(**INNER)
def _visit(tables, home, temperature, noise, chance, work):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Look at each member of a group once, and take the best step that chance allows; returns how many were taken, and the chance."""
    weights, person, gain, own, floor = tables.weights, tables.person, tables.gain, tables.own, tables.floor
    factors, going, bound, here, change = work.factors, work.going, work.bound, gain[home], work.change
    groups, nobody, taken, masked, wide = len(tables.size), len(weights) - 1, 0, tables.masks.shape[1] > 0, -1
    _prepare(tables, home, work)
    _reach(here, own, factors[home], factors, work.reach)
    for slot in range(home, len(person), groups):
        one = person[slot]
        if one == nobody:
            continue
        chance = chance * MULTIPLIER + STEP
        offset = np.int64((chance >> np.uint64(40)) % np.uint64(NOISE))
        other, target, worth, mine = -1, -1, tables.least, factors[home]
        _prospects(gain, slot, mine * own[slot], temperature, noise, offset, factors, mine, floor[one], going)
        if _bounds(going, work.reach, work.slack, bound) > worth:
            wide = _many(bound, worth) if wide < 0 else wide
            if masked:
                other, worth = _best_lawful_swap(tables, slot, work, worth)
            elif wide:
                other, worth = _best_of_all(weights[one], person, here, own, home, floor[one], factors, going, worth, change)
            else:
                other, worth = _best_swap(weights[one], person, here, own, home, floor[one], factors, going, bound, worth)
        if tables.loose:
            target, worth = _best_move(tables, slot, temperature, noise, offset + groups, worth)
            other = _free(tables, target) if target >= 0 else other
        if other >= 0:
            _take(tables, slot, other, target >= 0, work)
            taken += 1
    return taken, chance


@nb.njit(**JIT)
def anneal(tables, work, temperatures, noise, chance, accepted):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """One sweep per temperature; ``accepted`` gets the shares of people for whom a step was taken. Returns the state of chance."""
    groups, people = len(tables.size), len(tables.weights) - 1
    order = np.arange(groups)
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
            tables.best[:] = tables.person
        if temperatures[sweep] == 0.0 and changed == 0:
            break
    return chance
