"""Guests of whom no two may share a table, and who are more than there are tables: a proof that no seating keeps the rules."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dinnerkit.matching.people.crowd import Crowd
from dinnerkit.matching.rules.default_rules import BlockedApart
from dinnerkit.matching.rules.kinds import HardRule, Rule
from dinnerkit.matching.seating.constraints import Constraints, kinds_of
from dinnerkit.matching.seating.diagnosis import Cause, named, shares
from dinnerkit.matching.solving.state import Ints

_MOST_NAMED = 500
"""More than so many guests at once explain nothing to anybody."""

_MOST_LOOKED_AT = 1000
_STARTS = 20


def shunning(crowd: Crowd, constraints: Constraints, rules: Sequence[Rule], tables: int) -> Cause | None:
    """One guest more than there are tables, of whom no two may share one, and the fewest rules by which that is so; None if none are found.

    They are looked for greedily, so that some may be missed; whom it finds are proof.

    Args:
        crowd: the guests.
        constraints: what the rules ask of them.
        rules: all rules.
        tables: how many tables there can be at most.
    """
    found = _shunning(constraints, tables + 1)
    if found is None:
        return None
    needed = [rule for rule in rules if isinstance(rule, HardRule)]
    # Blocks are done without first, if that will do: what comes of them is kept from most.
    for rule in sorted(needed, key=lambda rule: rule.name != BlockedApart.name):
        others = [other for other in needed if other is not rule]
        without = _shunning(Constraints.of(crowd, others, constraints.low, constraints.high), tables + 1)
        if without is not None:
            needed, found = others, without
    names = [rule.name for rule in needed]
    by = f"the rule{'s' if len(names) > 1 else ''} " + " and ".join(f"'{name}'" for name in names)
    most = f"{tables} table{'s' if tables > 1 else ''}"
    text = f"no two of {named(crowd, found)} may share a table by {by}, and there can't be more than {most}"
    blocks = BlockedApart.name in names
    return Cause(BlockedApart.name if blocks else names[0] if len(names) == 1 else "all", tuple(found.tolist()), text)


def _shunning(constraints: Constraints, wanted: int) -> Ints | None:
    """So many guests of whom no two may share a table, each of another party; None where none are found."""
    if not 1 < wanted <= min(_MOST_NAMED, len(constraints)):
        return None
    masks = replace(constraints, masks=constraints.binding()).unit_masks()
    kinds, kind = kinds_of(masks.reshape(len(masks), math.prod(masks.shape[1:])))
    if len(kinds) > _MOST_LOOKED_AT:
        return None
    strange = ~shares(kinds.reshape(len(kinds), *masks.shape[1:]))
    one, other = constraints.unit[constraints.apart].T
    most_shunned = (strange @ np.bincount(kind))[kind] + np.bincount(np.concatenate([one, other]), minlength=len(masks))
    some = np.flatnonzero(most_shunned >= wanted - 1)
    if not wanted <= len(some) <= _MOST_LOOKED_AT:
        return None
    place = np.full(len(masks), -1)
    place[some] = np.arange(len(some))
    pairs = place[np.stack([one, other])]
    one, other = pairs[:, (pairs >= 0).all(axis=0)]
    shun = strange[np.ix_(kind[some], kind[some])]
    shun[one, other] = shun[other, one] = True
    np.fill_diagonal(shun, val=False)
    found = _among(shun, wanted)
    return None if found is None else np.unique(constraints.unit, return_index=True)[1][some[found]]


def _among(shun: NDArray[np.bool_], wanted: int) -> Ints | None:
    """So many of whom all shun each other: of all, or of one and those whom that one shuns."""
    order = np.argsort(-shun.sum(axis=1), kind="stable")[:_STARTS]
    starts = (np.append(start, np.flatnonzero(shun[start])) for start in order)
    tried = (_thinned(shun, some, wanted) for some in (np.arange(len(shun)), *starts))
    return next((found for found in tried if found is not None), None)


def _thinned(shun: NDArray[np.bool_], some: Ints, wanted: int) -> Ints | None:
    """The same of some: who shuns the fewest of those who are left goes, until all who are left shun each other."""
    count = shun[np.ix_(some, some)].sum(axis=1)
    while len(some) >= wanted:
        least = int(np.argmin(count))
        if count[least] == len(some) - 1:
            return np.sort(some[:wanted])
        count = np.delete(count - shun[some, some[least]], least)
        some = np.delete(some, least)
    return None
