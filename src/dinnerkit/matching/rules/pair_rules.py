"""Soft rules about pairs that ask for more than the default ones: what people stated, how often they came, when they met."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from dinnerkit.matching.arguments import typed_fields
from dinnerkit.matching.errors import RuleInvalid
from dinnerkit.matching.people.crowd import Crowd
from dinnerkit.matching.rules.kinds import UNSET_SCORE, Index, Scores, check_weight
from dinnerkit.matching.rules.venue_rules import met_within


@typed_fields
@dataclass(frozen=True, slots=True)
class MixedCompany:
    """Guests who differ in what they chose to state: the soft form of :class:`Balanced`, and the tables it prefers are balanced ones.

    (The pairs that differ are most when every table has the same share of each kind.)

    Args:
        label: what was stated, such as ``"gender"``.
        weight: against the other soft rules.
    """

    label: str
    weight: float = 10.0

    def __post_init__(self) -> None:
        check_weight(self.name, self.weight)

    @property
    def name(self) -> str:
        """``"mixed_company_"`` and the label."""
        return f"mixed_company_{self.label}"

    def in_play(self, crowd: Crowd) -> bool:
        """Whether two guests stated different things."""
        stated = crowd.particulars.stated.get(self.label)
        return stated is not None and len(np.unique(stated.code[stated.code >= 0])) > 1

    def score(self, crowd: Crowd, one: Index, other: Index) -> Scores:
        """1 for those who differ."""
        code = crowd.particulars.stated[self.label].code
        first, second = code[one], code[other]
        return np.where((first < 0) | (second < 0), np.float32(UNSET_SCORE), (first != second).astype(np.float32))

    def axes(self, crowd: Crowd) -> Scores:
        """None: kinds are not on a line."""
        return np.zeros((len(crowd), 0), np.float32)

    def text(self, mean: float) -> str:
        """That it was looked at."""
        return "We looked for a mixed company."


@typed_fields
@dataclass(frozen=True, slots=True)
class NewWithExperienced:
    """Newcomers spread over the tables: 0 for two guests who are both new, 1 for others. See :class:`SomebodyExperienced`."""

    weight: float = 10.0
    name: ClassVar[str] = "new_with_experienced"

    def __post_init__(self) -> None:
        check_weight(self.name, self.weight)

    def in_play(self, crowd: Crowd) -> bool:
        """Whether some are new and others not."""
        dinners = crowd.particulars.dinners
        return bool((dinners == 0).any() and (dinners > 0).any())

    def score(self, crowd: Crowd, one: Index, other: Index) -> Scores:
        """0 for two newcomers."""
        dinners = crowd.particulars.dinners
        first, second = dinners[one], dinners[other]
        both = (first == 0) & (second == 0)
        return np.where(np.isnan(first) | np.isnan(second), np.float32(UNSET_SCORE), (~both).astype(np.float32))

    def axes(self, crowd: Crowd) -> Scores:
        """None: neighbours would score badly."""
        return np.zeros((len(crowd), 0), np.float32)

    def text(self, mean: float) -> str:
        """Whether newcomers are among themselves."""
        mixed = "Newcomers are not among themselves at this table."
        return mixed if mean >= UNSET_SCORE else "Most people here are new, like a first evening."


@typed_fields
@dataclass(frozen=True, slots=True)
class NotMetLately:
    """Guests who have not met within so many dinners: 1, or 0 for those who have. See :class:`NotMetWithin` for the hard form."""

    dinners: int = 3
    weight: float = 20.0
    name: ClassVar[str] = "not_met_lately"

    def __post_init__(self) -> None:
        check_weight(self.name, self.weight)
        if self.dinners < 1:
            raise RuleInvalid(f"the dinners of not_met_lately must be at least 1, not {self.dinners}")

    def in_play(self, crowd: Crowd) -> bool:
        """Whether any two have met lately."""
        return len(met_within(crowd, self.dinners)) > 0

    def score(self, crowd: Crowd, one: Index, other: Index) -> Scores:
        """1 unless the two have met lately."""
        return (~met_within(crowd, self.dinners).linked(one, other)).astype(np.float32)

    def axes(self, crowd: Crowd) -> Scores:
        """None."""
        return np.zeros((len(crowd), 0), np.float32)

    def text(self, mean: float) -> str:
        """Whether the table is new to each other."""
        if mean >= 1.0:
            return "Nobody here has met lately."
        return "Most people at this table have not met lately." if mean > UNSET_SCORE else "Many people at this table have met lately."
