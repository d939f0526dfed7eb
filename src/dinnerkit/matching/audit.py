"""Whether a seating keeps the hard rules, told from the seating itself and not from how it was made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from dinnerkit.matching.constraints import Constraints
from dinnerkit.matching.crowd import Crowd
from dinnerkit.matching.guests import Guest
from dinnerkit.matching.rules import DEFAULT_RULES, Rule
from dinnerkit.matching.seating import Seating


def breaches(
    seating: Seating,
    guests: Iterable[Guest],
    *,
    size: int | tuple[int, int] = (5, 7),
    rules: Sequence[Rule] = DEFAULT_RULES,
) -> list[str]:
    """Every hard rule that a seating breaks, a phrase each; empty for a sound one.

    Args:
        seating: what to check.
        guests: all who were to be seated.
        size: fewest and most guests at a table.
        rules: those to keep.
    """
    low, high = (size, size) if isinstance(size, int) else size
    crowd = Crowd.of(list(guests))
    constraints = Constraints.of(crowd, rules, low, high)
    place = {name: number for number, name in enumerate(crowd.ids)}
    labels = np.full(len(crowd), -1)
    found: list[str] = []
    for number, table in enumerate(seating.tables, 1):
        if not low <= len(table.guests) <= high:
            found.append(f"table {number} has {len(table.guests)} guests")
        for name in table.guests:
            if labels[place[name]] >= 0:
                found.append(f"guest '{name}' has two places")
            labels[place[name]] = number
    unseated = {one.guest for one in seating.unseated}
    found += [f"guest '{name}' is lost" for name, label in zip(crowd.ids, labels, strict=True) if (label < 0) != (name in unseated)]
    found += [f"table {table} breaks a rule about who may sit together" for table in constraints.broken_tables(labels)]
    for members in constraints.together():
        if len(np.unique(labels[members])) > 1:
            found.append(f"party '{crowd.party_names[crowd.party[members[0]]]}' is separated")
    return found
