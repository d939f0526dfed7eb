"""Why guests can't be seated, as briefly as it can be said."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dinnerkit.matching.people.crowd import Crowd
from dinnerkit.matching.seating.constraints import Constraints, kinds_of
from dinnerkit.matching.solving.pairs import distinct
from dinnerkit.matching.solving.state import Ints, Words

_NAMED = 7
_MOST_TYPES = 2000
_PLURAL = {"shares": "share", "has": "have", "needs": "need"}


@dataclass(frozen=True, slots=True)
class Cause:
    """One reason for which a rule can't be met, for the host.

    Attributes:
        rule: the rule's name; ``"table_size"`` for the size of tables.
        guests: the places in the crowd of those concerned.
        text: a phrase that names them by id.
    """

    rule: str
    guests: tuple[int, ...]
    text: str


def hopeless(crowd: Crowd, constraints: Constraints) -> list[Cause]:
    """Guests who can't sit at any table, whatever the others do: too large or contradictory parties, and the incompatible."""
    causes: list[Cause] = []
    lost: set[int] = set()
    for members in constraints.together():
        cause = _party(crowd, constraints, members)
        if cause:
            causes.append(cause)
            lost.update(cause.guests)
    return causes + _lonely(crowd, constraints, lost)


def shortfall(crowd: Crowd, constraints: Constraints) -> Cause | None:
    """Why the numbers don't come out: too few or too many for whole tables, in all or of those who fit only each other."""
    size = _size(constraints)
    if not constraints.divisible(len(constraints)):
        everybody = tuple(range(len(constraints)))
        return Cause("table_size", everybody, f"{count(len(constraints))} can't be divided into tables of {size}")
    for number, family in enumerate(constraints.families):
        for island in _islands(constraints.unit, constraints.masks[:, number : number + 1]):
            if not constraints.divisible(len(island)):
                text = (
                    f"{named(crowd, island)} {in_number(family.sharing, len(island))} nobody but each other, "
                    f"and {count(len(island))} can't be divided into tables of {size}"
                )
                return Cause(family.rule, tuple(int(one) for one in island), text)
    return None


def named(crowd: Crowd, guests: Iterable[int]) -> str:
    """Guests by their ids: ``guests 'a', 'b' and 3 more``."""
    ids = [crowd.ids[one] for one in guests]
    shown = ", ".join(f"'{name}'" for name in ids[:_NAMED])
    more = f" and {len(ids) - _NAMED} more" if len(ids) > _NAMED else ""
    return f"guest{'s' if len(ids) != 1 else ''} {shown}{more}"


def _party(crowd: Crowd, constraints: Constraints, members: Ints) -> Cause | None:
    guests = tuple(int(one) for one in members)
    name = crowd.party_names[crowd.party[members[0]]]
    came_together = name is not None and bool((crowd.party[members] == crowd.party[members[0]]).all())
    party = f"party '{name}' of {len(guests)}" if came_together else f"the locked company of {len(guests)} ({named(crowd, guests)})"
    if len(guests) > constraints.high:
        return Cause("party" if came_together else "locked", guests, f"{party} is larger than a table of at most {constraints.high}")
    for number, family in enumerate(constraints.families):
        if not np.bitwise_and.reduce(constraints.masks[members, number], axis=0).any():
            what = "language" if family.rule == "common_language" else family.rule.replace("_", " ")
            return Cause(family.rule, guests, f"{party} does not fit one table by its own members' {what}")
    if (constraints.unit[constraints.apart] == constraints.unit[members[0]]).all(axis=1).any():
        return Cause(constraints.apart_by, guests, f"{party} has members who can't be seated together")
    return None


def _lonely(crowd: Crowd, constraints: Constraints, lost: set[int]) -> list[Cause]:
    """Units with too few others whom they could sit with."""
    sizes = np.bincount(constraints.unit)
    masks = constraints.unit_masks()
    kinds, kind = kinds_of(masks.reshape(len(sizes), math.prod(masks.shape[1:])))
    if not len(sizes) or len(kinds) > _MOST_TYPES:
        return []
    heads = np.bincount(kind, weights=sizes).astype(np.int64)
    shaped = kinds.reshape(len(kinds), *masks.shape[1:])
    fits = [shares(shaped[:, number : number + 1]) for number in range(masks.shape[1])]
    fits_all = np.logical_and.reduce(fits) if fits else np.ones((len(kinds), len(kinds)), np.bool_)
    shunned = _shunned(constraints, sizes, fits_all, kind)
    possible = (fits_all @ heads)[kind] - sizes - shunned
    alike: dict[tuple[_TooFew, int], list[int]] = {}
    for unit in np.flatnonzero((possible < constraints.low - sizes) & (sizes <= constraints.high)):
        members = np.flatnonzero(constraints.unit == unit)
        if lost.intersection(members.tolist()):
            continue
        in_family = [int((fit @ heads)[kind[unit]] - sizes[unit]) for fit in fits]
        found = _too_few(constraints, len(members), in_family, int(possible[unit]), kept_from_some=bool(shunned[unit]))
        party = int(unit) if len(members) > 1 else -1
        alike.setdefault((found, party), []).extend(members.tolist())
    return [found.cause(crowd, guests, each=party < 0 and len(guests) > 1) for (found, party), guests in alike.items()]


def _shunned(constraints: Constraints, sizes: Ints, fits_all: NDArray[np.bool_], kind: Ints) -> Ints:
    """(units,): how many people each unit is kept apart from, of those with whom it could sit otherwise."""
    one, other = constraints.unit[constraints.apart].T
    keys = np.concatenate([one * len(sizes) + other, other * len(sizes) + one])
    if len(sizes) < len(constraints):
        keys = distinct(keys)
    one, other = np.divmod(keys, len(sizes))
    counted = fits_all[kind[one], kind[other]] & (one != other)
    return np.bincount(one[counted], weights=sizes[other[counted]], minlength=len(sizes)).astype(np.int64)


@dataclass(frozen=True, slots=True)
class _TooFew:
    """What somebody lacks who has too few to sit with: the rule, and what is said of one guest.

    Attributes:
        rule: the rule's name.
        phrase: what is said, after the guest's name.
        opening: what is said before it.
        some: whether the phrase counts others, who may be others for each guest.
    """

    rule: str
    phrase: str
    opening: str = ""
    some: bool = False

    def cause(self, crowd: Crowd, guests: Sequence[int], *, each: bool = False) -> Cause:
        """That all of them lack it, together or each by themselves."""
        apart = " each" if each and self.some else ""
        return Cause(self.rule, tuple(guests), f"{self.opening}{named(crowd, guests)}{apart} {in_number(self.phrase, len(guests))}")


def _too_few(constraints: Constraints, guests: int, in_family: list[int], possible: int, *, kept_from_some: bool) -> _TooFew:
    wanted = constraints.low - guests
    for family, others in zip(constraints.families, in_family, strict=True):
        if others == 0:
            return _TooFew(family.rule, f"{family.lacking} {_nobody(family.lacking)}")
        if others < wanted:
            counted = f"only {others} other{'s' if others > 1 else ''}"
            return _TooFew(family.rule, f"{family.sharing} {counted}, and a table needs {wanted}", some=True)
    others_text = f"only {possible} other{'s' if possible != 1 else ''}" if possible else "nobody"
    text = f"can sit with {others_text}, and a table of at least {constraints.low} needs {wanted}"
    # The number tells of those whom they are kept from, so that it must not be told where these must not.
    return _TooFew(constraints.apart_by if kept_from_some else "all", text, "by all rules together ", some=possible > 0)


def shares(masks: Words) -> NDArray[np.bool_]:
    """(n, n): whether two have a bit in common in every family."""
    both = np.ones((len(masks), len(masks)), np.bool_)
    for family in range(masks.shape[1]):
        some = np.zeros_like(both)
        for word in range(masks.shape[2]):
            column = masks[:, family, word]
            some |= (column[:, None] & column[None, :]) != 0
        both &= some
    return both


def _islands(unit: Ints, masks: Words) -> list[Ints]:
    """The guests, cut up so that nobody shares a bit, or a party, with anyone of another part."""
    flat = masks.reshape(len(masks), -1)
    parts: list[tuple[NDArray[np.uint64], NDArray[np.bool_]]] = []
    kinds, kind = kinds_of(flat)
    for number, bits in enumerate(kinds):
        joined, members = bits.copy(), kind == number
        apart = []
        for other_bits, others in parts:
            if (other_bits & joined).any() or np.intersect1d(unit[others], unit[members]).size:
                joined |= other_bits
                members = members | others
            else:
                apart.append((other_bits, others))
        parts = [*apart, (joined, members)]
    return [np.flatnonzero(members) for _, members in parts]


def in_number(phrase: str, guests: int) -> str:
    """The phrase in the number of its subject: ``shares`` of one guest, ``share`` of several."""
    if guests == 1:
        return phrase
    verb, _, rest = phrase.partition(" ")
    return f"{_PLURAL.get(verb, verb)} {rest}"


def _nobody(lacking: str) -> str:
    return "anyone" if " no " in lacking else "nobody else"


def _size(constraints: Constraints) -> str:
    return str(constraints.low) if constraints.low == constraints.high else f"{constraints.low}–{constraints.high}"


def count(guests: int) -> str:
    """So many guests, in words: ``1 guest``."""
    return f"{guests} guest{'s' if guests != 1 else ''}"
