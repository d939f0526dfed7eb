"""What remains when guests have good tables by pairs: rules about whole tables, a venue's own tables, and the floor."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from dinnerkit.matching.people.crowd import Crowd
from dinnerkit.matching.rules.kinds import Demand, Floor, Rule, TableRule, TableWish
from dinnerkit.matching.seating.constraints import Constraints
from dinnerkit.matching.seating.deadline import Deadline
from dinnerkit.matching.seating.diagnosis import Cause, named
from dinnerkit.matching.seating.house import House
from dinnerkit.matching.seating.rooms import Room
from dinnerkit.matching.seating.settling import Settling
from dinnerkit.matching.solving.state import Ints

NEVER = Deadline()

_ATTEMPTS = 4
_POLISHED_UP_TO = 1000
_SWEEPS = 2


@dataclass(frozen=True, slots=True)
class Finished:
    """Tables by all rules.

    Attributes:
        labels: (n,), the table of each guest, -1 for those who had to be left out.
        left: why, by the places of those left out.
        faults: by the names of rules, the tables that break them; empty unless everybody was to be seated whatever breaks.
    """

    labels: Ints
    left: dict[int, Cause]
    faults: dict[str, tuple[int, ...]]


def asks_for_more(rules: Sequence[Rule], room: Room, crowd: Crowd) -> bool:
    """Whether the rules say more than pairs of guests and equal tables can."""
    if room.tables is not None or any(isinstance(rule, Floor) for rule in rules):
        return True
    company = room.company(crowd)
    if any(isinstance(rule, TableWish) and rule.in_play(company) for rule in rules):
        return True
    if any(isinstance(rule, Demand) and rule.rule.in_play(company) for rule in rules):
        return True
    return any(isinstance(rule, TableRule) and rule.columns(company).any() for rule in rules)


def lost_by_tables(crowd: Crowd, rules: Sequence[Rule]) -> list[Cause]:
    """Guests who would break a rule about whole tables at any table."""
    causes = []
    for rule in rules:
        if isinstance(rule, TableRule):
            for guests, why in rule.hopeless(crowd):
                causes.append(Cause(rule.name, tuple(guests), f"{named(crowd, guests)} {why}"))
    return causes


def finished(house: House, labels: Ints, rng: np.random.Generator, *, whatever: bool = False, deadline: Deadline = NEVER) -> Finished:
    """Guests exchanged until every rule is kept and every table is above the floor, as far as is found; then for the score.

    Args:
        house: the judge.
        labels: (n,), where everybody sits; nobody is unseated.
        rng: the source of chance.
        whatever: keep everybody seated, whatever is still broken; otherwise those at broken tables are sent away.
        deadline: when to end but for what hard rules ask.
    """
    if not len(labels):
        return Finished(labels, {}, {})
    best: tuple[float, Settling] | None = None
    for _ in range(_ATTEMPTS):
        settling = Settling(house, labels, rng)
        faults = settling.mend().faults
        if best is None or faults < best[0]:
            best = faults, settling
        if faults == 0 or deadline.over()():
            break
    assert best is not None  # noqa: S101 - there is at least one attempt
    settling = best[1]
    if len(labels) <= _POLISHED_UP_TO:
        settling.polish(_SWEEPS, deadline.over(0.5 if house.least else 1.0))
    else:
        settling.fulfil(deadline.over(0.5 if house.least else 1.0))
    if house.least and settling.lift(deadline.over(0.8)):
        settling.polish(1, deadline.over())
    found = settling.labels()
    if settling.faults == 0:
        return Finished(found, {}, {})
    if whatever:
        return Finished(found, {}, _faulty(house, found))
    return _sent_away(house, found)


def soundest(house: House, starts: Iterable[Ints], rng: np.random.Generator, deadline: Deadline) -> Finished:
    """The tables finished from the first start, or from the next where somebody is left out; of all, those that leave out the fewest."""
    best: Finished | None = None
    for labels in starts:
        ended = finished(house, labels, rng, deadline=deadline)
        if best is None or len(ended.left) < len(best.left):
            best = ended
        if not best.left:
            break
    assert best is not None  # noqa: S101 - there is at least one start
    return best


def gone_on(house: House, labels: Ints, rng: np.random.Generator, until: Callable[[], bool]) -> Ints:
    """Better tables, for as long as there is time; no rule that was kept is broken.

    Args:
        house: the judge.
        labels: (n,), where everybody sits.
        rng: the source of chance.
        until: whether time is up.
    """
    settling = Settling(house, labels, rng)
    settling.roam(until)
    return settling.labels()


def _faulty(house: House, labels: Ints) -> dict[str, tuple[int, ...]]:
    rows = house.rows(labels)
    by_rule = house.faults_by_rule(rows, np.arange(len(house)))
    return {name: tuple(np.flatnonzero(faults > 0).tolist()) for name, faults in by_rule.items() if (faults > 0).any()}


def _sent_away(house: House, labels: Ints) -> Finished:
    """As few guests as is found sent away from broken tables, and told by which rule; who fits elsewhere goes there."""
    labels = labels.copy()
    left: dict[int, Cause] = {}
    names = house.broken
    for table, faults in enumerate(house.faults(house.rows(labels), np.arange(len(house)))):
        if faults == 0:
            continue
        by_rule = house.faults_by_rule(np.flatnonzero(labels == table)[None], np.array([table]))
        worst = max(by_rule, key=lambda name: float(by_rule[name][0]))
        why = f"no seating was found that keeps the rule '{worst}' at every table"
        why += f" (otherwise {names[worst]})" if worst in names else ""
        for one in _thinned(house, labels, table):
            left[one] = Cause(worst, (one,), why)
    for members in sorted((unit for unit in house.constraints.units() if labels[unit[0]] < 0), key=len, reverse=True):
        for table in np.unique(labels[labels >= 0]):
            tried = labels.copy()
            tried[members] = table
            if not _wrong(house, tried, int(table)):
                labels = tried
                left = {one: why for one, why in left.items() if one not in members}
                break
    return Finished(labels, left, {})


def _thinned(house: House, labels: Ints, table: int) -> list[int]:
    """Those sent away from a table for it to keep the rules, all if need be; changes ``labels``."""
    gone: list[int] = []
    while (wrong := _wrong(house, labels, table)) > 0:
        guests = np.flatnonzero(labels == table)
        units = [guests[house.constraints.unit[guests] == unit] for unit in np.unique(house.constraints.unit[guests])]
        tried = []
        for members in units:
            without = labels.copy()
            without[members] = -1
            tried.append((_wrong(house, without, table), len(members)))
        best = min(range(len(units)), key=lambda number: tried[number])
        leaving = units[best] if tried[best][0] < wrong and len(guests) - len(units[best]) >= house.lows[table] else guests
        labels[leaving] = -1
        gone += leaving.tolist()
    return gone


def _wrong(house: House, labels: Ints, table: int) -> float:
    guests = np.flatnonzero(labels == table)
    return float(house.faults(guests[None], np.array([table]))[0]) if len(guests) else 0.0


def numbered(constraints: Constraints, room: Room, labels: Ints) -> tuple[Constraints, Ints, Ints]:
    """The used tables of a venue without gaps: the constraints for them, the labels, and each one's place in the venue."""
    used, places = np.unique(labels, return_inverse=True)
    lows, highs = room.seats(0)
    return replace(constraints, tables=(lows[used], highs[used])), places.reshape(-1).astype(np.int64), used
