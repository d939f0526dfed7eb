"""A soft rule from feedback: who would like to sit together again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from dinnerkit.matching.people.crowd import Crowd, Links
from dinnerkit.matching.rules.kinds import UNSET_SCORE, Index, Scores, check_weight


@dataclass(frozen=True, slots=True)
class TogetherAgain:
    """Guests of whom one said they would sit with the other again: 1 for such a pair, half for all others, who said nothing.

    They have met, which costs them what :class:`NotMetBefore` gives others, and is not denied: its sentence would tell the other of a
    pair what was said. So this must outweigh it: half of 90 is earned, 30 are lost.

    Args:
        pairs: of guests' ids; those who don't come are ignored.
        weight: against the other soft rules.
    """

    pairs: frozenset[tuple[str, str]]
    weight: float = 90.0
    name: ClassVar[str] = "together_again"

    def __post_init__(self) -> None:
        check_weight(self.name, self.weight)

    def in_play(self, crowd: Crowd) -> bool:
        """Whether such a pair is there."""
        return len(self._links(crowd)) > 0

    def score(self, crowd: Crowd, one: Index, other: Index) -> Scores:
        """1 for a pair that was wished for."""
        return np.where(self._links(crowd).linked(one, other), np.float32(1), np.float32(UNSET_SCORE))

    def axes(self, crowd: Crowd) -> Scores:
        """None."""
        return np.zeros((len(crowd), 0), np.float32)

    def text(self, mean: float) -> str:
        """Nothing: what one said about another is theirs."""
        return ""

    def _links(self, crowd: Crowd) -> Links:
        place = {name: number for number, name in enumerate(crowd.ids)}
        found = [(place[one], place[other]) for one, other in self.pairs if one in place and other in place]
        return Links.of(np.array(found, np.int64).reshape(-1, 2), len(crowd))
