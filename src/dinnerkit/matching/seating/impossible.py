"""Telling that, and why, guests can't all be seated."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dinnerkit.matching.errors import SeatingImpossible
from dinnerkit.matching.people.crowd import Crowd
from dinnerkit.matching.rules.kinds import HardRule, Rule
from dinnerkit.matching.seating.constraints import Constraints
from dinnerkit.matching.seating.diagnosis import Cause, hopeless, named
from dinnerkit.matching.seating.feasible import feasible_tables
from dinnerkit.matching.solving.state import Ints

_MOST_NAMED = 100
_IN_WORDS = 3
_EXPLAINED_UP_TO = 60


def unknown_cause(crowd: Crowd, rules: Sequence[Rule], constraints: Constraints, left: Ints, *, proved: bool) -> Cause:
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


def impossible(causes: Sequence[Cause], crowd: Crowd, *, proved: bool) -> SeatingImpossible:
    """The error that tells the causes, the first three in words."""
    shown = "; ".join(cause.text for cause in causes[:_IN_WORDS])
    rest = len(causes) - _IN_WORDS
    more = f"; and {rest} more reason{'s' if rest > 1 else ''}" if rest > 0 else ""
    listed = [
        {"rule": cause.rule, "guests": [crowd.ids[one] for one in cause.guests[:_MOST_NAMED]], "text": cause.text}
        for cause in causes[:_MOST_NAMED]
    ]
    return SeatingImpossible(f"{shown}{more}", causes=listed, proved=proved)
