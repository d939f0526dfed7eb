"""Seating: who sits with whom, how good that is and why."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from dinnerkit.matching.arguments import typed
from dinnerkit.matching.errors import RuleInvalid, SeatingImpossible
from dinnerkit.matching.people.crowd import Crowd
from dinnerkit.matching.people.guests import Guest
from dinnerkit.matching.rules.default_rules import DEFAULT_RULES
from dinnerkit.matching.rules.kinds import Demand, Floor, HardRule, Rule, SoftRule, TableRule, TableWish
from dinnerkit.matching.seating.arranging import AT_ONCE, Budget, arranged, similar_order
from dinnerkit.matching.seating.constraints import Constraints
from dinnerkit.matching.seating.counting import rows_of
from dinnerkit.matching.seating.deadline import Deadline
from dinnerkit.matching.seating.diagnosis import Cause, named
from dinnerkit.matching.seating.exhaustive import best_tables
from dinnerkit.matching.seating.feasible import feasible_tables
from dinnerkit.matching.seating.finishing import asks_for_more, gone_on, numbered, soundest
from dinnerkit.matching.seating.following import Following, Halfway
from dinnerkit.matching.seating.house import House, house_of
from dinnerkit.matching.seating.impossible import impossible, not_found
from dinnerkit.matching.seating.locked_tables import broken_by_locks, parted, unbearable
from dinnerkit.matching.seating.locks import LockedCompany, Locks
from dinnerkit.matching.seating.lowest import below_floor
from dinnerkit.matching.seating.refusing import no_way, not_divided, too_few_tables, without_hope
from dinnerkit.matching.seating.relaxing import broken_rules, least_broken
from dinnerkit.matching.seating.rooms import Room, Size
from dinnerkit.matching.seating.scoring import Scoring
from dinnerkit.matching.seating.tables import Seating, Table, Unseated, mean_score, worst_score
from dinnerkit.matching.seating.venue_tables import venue_tables
from dinnerkit.matching.seating.worst import lift_worst
from dinnerkit.matching.solving.checking import check_processes, check_seed
from dinnerkit.matching.solving.dividing import MOST_UNITS
from dinnerkit.matching.solving.solver import Progress, RunRecord
from dinnerkit.matching.solving.state import Ints

NOTHING_LOCKED = Locks()

_FIRST_SHARE = 0.6
"""Of the time, what the fast search on pairs gets where rules about whole tables, a venue or a floor ask for more afterwards."""

_SECONDS_OF_FEW = 0.5
"""Where there is less time, not every way to seat a few guests is tried."""


@typed
def seat(
    guests: Iterable[Guest],
    *,
    size: Size = (5, 7),
    rules: Sequence[Rule] = DEFAULT_RULES,
    seed: int = 0,
    seconds: float | None = None,
    best_effort: bool = False,
    everybody: bool = False,
    locked: Locks = NOTHING_LOCKED,
    processes: int = 1,
    progress: Progress | None = None,
    best: Callable[[float], None] | None = None,
    halfway: Callable[[Halfway], None] | None = None,
    resume: Halfway | None = None,
) -> Seating:
    """Seat guests at tables that keep all hard rules and score as well as can be found by the soft ones.

    The result depends on the arguments alone, on one installation; with ``seconds`` also on the speed of the machine.

    Args:
        guests: whom to seat; ids must be unique.
        size: fewest and most guests at a table, or one number for both; or a list of a venue's own tables, each a number, such a
            pair, or a :class:`VenueTable`, of which any may stay empty.
        rules: hard and soft ones, see :mod:`dinnerkit.matching.rules.default_rules`. The table size is always kept.
        seed: what all chance is drawn from.
        seconds: how long to search, by the clock; by default as long as suits the number of guests. Beyond it goes on only what is
            still looking for tables that keep the hard rules.
        best_effort: seat as many as can be, and list the others with reasons, in place of an error.
        everybody: where the hard rules can't all be met, seat everybody and break as few as is found, in place of an error; what is
            broken is in :attr:`Seating.broken`. Not where locked tables leave none.
        locked: what stays as it is; guests at locked tables take no part in the search. Locked tables that part those who came
            together, or seat those who must not sit together, are impossible; what else they break is in :attr:`Seating.broken`.
        processes: how many search, where there are more than some hundreds of guests; the answer does not depend on that.
        progress: told the fraction done, 0–1; raising from it cancels.
        best: told the best score so far, 0–100, of those who take part in the search, whenever that is higher than before.
        halfway: told where the search is after each of its rounds, of which there are some where there are more than some
            hundreds of guests.
        resume: where an earlier call with the same arguments was: this one goes on from there, and finds what that would have
            found. ``seconds``, if given, are what is left of them.

    Raises:
        SeatingImpossible: the hard rules can't all be met; says why in one line.
        GuestInvalid: an id occurs twice.
        RuleInvalid: a size, rule, time, seed or number of processes makes no sense, or what is to be resumed was another seating.
    """
    room = Room.of(size)
    check(rules, seconds, seed, processes)
    began = time.monotonic()
    crowd = Crowd.of(list(guests))
    if locked.guests:
        rules = (*rules, LockedCompany(locked.guests))
    scoring = Scoring.of(crowd, rules)
    kept = locked.labels(crowd)
    against = unbearable(crowd, Constraints.of(crowd, rules, room.low, room.high), kept) if locked.tables else []
    if against and not everybody:
        raise impossible(against, crowd, proved=True)
    free = np.flatnonzero(kept < 0)
    following = Following(progress, best, halfway, resume)
    earlier = locked.earlier(crowd, room)
    before = None if earlier is None else earlier[free]
    search = Search(seed, Deadline.within(began, seconds), best_effort, following, np.random.default_rng(seed), processes, before)
    locked_at = locked.places(room)
    sitting = frozenset(crowd.ids[one] for one in np.flatnonzero(kept >= 0))
    rest = room.without(locked_at, sitting, crowd)
    try:
        found = seated(crowd.take(free), scoring, rules, rest, search)
    except SeatingImpossible:
        if not everybody or rest.full:
            raise
        found = _all_seated(crowd.take(free), scoring, rules, rest, search)
    labels = np.full(len(crowd), -1)
    labels[free] = found.labels
    labels[kept >= 0] = kept[kept >= 0] + len(found.at)
    unseated = tuple(Unseated(crowd.ids[free[one]], why.text, why.rule) for one, why in sorted(found.reasons.items()))
    run = replace(found.run, seed=seed, seconds=time.monotonic() - began)
    at = np.concatenate([found.at, locked_at]).astype(np.int64)
    seating = result(crowd, scoring, labels, at, unseated, search.rng, run)
    there = crowd.take(np.flatnonzero(labels >= 0))
    if everybody:
        broken = broken_rules(there, scoring, rules, room, dict(enumerate(seating.tables, 1))) + parted(against, crowd, seating.tables)
    else:
        broken = broken_by_locks(there, scoring, rules, room, seating.tables, sitting) if locked.tables else ()
    return replace(seating, below=below_floor(seating.tables, rules), broken=broken)


@dataclass(frozen=True, slots=True)
class Search:
    """How long to search, with what, and from where: (n,), the table of each guest before, -1 for none; None if there was no before."""

    seed: int
    deadline: Deadline
    best_effort: bool
    following: Following
    rng: np.random.Generator
    processes: int = 1
    before: Ints | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """(n,) labels, -1 for those left out; why, by their places; by label, the table's place in the venue; and how it was found."""

    labels: Ints
    reasons: dict[int, Cause]
    at: Ints
    run: RunRecord


@dataclass(frozen=True, slots=True)
class _Placed:
    labels: Ints
    cause: Cause | None


def check(rules: Sequence[Rule], seconds: float | None, seed: int, processes: int = 1) -> None:
    """Refuse what is not a rule, rules given twice, and times, seeds and numbers of processes that make no sense.

    Raises:
        RuleInvalid: one of these.
    """
    check_seed(seed)
    names = set()
    for rule in rules:
        if isinstance(rule, type) or not isinstance(rule, SoftRule | HardRule | TableRule | TableWish | Demand | Floor):
            raise RuleInvalid(f"{rule!r} is not a rule")
        if rule.name in names:
            raise RuleInvalid(f"the rule {rule.name} is given more than once")
        names.add(rule.name)
    if seconds is not None and not (math.isfinite(seconds) and seconds > 0):
        raise RuleInvalid(f"seconds must be a positive number, not {seconds}")
    check_processes(processes)


def seated(crowd: Crowd, scoring: Scoring, rules: Sequence[Rule], room: Room, search: Search) -> Found:
    """Tables for those who are not locked."""
    constraints = Constraints.of(crowd, rules, room.low, room.high)
    reasons = _without_hope(crowd, constraints, rules, room, best_effort=search.best_effort)
    hopeful = np.setdiff1d(np.arange(len(crowd)), list(reasons)).astype(np.int64) if reasons else np.arange(len(crowd))
    if (few := _of_few(crowd, constraints, scoring, rules, room, hopeful, reasons, search)) is not None:
        return few
    placed = _place(crowd, constraints, scoring, rules, room, hopeful, search)
    left = hopeful[placed.labels < 0]
    if len(left):
        cause = placed.cause or not_found(crowd, rules, constraints, left)
        if not search.best_effort:
            raise impossible([cause], crowd, proved=False)
        reasons |= dict.fromkeys((int(one) for one in left), cause)
    labels = _among(len(crowd), hopeful, placed.labels)
    del hopeful, placed  # of a million guests they would take as much as what the search needs
    part, keep, begun, at = crowd, constraints, labels, np.full(int(labels.max(initial=-1)) + 1, -1)
    if reasons:
        places = np.flatnonzero(labels >= 0)
        part, keep, begun = crowd.take(places), constraints.take(places), labels[places]
    if room.tables is not None and len(begun):
        keep, begun, at = numbered(keep, room, begun)
    more = asks_for_more(rules, room, crowd)
    share, until = _FIRST_SHARE if more else 1.0, search.deadline.over()
    spare = None if search.deadline.left is None else share * search.deadline.left
    budget = Budget(search.seed, spare, search.following.part(share), search.processes, search.deadline.clock)
    found, run = arranged(part, keep, scoring, begun, budget)
    if not more and len(found) > AT_ONCE and scoring.rules and not until():
        found = lift_worst((part, keep, scoring), rules, room, found, search.rng, until)
    if more:
        found, at = _finished(part, keep, scoring, rules, room, (found, begun, at, np.flatnonzero(labels >= 0)), reasons, search)
    labels[labels >= 0] = found
    return Found(labels, reasons, at, run)


def _of_few(
    crowd: Crowd,
    constraints: Constraints,
    scoring: Scoring,
    rules: Sequence[Rule],
    room: Room,
    hopeful: Ints,
    reasons: dict[int, Cause],
    search: Search,
) -> Found | None:
    """The best tables for those with hope, where they are so few that all can be tried; adds to ``reasons`` those who have none."""
    following = search.following
    hurried = search.deadline.left is not None and search.deadline.left < _SECONDS_OF_FEW
    if hurried or not 0 < len(hopeful) <= MOST_UNITS * room.high or following.resume is not None:
        return None
    if len(np.unique(constraints.unit[hopeful])) > MOST_UNITS:
        return None
    began, lost = time.monotonic(), dict[int, Cause]()
    while True:
        house = house_of(crowd.take(hopeful), scoring, rules, room)
        labels = best_tables(house)
        if labels is None:
            return None
        left = labels < 0
        if left.any():
            cause = no_way(house.crowd, scoring, rules, room, np.flatnonzero(left))
            if not search.best_effort:
                raise impossible([cause], house.crowd, proved=True)
            lost |= dict.fromkeys(hopeful[left].tolist(), cause)
        if left.all() or not left.any():
            break
        hopeful = hopeful[~left]  # without whom a rule about everybody's share of something may ask for other tables
    reasons |= lost
    rows = rows_of(labels, len(house))
    following.reached(float((house.scores(rows) * (rows >= 0).sum(axis=1)).sum() / max(1, int((rows >= 0).sum()))))
    following.tell(1.0)
    at = np.full(len(house), -1) if room.tables is None else np.arange(len(house))
    return Found(_among(len(crowd), hopeful, labels), reasons, at, RunRecord(search.seed, 0, time.monotonic() - began, "numpy"))


def _among(guests: int, places: Ints, labels: Ints) -> Ints:
    """The labels of guests at these places among so many; -1 for the others."""
    if len(places) == guests:
        return labels
    spread = np.full(guests, -1)
    spread[places] = labels
    return spread


def _all_seated(crowd: Crowd, scoring: Scoring, rules: Sequence[Rule], room: Room, search: Search) -> Found:
    """Tables for all who are not locked, whatever that breaks."""
    began = time.monotonic()
    labels = least_broken(crowd, scoring, rules, room, search.rng)
    search.following.tell(1.0)
    at = np.full(int(labels.max(initial=-1)) + 1, -1) if room.tables is None else np.arange(len(room.tables))
    return Found(labels, {}, at, RunRecord(search.seed, 0, time.monotonic() - began, "numpy"))


def _finished(
    crowd: Crowd,
    constraints: Constraints,
    scoring: Scoring,
    rules: Sequence[Rule],
    room: Room,
    tables: tuple[Ints, Ints, Ints, Ints],
    reasons: dict[int, Cause],
    search: Search,
) -> tuple[Ints, Ints]:
    """The tables when the remaining rules are kept too; adds to ``reasons`` those who are sent away for it."""
    found, begun, at, places = tables
    if room.tables is not None:
        found, begun, at = at[found], at[begun], np.arange(len(room.tables))
    labels = found.copy()
    house, there = House(crowd, constraints, scoring, rules, room, len(at)), np.arange(len(crowd))
    while True:
        ended = soundest(house, (labels[there], begun[there]), search.rng, search.deadline)
        if ended.left and not search.best_effort:
            culprits = sorted(ended.left)
            why = ended.left[culprits[0]]
            raise impossible([Cause(why.rule, tuple(culprits), f"{named(crowd, culprits)}: {why.text}")], crowd, proved=False)
        labels[there] = ended.labels
        if not ended.left:
            break
        about_pairs = {*house.apart_by_rule, *(family.rule for family in house.constraints.families)}
        proof = too_few_tables(house.crowd, house.constraints, rules, room)
        reasons |= {int(places[there[one]]): proof if proof and why.rule in about_pairs else why for one, why in ended.left.items()}
        # Without those left out a rule about everybody's share of something may ask for other tables.
        there = np.flatnonzero(labels >= 0)
        house = House(crowd.take(there), constraints.take(there), scoring, rules, room, len(at))
        if house.keeps(labels[there]):
            break
    left = search.deadline.left
    if left is not None and len(there) and (scoring.rules or scoring.wishes):
        over, rest = search.deadline.over(), search.following.part(1.0 - _FIRST_SHARE, _FIRST_SHARE)
        labels[there] = gone_on(house, labels[there], search.rng, lambda: rest.tell(1.0 - (search.deadline.left or 0.0) / left) or over())
    search.following.tell(1.0)
    return labels, at


def _without_hope(crowd: Crowd, constraints: Constraints, rules: Sequence[Rule], room: Room, *, best_effort: bool) -> dict[int, Cause]:
    """Why guests who can't sit at any table can't, by their places; an error unless the best effort will do."""
    causes = without_hope(crowd, constraints, rules, room, best_effort=best_effort)
    if causes and not best_effort:
        raise impossible(causes, crowd, proved=True)
    units = constraints.unit
    lost = {one: cause for cause in reversed(causes) for one in cause.guests}
    return {one: lost[first] for first in lost for one in np.flatnonzero(units == units[first]).tolist()} | lost


def _place(
    crowd: Crowd, constraints: Constraints, scoring: Scoring, rules: Sequence[Rule], room: Room, hopeful: Ints, search: Search
) -> _Placed:
    """First tables for those with hope."""
    if not len(hopeful):
        return _Placed(np.zeros(0, np.int64), cause=None)
    part = constraints.take(hopeful)
    order = similar_order(scoring.axes(crowd)[hopeful], search.rng)
    before = None if search.before is None else search.before[hopeful]
    if room.tables is not None:
        labels = venue_tables(part, room, order, search.rng, before)
        return _Placed(labels, cause=not_divided(len(hopeful), room) if (labels < 0).any() else None)
    tables = feasible_tables(part, order, search.rng, before)
    return _Placed(tables, too_few_tables(crowd.take(hopeful), part, rules, room) if (tables < 0).any() else None)


def result(
    crowd: Crowd,
    scoring: Scoring,
    labels: Ints,
    at: Ints,
    unseated: tuple[Unseated, ...],
    rng: np.random.Generator,
    run: RunRecord,
) -> Seating:
    """The seating that labels stand for.

    Args:
        crowd: all guests.
        scoring: the soft rules.
        labels: (n,), the table of each, -1 is unseated.
        at: by label, the table's place in the venue; -1 if all are alike.
        unseated: those without a place.
        rng: the source of chance.
        run: how it was found.
    """
    seated = np.flatnonzero(labels >= 0)
    tables = tables_of(crowd, scoring, labels, at)
    return Seating(
        tables=tables,
        score=mean_score(tables),
        floor=worst_score(tables),
        chance=scoring.chance(crowd.take(seated), np.array([len(table.guests) for table in tables]), rng) if len(seated) else 0.0,
        seed=run.seed,
        unseated=unseated,
        run=run,
    )


def tables_of(crowd: Crowd, scoring: Scoring, labels: Ints, at: Ints) -> tuple[Table, ...]:
    """The tables that labels stand for, in the order of the venue's list, or of their first guests; see :func:`result`."""
    seated = np.flatnonzero(labels >= 0)
    names, first, numbers = np.unique(labels[seated], return_index=True, return_inverse=True)
    rank = np.empty(len(names), np.int64)
    places = at[names]
    rank[np.lexsort((first, places))] = np.arange(len(names))
    ordered = np.full(len(labels), -1)
    ordered[seated] = rank[numbers.reshape(-1)]
    members: list[list[str]] = [[] for _ in names]
    for one in seated:
        members[ordered[one]].append(crowd.ids[one])
    return tuple(
        Table(tuple(ids), sum(reason.points for reason in reasons), reasons, None if place < 0 else int(place))
        for ids, reasons, place in zip(members, scoring.reasons(crowd, ordered), np.sort(places), strict=True)
    )
