"""Seating: who sits with whom, how good that is and why."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from dinnerkit.matching.arranging import Budget, arranged, similar_order
from dinnerkit.matching.constraints import Constraints
from dinnerkit.matching.crowd import Crowd
from dinnerkit.matching.diagnosis import Cause, hopeless, named, shortfall
from dinnerkit.matching.errors import RuleInvalid, SeatingImpossible
from dinnerkit.matching.feasible import feasible_tables
from dinnerkit.matching.guests import Guest
from dinnerkit.matching.rules import DEFAULT_RULES, HardRule, Rule, SoftRule
from dinnerkit.matching.scoring import Reason, Scoring
from dinnerkit.matching.solver import Progress, RunRecord
from dinnerkit.matching.state import Ints

_MOST_NAMED = 100
_EXPLAINED_UP_TO = 60


@dataclass(frozen=True, slots=True)
class Table:
    """One table.

    Attributes:
        guests: ids, in the order in which the guests were given.
        score: 0–100, see :mod:`dinnerkit.matching.rules`.
        reasons: what each rule gives; the points add up exactly to the score. They may be shown to the table's guests.
    """

    guests: tuple[str, ...]
    score: float
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Unseated:
    """A guest without a place, and why; the reason is for the host."""

    guest: str
    reason: str


@dataclass(frozen=True, slots=True)
class Seating:
    """Tables for some guests.

    Attributes:
        tables: in the order of their first guests.
        score: 0–100, the mean over the seated guests of the score of their table.
        floor: the score of the worst table.
        chance: 0–100, the mean score of tables drawn at random, hard rules aside.
        seed: what all chance was drawn from.
        unseated: guests without a place; empty unless the best effort was asked for.
        run: how it was found; not compared.
    """

    tables: tuple[Table, ...]
    score: float
    floor: float
    chance: float
    seed: int
    unseated: tuple[Unseated, ...] = ()
    run: RunRecord = field(default=RunRecord(0, 0, 0.0, "numpy"), compare=False)

    @property
    def above_chance(self) -> float:
        """How many points better than tables drawn at random."""
        return self.score - self.chance


def seat(
    guests: Iterable[Guest],
    *,
    size: int | tuple[int, int] = (5, 7),
    rules: Sequence[Rule] = DEFAULT_RULES,
    seed: int = 0,
    seconds: float | None = None,
    best_effort: bool = False,
    progress: Progress | None = None,
) -> Seating:
    """Seat guests at tables that keep all hard rules and score as well as can be found by the soft ones.

    The result depends on the arguments alone, on one installation; with ``seconds`` also on the speed of the machine.

    Args:
        guests: whom to seat; ids must be unique.
        size: fewest and most guests at a table, or one number for both.
        rules: hard and soft ones, see :mod:`dinnerkit.matching.rules`. The table size is always kept.
        seed: what all chance is drawn from.
        seconds: how long to search, by the clock; by default as long as suits the number of guests.
        best_effort: seat as many as can be, and list the others with reasons, in place of an error.
        progress: told the fraction done, 0–1; raising from it cancels.

    Raises:
        SeatingImpossible: the hard rules can't all be met; says why in one line.
        GuestInvalid: an id occurs twice.
        RuleInvalid: a size, rule or time makes no sense.
    """
    low, high = _size(size)
    _check(rules, seconds)
    began = time.monotonic()
    crowd = Crowd.of(list(guests))
    rng = np.random.default_rng(seed)
    constraints, scoring = Constraints.of(crowd, rules, low, high), Scoring.of(crowd, rules)
    reasons = _without_hope(crowd, constraints, best_effort=best_effort)
    hopeful = np.array([one for one in range(len(crowd)) if one not in reasons], np.int64)
    placed = _place(crowd, constraints, scoring, hopeful, rng)
    left = hopeful[placed.labels < 0]
    if len(left):
        cause = placed.cause or _unknown_cause(crowd, rules, constraints, left, proved=placed.proved)
        if not best_effort:
            raise _impossible([cause], crowd, proved=placed.proved)
        reasons |= dict.fromkeys((int(one) for one in left), cause.text)
    labels = np.full(len(crowd), -1)
    labels[hopeful] = placed.labels
    seated = np.flatnonzero(labels >= 0)
    spare = None if seconds is None else max(0.01, seconds - (time.monotonic() - began))
    found, run = arranged(crowd.take(seated), constraints.take(seated), scoring, labels[seated], Budget(seed, spare, progress))
    labels[seated] = found
    run = replace(run, seed=seed, seconds=time.monotonic() - began)
    unseated = tuple(Unseated(crowd.ids[one], reasons[one]) for one in sorted(reasons))
    return _result(crowd, scoring, labels, unseated, rng, run)


@dataclass(frozen=True, slots=True)
class _Placed:
    labels: Ints
    proved: bool
    cause: Cause | None


def _size(size: int | tuple[int, int]) -> tuple[int, int]:
    low, high = (size, size) if isinstance(size, int) else size
    if not (isinstance(low, int) and isinstance(high, int) and 1 <= low <= high):
        raise RuleInvalid(f"a table size must be whole numbers with 1 <= fewest <= most, not {low}-{high}")
    return low, high


def _check(rules: Sequence[Rule], seconds: float | None) -> None:
    names = set()
    for rule in rules:
        if not isinstance(rule, SoftRule | HardRule):
            raise RuleInvalid(f"{rule!r} is not a rule")
        if rule.name in names:
            raise RuleInvalid(f"the rule {rule.name} is given more than once")
        names.add(rule.name)
    if seconds is not None and not (math.isfinite(seconds) and seconds > 0):
        raise RuleInvalid(f"seconds must be a positive number, not {seconds}")


def _without_hope(crowd: Crowd, constraints: Constraints, *, best_effort: bool) -> dict[int, str]:
    """Why guests who can't sit at any table can't, by their places; an error unless the best effort will do."""
    if not len(crowd):
        return {}
    whole = shortfall(crowd, constraints)
    if len(crowd) < constraints.low and whole:
        causes = [whole]
    else:
        causes = hopeless(crowd, constraints) or ([whole] if whole and not best_effort else [])
    if causes and not best_effort:
        raise _impossible(causes, crowd, proved=True)
    return {one: cause.text for cause in causes for one in cause.guests}


def _place(crowd: Crowd, constraints: Constraints, scoring: Scoring, hopeful: Ints, rng: np.random.Generator) -> _Placed:
    """First tables for those with hope."""
    if not len(hopeful):
        return _Placed(np.zeros(0, np.int64), proved=True, cause=None)
    part = constraints.take(hopeful)
    order = similar_order(scoring.axes(crowd)[hopeful], rng)
    tables = feasible_tables(part, order, rng)
    cause = shortfall(crowd.take(hopeful), part) if (tables.labels < 0).any() else None
    return _Placed(tables.labels, tables.proved, cause)


def _unknown_cause(crowd: Crowd, rules: Sequence[Rule], constraints: Constraints, left: Ints, *, proved: bool) -> Cause:
    """That no seating was found, whom it leaves out, and which single rule is in the way, if one is."""
    culprit = _culprit(crowd, rules, constraints) if len(crowd) <= _EXPLAINED_UP_TO else None
    verdict = "there is no seating" if proved else "no seating was found"
    text = f"{verdict} that keeps every rule: {named(crowd, left)} would be left without a table"
    if culprit:
        text += f"; without the rule '{culprit}' everybody could be seated"
    return Cause(culprit or "all", tuple(int(one) for one in left), text)


def _culprit(crowd: Crowd, rules: Sequence[Rule], constraints: Constraints) -> str | None:
    for rule in rules:
        if isinstance(rule, HardRule):
            others = [other for other in rules if other is not rule]
            relaxed = Constraints.of(crowd, others, constraints.low, constraints.high)
            order = np.arange(len(crowd))
            if not hopeless(crowd, relaxed) and (feasible_tables(relaxed, order, np.random.default_rng(0)).labels >= 0).all():
                return rule.name
    return None


def _impossible(causes: Sequence[Cause], crowd: Crowd, *, proved: bool) -> SeatingImpossible:
    shown = "; ".join(cause.text for cause in causes[:3])
    more = f"; and {len(causes) - 3} more reasons" if len(causes) > 3 else ""  # noqa: PLR2004
    listed = [
        {"rule": cause.rule, "guests": [crowd.ids[one] for one in cause.guests[:_MOST_NAMED]], "text": cause.text}
        for cause in causes[:_MOST_NAMED]
    ]
    return SeatingImpossible(f"{shown}{more}", causes=listed, proved=proved)


def _result(
    crowd: Crowd,
    scoring: Scoring,
    labels: Ints,
    unseated: tuple[Unseated, ...],
    rng: np.random.Generator,
    run: RunRecord,
) -> Seating:
    seated = np.flatnonzero(labels >= 0)
    names, first, numbers = np.unique(labels[seated], return_index=True, return_inverse=True)
    rank = np.empty(len(names), np.int64)
    rank[np.argsort(first)] = np.arange(len(names))
    ordered = np.full(len(labels), -1)
    ordered[seated] = rank[numbers.reshape(-1)]
    members: list[list[str]] = [[] for _ in names]
    for one in seated:
        members[ordered[one]].append(crowd.ids[one])
    tables = tuple(
        Table(tuple(ids), sum(reason.points for reason in reasons), reasons)
        for ids, reasons in zip(members, scoring.reasons(crowd, ordered), strict=True)
    )
    return Seating(
        tables=tables,
        score=sum(len(table.guests) * table.score for table in tables) / max(1, len(seated)),
        floor=min((table.score for table in tables), default=0.0),
        chance=scoring.chance(crowd.take(seated), rng) if len(seated) else 0.0,
        seed=run.seed,
        unseated=unseated,
        run=run,
    )
