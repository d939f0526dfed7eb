"""Rules about a table as a whole: how many of its guests have what."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from dinnerkit.matching.arguments import typed_fields
from dinnerkit.matching.errors import RuleInvalid
from dinnerkit.matching.people.crowd import Crowd
from dinnerkit.matching.rules.kinds import Scores

_ROUNDING = 1e-4

_MOST_VALUES = 1000
"""A column for each of more would fill the memory, and a rule about kinds means nothing where hardly two are of one."""


@typed_fields
@dataclass(frozen=True, slots=True)
class NobodyAlone:
    """Nobody is the only one at a table of what they chose to state: two or more of a kind, or none.

    Whoever has not stated it is not counted. Being the only one of a kind makes people watched and guarded: solos are judged by
    their group, talk less and enjoy it less (Kanter 1977, American Journal of Sociology 82, 965–990; Sekaquaptewa & Thompson 2002,
    Personality and Social Psychology Bulletin 28, 694–707).

    Args:
        label: what was stated, such as ``"gender"``.
        value: only those who stated this; by default, whatever they stated.
    """

    label: str
    value: str | None = None

    @property
    def name(self) -> str:
        """``"nobody_alone_"``, the label and the value."""
        return "_".join(("nobody_alone", self.label, *(() if self.value is None else (self.value,))))

    @property
    def broken(self) -> str:
        """What is wrong."""
        return f"somebody is the only one of their {self.label} at the table"

    def columns(self, crowd: Crowd) -> Scores:
        """One for each value."""
        return _one_hot(crowd, self.label, self.value)

    def faults(self, counts: Scores, sizes: Scores, shares: Scores) -> Scores:
        """How many are alone."""
        return np.asarray((counts == 1.0).sum(axis=-1), np.float32)

    def hopeless(self, crowd: Crowd) -> list[tuple[list[int], str]]:
        """Those of whose kind there is nobody else in the whole crowd."""
        columns = self.columns(crowd)
        only = columns[:, columns.sum(axis=0) == 1.0]
        return [([int(np.flatnonzero(column)[0])], f"would be the only one of their {self.label} at any table") for column in only.T]


@typed_fields
@dataclass(frozen=True, slots=True)
class Balanced:
    """Each table has its share of every kind: what people stated is spread over the tables as evenly as whole people can be.

    Whoever has not stated it is not counted. The shares are those of all who have a table: at locked ones too, which can't be changed,
    and without those who are left out.

    Args:
        label: what was stated, such as ``"gender"``.
        within: by how many guests a table may be off its share, at least 1.
    """

    label: str
    within: float = 1.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.within) and self.within >= 1.0):
            raise RuleInvalid(f"a table can't be nearer to its share than one guest; within must be at least 1, not {self.within}")

    @property
    def name(self) -> str:
        """``"balanced_"`` and the label."""
        return f"balanced_{self.label}"

    @property
    def broken(self) -> str:
        """What is wrong."""
        return f"the table has too many or too few of some {self.label}"

    def columns(self, crowd: Crowd) -> Scores:
        """One for each value."""
        return _one_hot(crowd, self.label, None)

    def faults(self, counts: Scores, sizes: Scores, shares: Scores) -> Scores:
        """How many guests it is off, beyond what is allowed."""
        off = np.abs(counts - sizes[..., None] * shares) - np.float32(self.within)
        return np.asarray(np.ceil(np.maximum(off - np.float32(_ROUNDING), 0.0)).sum(axis=-1), np.float32)

    def hopeless(self, crowd: Crowd) -> list[tuple[list[int], str]]:
        """Nobody: a kind can be spread, however many there are."""
        return []


@typed_fields
@dataclass(frozen=True, slots=True)
class SomebodyExperienced:
    """No table of newcomers only: where somebody is at a dinner for the first time, somebody else is not.

    A host who knows how the evening goes is what newcomers rely on (Van Maanen & Schein 1979 on being received by insiders). Whoever's
    dinners are not known is neither new nor experienced.

    Args:
        least: how many must have been to a dinner before.
    """

    least: int = 1
    name: ClassVar[str] = "somebody_experienced"

    def __post_init__(self) -> None:
        if self.least < 1:
            raise RuleInvalid(f"somebody_experienced needs at least 1 experienced guest, not {self.least}")

    @property
    def broken(self) -> str:
        """What is wrong."""
        return "a newcomer sits without anybody who has been to a dinner before"

    def columns(self, crowd: Crowd) -> Scores:
        """The newcomers and the experienced."""
        dinners = crowd.particulars.dinners
        return np.stack([dinners == 0, dinners > 0], axis=1).astype(np.float32)

    def faults(self, counts: Scores, sizes: Scores, shares: Scores) -> Scores:
        """How many experienced guests are lacking."""
        lacking = np.maximum(np.float32(self.least) - counts[..., 1], np.float32(0.0))
        return np.where(counts[..., 0] > 0, lacking, np.float32(0.0))

    def hopeless(self, crowd: Crowd) -> list[tuple[list[int], str]]:
        """All newcomers, if hardly anybody is experienced."""
        new, experienced = self.columns(crowd).T
        if experienced.sum() >= self.least or not new.any():
            return []
        known = f"only {int(experienced.sum())} of the guests have" if experienced.any() else "nobody has"
        return [(np.flatnonzero(new).tolist(), f"would sit without {self.least} experienced: {known} been to a dinner before")]


def _one_hot(crowd: Crowd, label: str, value: str | None) -> Scores:
    stated = crowd.particulars.stated.get(label)
    if stated is None:
        return np.zeros((len(crowd), 0), np.float32)
    codes = [code for code, known in enumerate(stated.values) if value is None or known == value]
    if len(codes) > _MOST_VALUES:
        raise RuleInvalid(f"guests stated {len(codes):,} different things as their {label}; a rule can count at most {_MOST_VALUES:,}")
    return np.asarray(stated.code[:, None] == np.array(codes, np.int32), np.float32)
