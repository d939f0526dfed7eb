"""How well people suit a company: what the rules say of each of them with all of it. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dinnerkit.matching.people.crowd import Crowd
from dinnerkit.matching.people.guests import Guest
from dinnerkit.matching.rules.again import TogetherAgain
from dinnerkit.matching.rules.default_rules import DEFAULT_RULES
from dinnerkit.matching.rules.kinds import HardRule, Index, Rule, SoftRule


def best_first(guests: Sequence[Guest], again: frozenset[tuple[str, str]], company: int, *, at_a_table: bool) -> list[int]:
    """The order of the candidates, by their numbers: those who would break a hard rule last; of equals the first.

    Args:
        guests: so many of the company, then the candidates.
        again: which of them one would like to see together again, by their ids.
        company: how many of the guests are the company.
        at_a_table: whether it is one table, all of whom a candidate must be able to sit with.
    """
    rules: tuple[Rule, ...] = (*DEFAULT_RULES, TogetherAgain(again)) if again else DEFAULT_RULES
    crowd = Crowd.of(guests)
    there, those = np.arange(company), np.arange(company, len(guests))
    breaks = _breaks(crowd, rules, there, those, at_a_table=at_a_table)
    fit = _fit(crowd, rules, there, those)
    return sorted(range(len(those)), key=lambda number: (float(breaks[number]), -round(float(fit[number]), 6), number))


def _breaks(
    crowd: Crowd, rules: Sequence[Rule], there: NDArray[np.int64], those: NDArray[np.int64], *, at_a_table: bool
) -> NDArray[np.float64]:
    """How much of the company each could not sit with: of a table 1 or 0, of a whole night the share of its guests."""
    refused = np.zeros((len(those), len(there)), np.bool_)
    whole = np.zeros(len(those), np.bool_)
    for keep in (rule.keep(crowd) for rule in rules if isinstance(rule, HardRule)):
        if keep.apart is not None:
            refused |= keep.apart.linked(those[:, None], there[None, :])
        if keep.share is not None:
            refused |= ~(keep.share[those][:, None, :] & keep.share[there][None, :, :]).any(axis=2)
            common = np.bitwise_and.reduce(keep.share[there], axis=0)
            whole |= common.any() & ~(keep.share[those] & common).any(axis=1)
    return (refused.any(axis=1) | whole).astype(np.float64) if at_a_table else refused.mean(axis=1)


def _fit(crowd: Crowd, rules: Sequence[Rule], there: Index, those: Index) -> NDArray[np.float64]:
    """The mean score of each with the company, 0–1."""
    total, fit = 0.0, np.zeros(len(those))
    for rule in rules:
        if isinstance(rule, SoftRule) and rule.in_play(crowd):
            fit += rule.weight * rule.score(crowd, those[:, None], there[None, :]).astype(np.float64).mean(axis=1)
            total += rule.weight
    return fit / total if total else fit
