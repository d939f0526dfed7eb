"""The soft rules as declared terms, by which many guests are searched without asking the rules pair by pair."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dinnerkit.matching.people.crowd import Crowd
from dinnerkit.matching.people.items import TRAITS
from dinnerkit.matching.rules.default_rules import CloseInAge, MixedTrait, NotMetBefore, SharedInterests, SimilarTrait
from dinnerkit.matching.rules.kinds import UNSET_SCORE, SoftRule
from dinnerkit.matching.rules.pair_rules import MixedCompany, NewWithExperienced, NotMetLately
from dinnerkit.matching.rules.venue_rules import met_within
from dinnerkit.matching.seating.constraints import Constraints
from dinnerkit.matching.seating.scoring import Scoring
from dinnerkit.matching.solving.blocks import Task
from dinnerkit.matching.solving.state import Floats, Ints
from dinnerkit.matching.solving.terms import MOST_CODES, Common, Far, Kinds, Linked, Near, Singles, Term, Worths

LIFT = 2.0
"""How much more the worst tables should gain: a guest's evening is their own table, and no mean makes up for it."""


class Undeclared:
    """What guests are worth to each other where a rule is somebody's own: its scores are asked for, block by block."""

    columns: None = None

    def __init__(self, crowd: Crowd, scoring: Scoring) -> None:
        self.people = len(crowd)
        self._crowd = crowd
        self._scoring = scoring

    def matrix(self, people: Ints) -> Singles:
        """(m, m): what some of the guests are worth to each other."""
        return self._scoring.matrix(self._crowd.take(people)).astype(np.float32)

    def axes(self) -> Singles:
        """(n, k): coordinates in which near guests score well."""
        return self._scoring.axes(self._crowd)


def declared(crowd: Crowd, scoring: Scoring) -> Worths | Undeclared:
    """What the guests of a crowd are worth to each other by the rules in play."""
    terms: list[Term] = []
    base = 0.0
    for rule, share in zip(scoring.rules, scoring.shares, strict=True):
        known = _KNOWN.get(type(rule))
        told = known(rule, crowd, share) if known else None
        if told is None:
            return Undeclared(crowd, scoring)
        term, always = told
        terms.append(term)
        base += always
    return Worths(len(crowd), terms, base)


def task(constraints: Constraints, worths: Worths | Undeclared, tables: int) -> Task:
    """What the search among many is to do with so many tables."""
    return Task(
        worths,
        *constraints.seats(np.arange(tables)),
        factor=per_guest(constraints.high),
        unit=constraints.unit if int(constraints.unit.max(initial=-1)) + 1 < len(constraints) else None,
        apart=constraints.apart,
        masks=constraints.binding(),
        lift=LIFT,
    )


def per_guest(high: int) -> Floats:
    """Turns a table's sum over pairs into the sum over its guests of each one's mean with the others.

    Without it a sum of positive scores would favour large tables.
    """
    sizes = np.arange(high + 1)
    return np.where(sizes > 1, 2.0 / np.maximum(sizes - 1, 1), 0.0)


_Known = Callable[[Any, Crowd, float], tuple[Term, float] | None]
"""Tells the term and what every pair earns besides; None where there is too much to declare."""


def _similar(rule: SimilarTrait, crowd: Crowd, share: float) -> tuple[Term, float]:
    return Near(crowd.traits[:, TRAITS.index(rule.trait)], rule.width, share, UNSET_SCORE), 0.0


def _mixed(rule: MixedTrait, crowd: Crowd, share: float) -> tuple[Term, float]:
    return Far(crowd.traits[:, TRAITS.index(rule.trait)], rule.width, share, UNSET_SCORE), 0.0


def _ages(rule: CloseInAge, crowd: Crowd, share: float) -> tuple[Term, float]:
    return Near(crowd.age, rule.years, share, UNSET_SCORE), 0.0


def _interests(rule: SharedInterests, crowd: Crowd, share: float) -> tuple[Term, float]:
    flags = np.unpackbits(crowd.interests, axis=1).astype(np.bool_)
    return Common(flags, rule.enough, share, crowd.has_interests, UNSET_SCORE), 0.0


def _never(rule: NotMetBefore, crowd: Crowd, share: float) -> tuple[Term, float]:
    return Linked(crowd.met.pairs(), -share), share


def _lately(rule: NotMetLately, crowd: Crowd, share: float) -> tuple[Term, float]:
    return Linked(met_within(crowd, rule.dinners).pairs(), -share), share


def _company(rule: MixedCompany, crowd: Crowd, share: float) -> tuple[Term, float] | None:
    stated = crowd.particulars.stated[rule.label]
    if len(stated.values) > MOST_CODES:
        return None
    return Kinds(stated.code, share * (1.0 - np.eye(len(stated.values))), share * UNSET_SCORE), 0.0


def _newcomers(rule: NewWithExperienced, crowd: Crowd, share: float) -> tuple[Term, float]:
    return Kinds(_experience(crowd.particulars.dinners), share * np.array([[0.0, 1.0], [1.0, 1.0]]), share * UNSET_SCORE), 0.0


def _experience(dinners: NDArray[np.float32]) -> NDArray[np.int16]:
    """0 new, 1 not, -1 unknown."""
    return np.where(np.isnan(dinners), -1, np.where(dinners == 0, 0, 1)).astype(np.int16)


_KNOWN: Mapping[type[SoftRule], _Known] = {
    SimilarTrait: _similar,
    MixedTrait: _mixed,
    CloseInAge: _ages,
    SharedInterests: _interests,
    NotMetBefore: _never,
    NotMetLately: _lately,
    MixedCompany: _company,
    NewWithExperienced: _newcomers,
}
"""How each rule of the house is declared; a subclass may score otherwise, and is not taken for it."""
