"""Whether a seating keeps the hard rules, told from the seating itself and not from how it was made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from dinnerkit.matching.people.crowd import Crowd
from dinnerkit.matching.people.guests import Guest
from dinnerkit.matching.rules.default_rules import DEFAULT_RULES
from dinnerkit.matching.rules.kinds import Demand, Rule, TableRule
from dinnerkit.matching.seating.constraints import Constraints
from dinnerkit.matching.seating.rooms import Room, Size
from dinnerkit.matching.seating.tables import Seating
from dinnerkit.matching.solving.state import Ints

_ROUNDING = 1e-4


def breaches(
    seating: Seating,
    guests: Iterable[Guest],
    *,
    size: Size = (5, 7),
    rules: Sequence[Rule] = DEFAULT_RULES,
) -> list[str]:
    """Every hard rule that a seating breaks, a phrase each; empty for a sound one.

    Args:
        seating: what to check.
        guests: all who were to be seated.
        size: fewest and most guests at a table, or the venue's tables, as :func:`seat` takes it.
        rules: those to keep.
    """
    room = Room.of(size)
    crowd = Crowd.of(list(guests))
    constraints = Constraints.of(crowd, rules, room.low, room.high)
    place = {name: number for number, name in enumerate(crowd.ids)}
    labels = np.full(len(crowd), -1)
    found: list[str] = []
    for number, table in enumerate(seating.tables, 1):
        own = room.tables[table.at] if room.tables is not None and table.at is not None else room
        if not own.low <= len(table.guests) <= own.high:
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
    return found + _unserved(seating, crowd, room, rules, labels) + _as_a_whole(crowd, rules, labels) + _demanded(crowd, rules, labels)


def _unserved(seating: Seating, crowd: Crowd, room: Room, rules: Sequence[Rule], labels: Ints) -> list[str]:
    """Guests whose table can't serve them."""
    served = room.served(crowd, rules, len(seating.tables))
    found = []
    for one in np.flatnonzero(labels >= 0):
        at = seating.tables[labels[one] - 1].at
        if (crowd.particulars.diets[one] & ~served[labels[one] - 1 if at is None else at]).any():
            found.append(f"guest '{crowd.ids[one]}' can't be served at table {labels[one]}")
    return found


def _as_a_whole(crowd: Crowd, rules: Sequence[Rule], labels: Ints) -> list[str]:
    """Rules about whole tables that are broken; shares are those of the guests who are seated."""
    found = []
    seated = np.flatnonzero(labels >= 0)
    for rule in rules:
        if not isinstance(rule, TableRule) or not len(seated):
            continue
        columns = rule.columns(crowd)
        for table in np.unique(labels[seated]):
            members = columns[labels == table]
            counts, sizes = members.sum(axis=0, dtype=np.float32)[None], np.array([len(members)], np.float32)
            if rule.faults(counts, sizes, columns[seated].mean(axis=0))[0] > 0:
                found.append(f"table {table} breaks the rule {rule.name}: {rule.broken}")
    return found


def _demanded(crowd: Crowd, rules: Sequence[Rule], labels: Ints) -> list[str]:
    """Tables that earn less of a soft rule than is demanded."""
    found = []
    for demand in rules:
        if not isinstance(demand, Demand) or not demand.rule.in_play(crowd.take(np.flatnonzero(labels >= 0))):
            continue
        for table in np.unique(labels[labels >= 0]):
            members = np.flatnonzero(labels == table)
            one, other = np.triu_indices(len(members), 1)
            if len(one) and demand.rule.score(crowd, members[one], members[other]).mean(dtype=np.float64) < demand.least - _ROUNDING:
                found.append(f"table {table} breaks the rule {demand.name}: {demand.broken}")
    return found
