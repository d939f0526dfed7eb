"""The matrix of one block, made from columns by compiled code; importing this imports numba."""

from __future__ import annotations

import numba as nb
import numpy as np

from dinnerkit.matching.solving.kernels import INNER, UNCOUNTED

_EXACT = INNER | {"fastmath": {"contract", "nsz", "reassoc", "arcp"}}
"""For what meets NaN: it must be told from numbers."""

_BREACH_STEPS = np.float32(8.0)
"""What keeping two apart is worth, as a multiple of the most that one step can gain."""


@nb.njit(**_EXACT, **UNCOUNTED)
def _lines(columns, row, local, weights):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Add what the lines say of one person and all."""
    count = local.shape[1]
    target = weights[row]
    for line in range(len(local)):
        equal, slope, unset = columns.line_worth[line, 0], columns.line_worth[line, 1], columns.line_worth[line, 2]
        values, here = local[line], local[line, row]
        if here == here:  # noqa: PLR0124
            for other in range(count):
                apart = abs(here - values[other])
                worth = equal + slope * min(apart, np.float32(1.0))
                target[other] += worth if values[other] == values[other] else unset
        else:
            for other in range(count):
                target[other] += unset


@nb.njit(**INNER, **UNCOUNTED)
def _shared(columns, people, row, weights):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Add what tables of kinds and things in common say of one person and all."""
    count, one = len(people), people[row]
    for kind in range(len(columns.codes)):
        codes = columns.codes[kind]
        table = columns.tables[kind, codes[one]]
        for other in range(count):
            weights[row, other] += table[codes[people[other]]]
    for number in range(len(columns.spans)):
        begin, end, enough = columns.spans[number, 0], columns.spans[number, 1], columns.spans[number, 2]
        each, unset, told = columns.set_worth[number, 0], columns.set_worth[number, 1], columns.told[number]
        for other in range(count):
            bits = 0
            for word in range(begin, end):
                left = columns.words[word, one] & columns.words[word, people[other]]
                while left:
                    left &= left - np.uint64(1)
                    bits += 1
            weights[row, other] += each * min(bits, enough) if told[one] and told[people[other]] else unset


@nb.njit(**_EXACT, **UNCOUNTED)
def _measured(weights, people):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """The spread of what pairs are worth, and the largest worth."""
    total, squares, largest = np.float64(0.0), np.float64(0.0), np.float32(1e-6)
    for row in range(people):
        added, power, most = np.float32(0.0), np.float32(0.0), np.float32(0.0)
        for other in range(people):
            worth = weights[row, other]
            added += worth
            power += worth * worth
            most = max(most, abs(worth))
        total, squares, largest = total + added, squares + power, max(largest, most)
    pairs = max(1, people * (people - 1))
    return np.float32(np.sqrt(max(0.0, squares / pairs - (total / pairs) ** 2))), largest


@nb.njit(**_EXACT, **UNCOUNTED)
def _linked(weights, people, first, others, worths, fine, begin, spot):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """Add what links within the block are worth, or the fine where they have no worth of their own."""
    count = len(people)
    for row in range(count):
        one = people[row]
        for link in range(first[one], first[one + 1]):
            other = spot[others[link]] - begin
            if 0 <= other < count:
                weights[row, other] += worths[link] if len(worths) else fine


@nb.njit(**_EXACT)
def fill(columns, rules, people, begin, spot, weights):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """Make the matrix; returns the spread of what is in it, and the fine for those kept apart.

    Args:
        columns: what people are worth to each other.
        rules: see :class:`dinnerkit.matching.solving.batches.Rules`.
        people: who is in the block.
        begin: the place of the first of them in the order of all.
        spot: the place of everybody in that order.
        weights: room for the matrix.
    """
    count, lines = len(people), len(columns.lines)
    local = np.empty((lines, count), np.float32)
    for line in range(lines):
        for row in range(count):
            local[line, row] = columns.lines[line, people[row]]
    for row in range(count):
        for other in range(count):
            weights[row, other] = columns.base
        _lines(columns, row, local, weights)
        if len(columns.codes) or len(columns.spans):
            _shared(columns, people, row, weights)
        weights[row, row] = 0.0
    if len(columns.others):
        _linked(weights, people, columns.first, columns.others, columns.link_worth, np.float32(0.0), begin, spot)
    spread, largest = _measured(weights, count)
    fine = np.float32(0.0)
    for group in range(len(rules.factor)):
        fine = max(fine, _BREACH_STEPS * largest * np.float32(group))
    if len(rules.first):
        _linked(weights, people, rules.first, rules.apart, rules.factor[:0], -fine, begin, spot)
    return spread, fine
