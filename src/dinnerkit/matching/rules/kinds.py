"""The kinds of rules: what seating asks of one, whoever wrote it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from dinnerkit.matching.arguments import typed_fields
from dinnerkit.matching.errors import RuleInvalid
from dinnerkit.matching.people.crowd import Crowd, Links
from dinnerkit.matching.rules.scale import FULL

Index = NDArray[np.int64]
Scores = NDArray[np.float32]

UNSET_SCORE = 0.5
"""What a pair earns from a rule that one of the two has given nothing to go by."""


@runtime_checkable
class SoftRule(Protocol):
    """What earns points: a score for each pair of guests, and a weight."""

    @property
    def name(self) -> str:
        """Stable, for machines: ``"similar_openness"``."""

    @property
    def weight(self) -> float:
        """How much it counts against the other soft rules; positive."""

    def in_play(self, crowd: Crowd) -> bool:
        """Whether it can tell any two of these guests apart."""

    def score(self, crowd: Crowd, one: Index, other: Index) -> Scores:
        """0–1 for each pair of the two broadcast arrays of places in the crowd."""

    def axes(self, crowd: Crowd) -> Scores:
        """(n, k): coordinates in which near guests score well; k is 0 where nearness means nothing."""

    def text(self, mean: float) -> str:
        """A table's mean score, 0–1, in words that say nothing about any one guest; empty if guests should not be told at all."""


@dataclass(frozen=True, slots=True)
class Keep:
    """What a hard rule asks of every table; whatever is None is not asked.

    Attributes:
        together: (n,), guests with the same number sit together.
        apart: guests linked here don't.
        share: (n, words), bits of which all guests of a table must have one in common.
        lacking: how to say that a guest has no bit in common with anyone, such as "shares no language with".
        sharing: the same of the few, such as "shares a language with".
        told: (n,), who has told what ``share`` goes by; None is everybody.
    """

    together: Index | None = None
    apart: Links | None = None
    share: NDArray[np.uint64] | None = None
    lacking: str = ""
    sharing: str = ""
    told: NDArray[np.bool_] | None = None


@runtime_checkable
class HardRule(Protocol):
    """What every table must keep."""

    @property
    def name(self) -> str:
        """Stable, for machines: ``"common_language"``."""

    def keep(self, crowd: Crowd) -> Keep:
        """What it asks of these guests."""


@runtime_checkable
class TableRule(Protocol):
    """What every table must keep as a whole, told from how many of its guests have what; a hard rule too."""

    @property
    def name(self) -> str:
        """Stable, for machines: ``"nobody_alone_gender"``."""

    @property
    def broken(self) -> str:
        """A phrase for the host that says what is wrong with a table that breaks it."""

    def columns(self, crowd: Crowd) -> Scores:
        """(n, k): what is added up over a table's guests, 1 for each who is counted."""

    def faults(self, counts: Scores, sizes: Scores, shares: Scores) -> Scores:
        """(tables,): about how many guests must change places for the table to keep the rule; 0 where it does, else at least 1.

        Args:
            counts: (tables, k), the columns added up over each table.
            sizes: (tables,), guests at each.
            shares: (k,), the columns' means over all who have a table, at those that stay as they are too.
        """

    def hopeless(self, crowd: Crowd) -> list[tuple[list[int], str]]:
        """Guests who would break it at any table, by their places, and a phrase that follows their names and says why."""


@typed_fields
@dataclass(frozen=True, slots=True)
class Floor:
    """The least score, 0–100, that the host wants every table to have.

    It is striven for, and where it can't be reached the seating says which tables and why (:attr:`Seating.below`); no guest is
    turned away for it.
    """

    least: float
    name: ClassVar[str] = "floor"

    def __post_init__(self) -> None:
        if not 0.0 <= self.least <= FULL:
            raise RuleInvalid(f"a floor must be a score from 0 to 100, not {self.least}")


@typed_fields
@dataclass(frozen=True, slots=True)
class TableWish:
    """A rule about whole tables with a weight, as :func:`dinnerkit.matching.wish` makes it.

    It earns a table the share of its guests who need not change places for the table to keep the rule: all of the weight where the rule
    is kept, and of six guests with one too many five sixths.
    """

    rule: TableRule
    weight: float = 20.0

    def __post_init__(self) -> None:
        check_weight(self.name, self.weight)

    @property
    def name(self) -> str:
        """``"wish_"`` and the rule's name."""
        return f"wish_{self.rule.name}"

    def in_play(self, crowd: Crowd) -> bool:
        """Whether there is anybody whom the rule counts."""
        return bool(self.rule.columns(crowd).any())

    def text(self, mean: float) -> str:
        """Nothing: what a table has too few of is what its guests chose to state."""
        return ""


@typed_fields
@dataclass(frozen=True, slots=True)
class Demand:
    """A soft rule as a hard one: no table may earn less of it than so much.

    Where the rule can't tell any two of the guests apart, it asks nothing.

    Args:
        rule: any soft rule; its weight does not matter.
        least: what each table's pairs must earn on average, from 0 to 1.
    """

    rule: SoftRule
    least: float

    def __post_init__(self) -> None:
        if not isinstance(self.rule, SoftRule):
            raise RuleInvalid(f"only a soft rule can be demanded, and {self.rule!r} is none")
        if not 0.0 < self.least <= 1.0:
            raise RuleInvalid(f"the least of {self.name} must be more than 0 and at most 1, not {self.least}")

    @property
    def name(self) -> str:
        """``"demand_"`` and the rule's name."""
        return f"demand_{self.rule.name}"

    @property
    def broken(self) -> str:
        """What is wrong with a table that breaks it, for the host."""
        return f"the table earns less than {self.least:.0%} of {self.rule.name}"


def check_weight(name: str, weight: float) -> None:
    """Refuse a weight that is none.

    Raises:
        RuleInvalid: it is not a positive number.
    """
    if not (math.isfinite(weight) and weight > 0):
        raise RuleInvalid(f"the weight of {name} must be a positive number, not {weight}")


Rule = SoftRule | HardRule | TableRule | TableWish | Demand | Floor
