"""The kinds of rules: what seating asks of one, whoever wrote it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from dinnerkit.matching.errors import RuleInvalid
from dinnerkit.matching.people.crowd import Crowd, Links

Index = NDArray[np.int64]
Scores = NDArray[np.float32]

UNSET_SCORE = 0.5
"""What a pair earns from a rule that one of the two has given nothing to go by."""

FULL = 100.0
"""The best score that a table can have."""


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
        """A table's mean score, 0–1, in words that say nothing about any one guest."""


@dataclass(frozen=True, slots=True)
class Keep:
    """What a hard rule asks of every table; whatever is None is not asked.

    Attributes:
        together: (n,), guests with the same number sit together.
        apart: guests linked here don't.
        share: (n, words), bits of which all guests of a table must have one in common.
        lacking: how to say that a guest has no bit in common with anyone, such as "shares no language with".
        sharing: the same of the few, such as "shares a language with".
    """

    together: Index | None = None
    apart: Links | None = None
    share: NDArray[np.uint64] | None = None
    lacking: str = ""
    sharing: str = ""


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
            shares: (k,), the columns' means over all guests.
        """

    def hopeless(self, crowd: Crowd) -> list[tuple[list[int], str]]:
        """Guests who would break it at any table, by their places, and a phrase that follows their names and says why."""


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


Rule = SoftRule | HardRule | TableRule | Floor
