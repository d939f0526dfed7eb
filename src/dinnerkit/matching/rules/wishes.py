"""Hard rules with a weight: what a host would like at every table, and gives up for something better."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dinnerkit.matching.arguments import typed
from dinnerkit.matching.errors import RuleInvalid
from dinnerkit.matching.people.crowd import Crowd
from dinnerkit.matching.rules.kinds import UNSET_SCORE, HardRule, Index, Keep, Scores, SoftRule, TableRule, TableWish, check_weight
from dinnerkit.matching.rules.venue_rules import DietsServed

_MOST_AXES = 8


@dataclass(frozen=True, slots=True)
class PairWish:
    """A hard rule about who may share a table, with a weight, as :func:`wish` makes it.

    A pair earns all of it if the two may share a table by the rule and nothing if they may not; half if one of them has told nothing to
    go by, or if the rule only says who belongs together and they don't.
    """

    rule: HardRule
    weight: float = 20.0

    def __post_init__(self) -> None:
        check_weight(self.name, self.weight)

    @property
    def name(self) -> str:
        """``"wish_"`` and the rule's name."""
        return f"wish_{self.rule.name}"

    def in_play(self, crowd: Crowd) -> bool:
        """Whether any two may not share a table, or belong together."""
        keep = self.rule.keep(crowd)
        if keep.apart is not None and len(keep.apart):
            return True
        if keep.together is not None and len(np.unique(keep.together)) < len(crowd):
            return True
        if keep.share is None:
            return False
        kinds = np.unique(keep.share[_told(keep, crowd)], axis=0)
        return not bool(_meet(kinds[:, None], kinds[None, :]).all())

    def score(self, crowd: Crowd, one: Index, other: Index) -> Scores:
        """Whether two may share a table by the rule."""
        keep = self.rule.keep(crowd)
        scores = np.ones(np.broadcast_shapes(one.shape, other.shape), np.float32)
        if keep.together is not None:
            scores[keep.together[one] != keep.together[other]] = UNSET_SCORE
        if keep.share is not None:
            told = _told(keep, crowd)
            near = np.where(told[one] & told[other], _meet(keep.share[one], keep.share[other]).astype(np.float32), UNSET_SCORE)
            scores = np.minimum(scores, near.astype(np.float32))
        if keep.apart is not None:
            scores[keep.apart.linked(one, other)] = 0.0
        return scores

    def axes(self, crowd: Crowd) -> Scores:
        """What a table should have in common, such as each of the languages that most speak."""
        keep = self.rule.keep(crowd)
        if keep.share is None or not len(crowd):
            return np.zeros((len(crowd), 0), np.float32)
        told = _told(keep, crowd)
        bits = np.unpackbits(np.ascontiguousarray(keep.share).view(np.uint8), axis=1)
        common = bits[told].sum(axis=0)
        chosen = [int(bit) for bit in np.argsort(-common, kind="stable")[:_MOST_AXES] if 0 < common[bit] < told.sum()]
        return np.where(told[:, None], bits[:, chosen], UNSET_SCORE).astype(np.float32) * np.float32(self.weight)

    def text(self, mean: float) -> str:
        """Nothing: it may be about blocks or budgets, which are nobody else's business."""
        return ""


@typed
def wish(rule: HardRule | TableRule, weight: float = 20.0) -> PairWish | TableWish:
    """A hard rule as one with a weight: kept where that costs nothing better.

    Guests are told no sentence about it, as most hard rules are about what is private.

    Args:
        rule: a hard rule, or one about whole tables. Whom a kitchen can't serve can't eat there, and table sizes are a matter of chairs:
            neither can be wished for.
        weight: against the soft rules.

    Raises:
        RuleInvalid: the rule has a weight already, or can't have one.
    """
    if isinstance(rule, SoftRule):
        raise RuleInvalid(f"{rule.name} has a weight already")
    if isinstance(rule, DietsServed):
        raise RuleInvalid("diets_served can't have a weight: whom a table can't serve can't sit there")
    if isinstance(rule, TableRule):
        return TableWish(rule, weight)
    if isinstance(rule, HardRule):
        return PairWish(rule, weight)
    raise RuleInvalid(f"{rule!r} is no rule that could have a weight")


def _told(keep: Keep, crowd: Crowd) -> NDArray[np.bool_]:
    return np.ones(len(crowd), np.bool_) if keep.told is None else keep.told


def _meet(one: NDArray[np.uint64], other: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Whether two rows of words, the last axis, have a bit in common."""
    shape = np.broadcast_shapes(one.shape[:-1], other.shape[:-1])
    found = np.zeros(shape, np.bool_)
    for word in range(one.shape[-1]):
        found |= (one[..., word] & other[..., word]) != 0
    return found
