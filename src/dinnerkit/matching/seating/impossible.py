"""Telling that, and why, guests can't all be seated."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from dinnerkit.matching.errors import SeatingImpossible
from dinnerkit.matching.people.crowd import Crowd
from dinnerkit.matching.rules.default_rules import BlockedApart
from dinnerkit.matching.rules.kinds import Demand, Floor, HardRule, Rule, TableRule, TableWish
from dinnerkit.matching.rules.wishes import PairWish
from dinnerkit.matching.seating.constraints import Constraints
from dinnerkit.matching.seating.diagnosis import Cause, hopeless, named
from dinnerkit.matching.seating.feasible import feasible_tables
from dinnerkit.matching.solving.state import Ints

_MOST_NAMED = 100
_IN_WORDS = 3
_EXPLAINED_UP_TO = 60


def not_found(crowd: Crowd, rules: Sequence[Rule], constraints: Constraints, left: Ints) -> Cause:
    """That no seating was found, whom it leaves out, and which single rule is in the way, if one is."""
    culprit = _culprit(crowd, rules, constraints) if len(crowd) <= _EXPLAINED_UP_TO else None
    text = f"no seating was found that keeps every rule: {named(crowd, left)} would be left without a table"
    return Cause(culprit or "all", tuple(left.tolist()), text + (_without([culprit]) if culprit else ""))


def not_there(crowd: Crowd, rules: Sequence[Rule], left: Ints, possible: Callable[[Sequence[Rule]], bool | None]) -> Cause:
    """That there is no seating, whom the best one leaves out, and which rules are in the way, as few as possible.

    Args:
        crowd: the guests.
        rules: all rules.
        left: those left out.
        possible: whether everybody can be seated by some of the rules; None where that is not known.
    """
    hard = [
        rule for rule in rules if not isinstance(rule, PairWish | TableWish | Floor) and isinstance(rule, HardRule | TableRule | Demand)
    ]
    culprits = [rule.name for rule in hard if possible([other for other in rules if other is not rule])]
    text = f"there is no seating that keeps every rule: {named(crowd, left)} would be left without a table"
    clash = culprits or _clash(hard, possible)
    text += _without(culprits) if culprits else f"; {_listed(clash)} can't all be kept" if clash else ""
    # What comes of blocks is told under their name, by which it is kept from those who must not learn of them.
    blocks = BlockedApart.name in clash
    return Cause(BlockedApart.name if blocks else culprits[0] if culprits else "all", tuple(left.tolist()), text)


def _clash(hard: Sequence[Rule], possible: Callable[[Sequence[Rule]], bool | None]) -> list[str]:
    """Rules that can't all be kept, of which any can be left out for the others to be: what is left when none more can be."""
    needed = list(hard)
    for rule in hard:
        others = [other for other in needed if other is not rule]
        if possible(others) is False:
            needed = others
    return [rule.name for rule in needed]


def _without(names: Sequence[str]) -> str:
    quoted = [f"'{name}'" for name in names]
    return f"; without the rule {' or '.join(quoted)} everybody could be seated"


def _listed(names: Sequence[str]) -> str:
    quoted = [f"'{name}'" for name in names]
    return (
        f"the rules {', '.join(quoted[:-1])} and {quoted[-1]}" if len(quoted) > 1 else f"the sizes of the tables and the rule {quoted[0]}"
    )


def _culprit(crowd: Crowd, rules: Sequence[Rule], constraints: Constraints) -> str | None:
    for rule in rules:
        if isinstance(rule, HardRule):
            others = [other for other in rules if other is not rule]
            relaxed = Constraints.of(crowd, others, constraints.low, constraints.high)
            order = np.arange(len(crowd))
            if not hopeless(crowd, relaxed) and (feasible_tables(relaxed, order, np.random.default_rng(0)) >= 0).all():
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
