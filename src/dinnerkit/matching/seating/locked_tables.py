"""What tables that a host keeps as they are break by it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dinnerkit.matching.people.crowd import Crowd
from dinnerkit.matching.rules.kinds import Rule
from dinnerkit.matching.seating.constraints import Constraints
from dinnerkit.matching.seating.diagnosis import Cause, named
from dinnerkit.matching.seating.relaxing import broken_rules
from dinnerkit.matching.seating.rooms import Room
from dinnerkit.matching.seating.scoring import Scoring
from dinnerkit.matching.seating.tables import Broken, Table
from dinnerkit.matching.solving.state import Ints


def unbearable(crowd: Crowd, constraints: Constraints, kept: Ints) -> list[Cause]:
    """Why tables can't stay as they are: they seat together whom a rule keeps apart, or part those who came together.

    These are promises to guests, over which no host decides. A locked table that is too small by now, say, is the host's own affair.

    Args:
        crowd: all guests.
        constraints: theirs.
        kept: (n,), the number of each guest's locked table; -1 for the others.
    """
    one, other = constraints.apart.T
    clashing = np.flatnonzero((kept[one] >= 0) & (kept[one] == kept[other]))
    found = [
        Cause(constraints.apart_by, pair, f"{named(crowd, pair)} are at a locked table, and can't be seated together")
        for pair in ((int(one[place]), int(other[place])) for place in clashing)
    ]
    for members in constraints.together():
        with_some = kept[members] == kept[members].max()
        inside, left = members[with_some].tolist(), members[~with_some].tolist()
        if left:
            text = f"{named(crowd, left)} came with {named(crowd, inside)}, whose locked table gets no others"
            found.append(Cause("party", (*inside, *left), text))
    return found


def broken_by_locks(
    crowd: Crowd, scoring: Scoring, rules: Sequence[Rule], room: Room, tables: Sequence[Table], sitting: frozenset[str]
) -> tuple[Broken, ...]:
    """The hard rules that tables break which stay as they are.

    Args:
        crowd: all who have a table.
        scoring: the soft rules.
        rules: all rules.
        room: the tables that there are.
        tables: those of the seating.
        sitting: ids of those at tables that stay.
    """
    kept = {number: table for number, table in enumerate(tables, 1) if sitting.intersection(table.guests)}
    return broken_rules(crowd, scoring, rules, room, kept)


def parted(causes: Sequence[Cause], crowd: Crowd, tables: Sequence[Table]) -> tuple[Broken, ...]:
    """The tables that were kept although they part those who came together."""
    at = {name: number for number, table in enumerate(tables, 1) for name in table.guests}
    numbers = [at[crowd.ids[cause.guests[0]]] for cause in causes if cause.rule == "party"]
    return tuple(Broken("party", number, f"table {number} is without some who came with its guests") for number in sorted(set(numbers)))
