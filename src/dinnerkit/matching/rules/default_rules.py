"""The rules of seating, as small values that compose: hard ones that every table keeps, soft ones that earn points.

A table's score is 0–100: the mean over its pairs of guests of what the soft rules give the pair, each rule's weight being
its share of the 100. A rule is *in play* if it can tell guests apart; the weights of the others are shared out among those
in play, so that what nobody has told about themselves takes nothing from the scale. A guest who has left an attribute
unset earns half of what the rule gives: neither for nor against.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from dinnerkit.matching.arguments import shown, typed_fields
from dinnerkit.matching.errors import RuleInvalid
from dinnerkit.matching.people.crowd import Crowd
from dinnerkit.matching.people.items import TRAITS, TraitName
from dinnerkit.matching.rules.kinds import UNSET_SCORE, HardRule, Index, Keep, Rule, Scores, SoftRule, check_weight
from dinnerkit.matching.rules.venue_rules import DietsServed

__all__ = [
    "DEFAULT_RULES",
    "BlockedApart",
    "CloseInAge",
    "CommonLanguage",
    "HardRule",
    "Keep",
    "MixedTrait",
    "NearBudget",
    "NeverMet",
    "NotMetBefore",
    "PartiesTogether",
    "Rule",
    "SharedInterests",
    "SimilarTrait",
    "SoftRule",
]

_HIGH, _MEDIUM = 0.66, 0.45

_MOST_ENOUGH = 255
"""Interests in common are counted in a byte."""


@dataclass(frozen=True, slots=True)
class PartiesTogether:
    """Those who came together sit together."""

    name: ClassVar[str] = "party"

    def keep(self, crowd: Crowd) -> Keep:
        """Each party at one table."""
        return Keep(together=crowd.party)


@dataclass(frozen=True, slots=True)
class BlockedApart:
    """Nobody sits with someone who blocked them, or whom they blocked."""

    name: ClassVar[str] = "apart"

    def keep(self, crowd: Crowd) -> Keep:
        """Blocked pairs at different tables."""
        return Keep(apart=crowd.blocked)


@dataclass(frozen=True, slots=True)
class CommonLanguage:
    """Each table has a language that all of its guests speak; one who has stated none fits any table."""

    name: ClassVar[str] = "common_language"

    def keep(self, crowd: Crowd) -> Keep:
        """A bit per language."""
        told = np.asarray(~np.all(crowd.languages == ~np.uint64(0), axis=1))
        return Keep(share=crowd.languages, lacking="shares no language with", sharing="shares a language with", told=told)


@dataclass(frozen=True, slots=True)
class NearBudget:
    """The budgets at a table are at most one step apart: low and high never meet; one who has stated none fits any table."""

    name: ClassVar[str] = "budget"

    def keep(self, crowd: Crowd) -> Keep:
        """Two bits: a table of low and medium, and one of medium and high."""
        bits = np.array([0b11, 0b01, 0b11, 0b10], np.uint64)[crowd.budget]
        return Keep(share=bits[:, None], lacking="has a budget near that of", sharing="has a budget near that of", told=crowd.budget > 0)


@dataclass(frozen=True, slots=True)
class NeverMet:
    """Nobody sits with someone they met at an earlier dinner: the hard form of :class:`NotMetBefore`."""

    name: ClassVar[str] = "never_met"

    def keep(self, crowd: Crowd) -> Keep:
        """Pairs who met at different tables."""
        return Keep(apart=crowd.met)


@dataclass(frozen=True, slots=True)
class _OfTrait:
    """What rules about one trait have in common; ``prefix`` is what their names begin with."""

    trait: TraitName
    weight: float = 20.0
    width: float = 0.5
    prefix: ClassVar[str]

    def __post_init__(self) -> None:
        _check_trait(self.trait)
        _check_weight(self.name, self.weight, self.width)

    @property
    def name(self) -> str:
        """What the rule does with the trait, and the trait."""
        return f"{self.prefix}_{self.trait}"

    def in_play(self, crowd: Crowd) -> bool:
        """Whether two guests differ in the trait."""
        return _differs(_trait(crowd, self.trait))


@typed_fields
@dataclass(frozen=True, slots=True)
class SimilarTrait(_OfTrait):
    """Guests with much the same of a trait: 1 for equal values, 0 from a difference of ``width`` on.

    Args:
        trait: one of the Big Five.
        weight: against the other soft rules.
        width: the difference, 0–1, from which on it earns nothing.
    """

    prefix: ClassVar[str] = "similar"

    def score(self, crowd: Crowd, one: Index, other: Index) -> Scores:
        """Falls with the difference."""
        return _nearness(_trait(crowd, self.trait), one, other, self.width)

    def axes(self, crowd: Crowd) -> Scores:
        """The trait itself."""
        return _axis(_trait(crowd, self.trait), self.weight / self.width)

    def text(self, mean: float) -> str:
        """How alike the table is."""
        how = _choose(mean, "much alike", "fairly alike", "different")
        return f"As a group, the people at this table are {how} in {_PLAIN[self.trait]}."


@typed_fields
@dataclass(frozen=True, slots=True)
class MixedTrait(_OfTrait):
    """Guests of whom one has much of a trait and another little: 0 for equal values, 1 from a difference of ``width`` on.

    Args:
        trait: one of the Big Five.
        weight: against the other soft rules.
        width: the difference, 0–1, from which on it earns all.
    """

    prefix: ClassVar[str] = "mixed"

    def score(self, crowd: Crowd, one: Index, other: Index) -> Scores:
        """Rises with the difference."""
        return np.float32(1.0) - _nearness(_trait(crowd, self.trait), one, other, self.width)

    def axes(self, crowd: Crowd) -> Scores:
        """None: neighbours would score badly."""
        return np.zeros((len(crowd), 0), np.float32)

    def text(self, mean: float) -> str:
        """How mixed the table is."""
        how = _choose(mean, "a lively mix", "something of a mix", "rather of one kind")
        return f"As a group, this table is {how} in {_PLAIN[self.trait]}."


@typed_fields
@dataclass(frozen=True, slots=True)
class CloseInAge:
    """Guests of much the same age: 1 for the same age, 0 from a difference of ``years`` on."""

    weight: float = 20.0
    years: float = 20.0
    name: ClassVar[str] = "close_in_age"

    def __post_init__(self) -> None:
        _check_weight(self.name, self.weight, self.years)

    def in_play(self, crowd: Crowd) -> bool:
        """Whether two guests differ in age."""
        return _differs(crowd.age)

    def score(self, crowd: Crowd, one: Index, other: Index) -> Scores:
        """Falls with the difference."""
        return _nearness(crowd.age, one, other, self.years)

    def axes(self, crowd: Crowd) -> Scores:
        """The age itself."""
        return _axis(crowd.age, self.weight / self.years)

    def text(self, mean: float) -> str:
        """How close the table is."""
        return f"Ages at this table are {_choose(mean, 'close together', 'fairly close together', 'mixed')}."


@typed_fields
@dataclass(frozen=True, slots=True)
class SharedInterests:
    """Guests with interests in common: all points from ``enough`` shared ones on."""

    weight: float = 20.0
    enough: int = 2
    name: ClassVar[str] = "shared_interests"

    def __post_init__(self) -> None:
        check_weight(self.name, self.weight)
        if not 1 <= self.enough <= _MOST_ENOUGH:
            raise RuleInvalid(f"the enough of {self.name} must be from 1 to {_MOST_ENOUGH}, not {shown(self.enough)}")

    def in_play(self, crowd: Crowd) -> bool:
        """Whether any interest is named by two guests."""
        return bool(crowd.interests.any())

    def score(self, crowd: Crowd, one: Index, other: Index) -> Scores:
        """The share of ``enough`` that the two have in common."""
        shared = np.zeros(np.broadcast_shapes(one.shape, other.shape), np.uint8)
        for column in crowd.interests.T:
            shared += _BITS[column[one] & column[other]]
        scores = np.minimum(shared, self.enough).astype(np.float32) / np.float32(self.enough)
        told = crowd.has_interests[one] & crowd.has_interests[other]
        return np.where(told, scores, np.float32(UNSET_SCORE))

    def axes(self, crowd: Crowd) -> Scores:
        """None: interests are not on a line."""
        return np.zeros((len(crowd), 0), np.float32)

    def text(self, mean: float) -> str:
        """How much there is to talk about."""
        return f"This table has {_choose(mean, 'a lot', 'some things', 'a few things')} in common to talk about."


@typed_fields
@dataclass(frozen=True, slots=True)
class NotMetBefore:
    """Guests who have not met at an earlier dinner; see :class:`NeverMet` for the hard form."""

    weight: float = 20.0
    name: ClassVar[str] = "not_met_before"

    def __post_init__(self) -> None:
        _check_weight(self.name, self.weight, 1.0)

    def in_play(self, crowd: Crowd) -> bool:
        """Whether any two have met."""
        return len(crowd.met) > 0

    def score(self, crowd: Crowd, one: Index, other: Index) -> Scores:
        """1 unless the two have met."""
        return (~crowd.met.linked(one, other)).astype(np.float32)

    def axes(self, crowd: Crowd) -> Scores:
        """None."""
        return np.zeros((len(crowd), 0), np.float32)

    def text(self, mean: float) -> str:
        """Whether the table is new to each other."""
        if mean >= 1.0:
            return "Nobody here has met at an earlier dinner."
        return "Most people at this table have not met before." if mean > UNSET_SCORE else "Many people at this table have met before."


_PLAIN: dict[str, str] = {
    "extraversion": "how talkative they are",
    "neuroticism": "how easily things worry them",
    "agreeableness": "warmth",
    "conscientiousness": "how orderly they are",
    "openness": "curiosity",
}

_BITS = np.array([bin(byte).count("1") for byte in range(256)], np.uint8)


def _check_trait(trait: str) -> None:
    if trait not in TRAITS:
        raise RuleInvalid(f"there is no trait {trait!r}; it must be one of {', '.join(TRAITS)}")


def _check_weight(name: str, weight: float, width: float) -> None:
    check_weight(name, weight)
    if not (math.isfinite(width) and width > 0):
        raise RuleInvalid(f"the range of {name} must be a positive number, not {width}")


def _trait(crowd: Crowd, trait: TraitName) -> Scores:
    return crowd.traits[:, TRAITS.index(trait)]


def _differs(values: Scores) -> bool:
    known = values[~np.isnan(values)]
    return len(known) > 0 and bool(known.min() < known.max())


def _nearness(values: Scores, one: Index, other: Index, width: float) -> Scores:
    difference = np.abs(values[one] - values[other]) / np.float32(width)
    scores = np.float32(1.0) - np.minimum(difference, np.float32(1.0))
    return np.where(np.isnan(scores), np.float32(UNSET_SCORE), scores)


def _axis(values: Scores, scale: float) -> Scores:
    known = values[~np.isnan(values)]
    middle = float(np.median(known)) if len(known) else 0.0
    return (np.where(np.isnan(values), np.float32(middle), values) * np.float32(scale))[:, None]


def _choose(mean: float, high: str, medium: str, low: str) -> str:
    return high if mean >= _HIGH else medium if mean >= _MEDIUM else low


DEFAULT_RULES: tuple[Rule, ...] = (
    PartiesTogether(),
    BlockedApart(),
    CommonLanguage(),
    NearBudget(),
    DietsServed(),
    SimilarTrait("openness", 20.0),
    MixedTrait("extraversion", 20.0),
    SimilarTrait("agreeableness", 10.0),
    CloseInAge(20.0),
    SharedInterests(20.0),
    NotMetBefore(30.0),
)
"""What makes a good table among strangers, unless the host says otherwise."""
