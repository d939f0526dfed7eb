"""Hard rules about whom a table can take: ages, diets, and when people met."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from dinnerkit.matching.arguments import shown, typed_fields
from dinnerkit.matching.errors import RuleInvalid
from dinnerkit.matching.people.crowd import Crowd, Links
from dinnerkit.matching.rules.kinds import Keep

_WORD = 64


@dataclass(frozen=True, slots=True)
class DietsServed:
    """Nobody sits where they can't be served; see :class:`dinnerkit.matching.VenueTable` for tables that differ in it.

    Args:
        served: the diets that every table serves of which nothing else is said, such as ``{"vegan"}``; None is all there are.
    """

    served: frozenset[str] | None = None
    name: ClassVar[str] = "diets_served"

    def __post_init__(self) -> None:
        check_diets(self.served)

    def keep(self, crowd: Crowd) -> Keep:
        """Nothing among guests: it is between a guest and a table."""
        return Keep()


@typed_fields
@dataclass(frozen=True, slots=True)
class AgeRange:
    """The ages at a table span at most so many years; one who has told none fits any table. The hard form of :class:`CloseInAge`."""

    years: float
    name: ClassVar[str] = "age_range"

    def __post_init__(self) -> None:
        if not (math.isfinite(self.years) and self.years >= 0):
            raise RuleInvalid(f"the years of age_range must be a number from 0 on, not {self.years}")

    def keep(self, crowd: Crowd) -> Keep:
        """A bit for each span of ages that begins at somebody's age and does not lie within another."""
        ages = np.unique(crowd.age[~np.isnan(crowd.age)])
        ends = np.searchsorted(ages, ages + np.float32(self.years), side="right")
        first = ages[np.diff(ends, prepend=0) > 0]
        fits = np.isnan(crowd.age)[:, None] | ((crowd.age[:, None] >= first) & (crowd.age[:, None] <= first + np.float32(self.years)))
        words = np.zeros((len(crowd), max(1, -(-len(first) // _WORD))), np.uint64)
        words[np.isnan(crowd.age)] = ~np.uint64(0)
        for span, fit in enumerate(fits.T):
            words[fit, span // _WORD] |= np.uint64(1 << (span % _WORD))
        near = f"has an age within {self.years:g} years of"
        return Keep(share=words, lacking=near, sharing=near, told=np.asarray(~np.isnan(crowd.age)))


@typed_fields
@dataclass(frozen=True, slots=True)
class NotMetWithin:
    """Nobody sits with someone they met within so many dinners, by :attr:`Guest.met_ago`; the hard form of :class:`NotMetLately`.

    Whom a guest has met without saying when counts as met long ago; :class:`NeverMet` keeps those apart too.
    """

    dinners: int
    name: ClassVar[str] = "not_met_within"

    def __post_init__(self) -> None:
        if self.dinners < 1:
            raise RuleInvalid(f"the dinners of not_met_within must be at least 1, not {self.dinners}")

    def keep(self, crowd: Crowd) -> Keep:
        """Pairs who met lately at different tables."""
        return Keep(apart=met_within(crowd, self.dinners))


def check_diets(diets: Iterable[str] | None) -> None:
    """Refuse what is no set of texts, such as one text: its letters are no diets.

    Raises:
        RuleInvalid: it is none.
    """
    if diets is None:
        return
    if isinstance(diets, str) or not isinstance(diets, Iterable) or not all(isinstance(diet, str) for diet in diets):
        raise RuleInvalid(f"the diets must be a set of texts, such as {{'vegan'}}, not {shown(diets)}")


def met_within(crowd: Crowd, dinners: int) -> Links:
    """Who met whom within so many dinners."""
    rows = crowd.particulars.met_ago
    return Links.of(rows[rows[:, 2] <= dinners, :2], len(crowd))
