"""The compiled code of :mod:`dinnerkit.matching.solving.slots`: what each step needs, from the sums kept for every group and person."""

from __future__ import annotations

from typing import NamedTuple

import numba as nb
import numpy as np
from numpy.typing import NDArray

from dinnerkit.matching.solving.annealing import NOISE
from dinnerkit.matching.solving.kernels import INNER, JIT, MULTIPLIER, STEP, meets
from dinnerkit.matching.solving.state import Floats, Ints, Words

Singles = NDArray[np.float32]
Places = NDArray[np.int32]

_REFRESH = 100_000
"""Steps after which the sums are made anew: in single precision they drift by some 1e-7 of their size with each step."""


class Tables(NamedTuple):
    """What the compiled code works on; ``nobody`` is the number of people.

    Attributes:
        weights: (people + 1, people + 1), the last row and column, nobody's, are zero.
        floor: (people,), the least weight that each has, pairs kept apart aside.
        factor: what a group's sum is multiplied by, given its size.
        minimum: (groups,), the fewest people of each.
        maximum: (groups,), the most.
        masks: (people + 1, families, words).
        breach: what a group without a common bit costs.
        least: what a step must be worth to be taken; less is the rounding of single precision.
        loose: whether sizes can change.
        person: (slots,), who is there, or nobody.
        gain: (groups, slots), the sum of the weights between who is there and all of a group.
        own: (slots,), the same with their own group; huge where nobody is.
        inside: (groups,), the sum of the weights inside each.
        size: (groups,), people in each.
        rest: (people, families, words), what the others of one's group have in common.
        common: (groups, families, words), what all of a group have in common.
        broken: (groups,), 1 where some family has no bit in common.
        best: (slots,), who was where when the groups were worth the most at the end of a sweep.
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
    inside: Floats
    size: Ints
    rest: Words
    common: Words
    broken: Ints
    best: Places
    record: Floats


class Work(NamedTuple):
    """What is worked out for a group and one of its members, by group but for the last.

    Attributes:
        factors: what each group's sum is multiplied by.
        reach: what its members would gain by coming home, the most of them.
        going: what going to it gives, less what the weights between the two of a swap cost at least.
        bound: a bound on what a swap with any of its members gives.
        slack: what mending it and home would give, where they are broken.
        change: (slots,), how gains change in a step.
    """

    factors: Singles
    reach: Singles
    going: Singles
    bound: Singles
    slack: Singles
    change: Singles


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


@nb.njit(**JIT)
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
        _settle(tables, group)
    tables.record[1] = 0.0


@nb.njit(**INNER)
def _own(person, gain, own, group, groups, nobody):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Copy the gains of one group's members from its row; returns their sum."""
    total, slot = 0.0, group
    while slot < len(person):
        if person[slot] == nobody:
            own[slot] = np.float32(1e30)
        else:
            own[slot] = gain[slot]
            total += own[slot]
        slot += groups
    return total


@nb.njit(**INNER)
def _settle(tables, group):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Bring what is known of one group's members up to its row of gains."""
    tables.inside[group] = 0.5 * _own(tables.person, tables.gain[group], tables.own, group, len(tables.size), len(tables.weights) - 1)
    if tables.masks.shape[1]:
        _share(tables, group)


@nb.njit(**INNER)
def _share(tables, group):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
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


@nb.njit(**JIT)
def worth_of(tables):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """What all groups are worth as they are."""
    total = 0.0
    for group in range(len(tables.size)):
        total += tables.factor[tables.size[group]] * tables.inside[group] - tables.breach * tables.broken[group]
    return total


@nb.njit(**INNER)
def _shift(leaving, coming, person, here, there, change):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Bring the gains of two groups up to a person with some weights leaving the first for the second, and another coming."""
    for slot in range(len(person)):
        change[slot] = coming[person[slot]] - leaving[person[slot]]
    for slot in range(len(person)):
        here[slot] += change[slot]
        there[slot] -= change[slot]


@nb.njit(**INNER)
def _trade(gain, person, slot, other):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Have two slots change who is there; the gains go with them."""
    for group in range(len(gain)):
        here = gain[group, slot]
        gain[group, slot] = gain[group, other]
        gain[group, other] = here
    here_person = person[slot]
    person[slot] = person[other]
    person[other] = here_person


@nb.njit(**INNER)
def _exchange(weights, person, gain, own, inside, slot, other, change):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Have two slots of different groups change who is there; nobody may be there."""
    groups, nobody = len(inside), len(weights) - 1
    home, target = slot % groups, other % groups
    here, there = gain[home], gain[target]
    _shift(weights[person[slot]], weights[person[other]], person, here, there, change)
    _trade(gain, person, slot, other)
    inside[home] = 0.5 * _own(person, here, own, home, groups, nobody)
    inside[target] = 0.5 * _own(person, there, own, target, groups, nobody)


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
def _visit(tables, home, temperature, noise, chance, work):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Look at each member of a group once, and take the best step that chance allows; returns how many were taken, and the chance."""
    weights, person, gain, own, floor = tables.weights, tables.person, tables.gain, tables.own, tables.floor
    factors, reach, going, bound, slack = work.factors, work.reach, work.going, work.bound, work.slack
    groups, nobody, taken, masked, loose = len(tables.size), len(weights) - 1, 0, tables.masks.shape[1] > 0, tables.loose
    least, here, inside, change = tables.least, gain[home], tables.inside, work.change
    _prepare(tables, home, work)
    _reach(here, own, factors[home], factors, reach)
    for slot in range(home, len(person), groups):
        one = person[slot]
        if one == nobody:
            continue
        chance = chance * MULTIPLIER + STEP
        offset = np.int64((chance >> np.uint64(40)) % np.uint64(NOISE))
        other, worth, mine = -1, least, factors[home]
        _prospects(gain, slot, mine * own[slot], temperature, noise, offset, factors, mine, floor[one], going)
        if _bounds(going, reach, slack, bound) > worth:
            if masked:
                other, worth = _best_lawful_swap(tables, slot, work, worth)
            else:
                other, worth = _best_swap(weights[one], person, here, own, home, floor[one], factors, going, bound, worth)
        if loose and tables.size[home] > tables.minimum[home]:
            target, worth = _best_move(tables, slot, temperature, noise, offset + groups, worth)
            if target >= 0:
                other = _free(tables, target)
                tables.size[home] -= 1
                tables.size[target] += 1
        if other >= 0:
            _exchange(weights, person, gain, own, inside, slot, other, change)
            if masked:
                _share(tables, home)
                _share(tables, other % groups)
            if masked or loose:
                _prepare(tables, home, work)
            _reach(here, own, factors[home], factors, reach)
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
