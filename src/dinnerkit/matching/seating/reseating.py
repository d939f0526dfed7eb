"""Seating again after cancellations, no-shows and late bookings, so that as few people as possible change tables."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from dinnerkit.matching.arguments import typed, typed_fields
from dinnerkit.matching.errors import GuestInvalid, RuleInvalid, SeatingImpossible
from dinnerkit.matching.people.crowd import Crowd
from dinnerkit.matching.people.guests import Guest, check_types
from dinnerkit.matching.rules.default_rules import DEFAULT_RULES
from dinnerkit.matching.rules.kinds import Rule
from dinnerkit.matching.seating.constraints import Constraints
from dinnerkit.matching.seating.deadline import Deadline
from dinnerkit.matching.seating.exhaustive import best_tables, fewest_moves
from dinnerkit.matching.seating.following import Following
from dinnerkit.matching.seating.house import House
from dinnerkit.matching.seating.impossible import impossible
from dinnerkit.matching.seating.lowest import below_floor
from dinnerkit.matching.seating.newcomers import placed_without_moves
from dinnerkit.matching.seating.refusing import no_way, without_hope
from dinnerkit.matching.seating.rooms import Room, Size
from dinnerkit.matching.seating.scoring import Scoring
from dinnerkit.matching.seating.seat import Search, check, result, seated, tables_of
from dinnerkit.matching.seating.settling import Settling
from dinnerkit.matching.seating.tables import Seating, check_among, mean_score, worst_score
from dinnerkit.matching.solving.solver import RunRecord
from dinnerkit.matching.solving.state import Ints

MOVE_FEE = 5000.0
"""What a guest away from their table costs while rules are mended: more than an exchange can gain in score, less than a fault."""

_MOST_DISSOLVED = 4
_SWEEPS_HOME = 10
_MOST_SENT_HOME = 30


@typed_fields
@dataclass(frozen=True, slots=True)
class Changes:
    """What has happened since a seating.

    Attributes:
        gone: ids of guests who cancelled or did not show up.
        come: guests who booked late.
    """

    gone: frozenset[str] = frozenset()
    come: tuple[Guest, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Move:
    """A guest who changes tables.

    Attributes:
        guest: the id.
        before: the number of the table in the earlier seating, from 1.
        after: the number of the table in the new seating, from 1.
    """

    guest: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """What can be had for so many moves.

    Attributes:
        moves: how many guests change tables.
        score: of the whole seating, 0–100, rounded as :attr:`Seating.score` is: a point that is better by less may be told as no better.
        floor: of its worst table.
    """

    moves: int
    score: float
    floor: float


@dataclass(frozen=True, slots=True)
class Reseating:
    """A seating that was changed.

    Attributes:
        seating: the new one; tables that are still there come first, in their order.
        moved: the guests who had a table before and now have another.
        needed: how many of the moves the hard rules asked for, as far as was found.
        curve: moves against score, from as few moves as needed up to the budget.
    """

    seating: Seating
    moved: tuple[Move, ...]
    needed: int
    curve: tuple[CurvePoint, ...]


@typed
def reseat(
    seating: Seating,
    changes: Changes,
    budget: int = 0,
    *,
    guests: Iterable[Guest],
    size: Size = (5, 7),
    rules: Sequence[Rule] = DEFAULT_RULES,
    seed: int = 0,
) -> Reseating:
    """Seat again with as few guests as possible at another table than before.

    Newcomers get a place; guests move only where a hard rule can't be kept otherwise, and beyond that as many as the budget allows,
    each for as much gain in score as is found. Where the rules need more moves than the budget, they are made all the same. Of up to a
    dozen or so (a party counts as one) every way is tried: no fewer moves would do, and no seating within the budget scores more.

    Args:
        seating: the earlier one.
        changes: who is gone and who has come. Guests whom the earlier seating left out are taken for newcomers.
        budget: how many guests may move, those who must included.
        guests: those of the earlier seating, with all that the rules read.
        size: as :func:`seat` takes it; of a venue's own tables the same list as before.
        rules: the rules.
        seed: what all chance is drawn from.

    Raises:
        SeatingImpossible: no seating was found that keeps the hard rules, neither from the earlier tables nor by :func:`seat` for this
            seed; of a few guests, there is none.
        GuestInvalid: somebody gone was not there, somebody come is there already, or somebody who had a table is not among the guests.
        RuleInvalid: the budget, a size or a rule makes no sense.
    """
    if budget < 0:
        raise RuleInvalid(f"the budget of moves must be 0 or more, not {budget}")
    began = time.monotonic()
    case = _Case(seating, changes, tuple(guests), Room.of(size), rules, seed)
    needed, curve = case.settle(budget)
    found = case.seating(RunRecord(seed, len(curve), time.monotonic() - began, "numpy"))
    return Reseating(found, case.moved(found), needed, tuple(curve))


@typed
def moves_against_score(
    seating: Seating,
    changes: Changes,
    *,
    guests: Iterable[Guest],
    size: Size = (5, 7),
    rules: Sequence[Rule] = DEFAULT_RULES,
    seed: int = 0,
    most: int | None = None,
) -> tuple[CurvePoint, ...]:
    """The curve of moves against score: for more and more moves, the best that is found.

    Up to about a dozen guests it is what :func:`reseat` reaches with that budget. Of more, this looks further than :func:`reseat` with a
    small budget does, which may end somewhat lower, or higher.

    The arguments are those of :func:`reseat`; ``most`` is the largest number of moves to look at, by default all guests.
    """
    everybody = tuple(guests)
    return reseat(seating, changes, len(everybody) if most is None else most, guests=everybody, size=size, rules=rules, seed=seed).curve


class _Case:
    """One reseating under way."""

    def __init__(self, earlier: Seating, changes: Changes, guests: tuple[Guest, ...], room: Room, rules: Sequence[Rule], seed: int) -> None:
        check(rules, None, seed)
        self._earlier, self._rules, self._room = earlier, rules, room
        self._crowd = Crowd.of(_present(earlier, guests, changes))
        self._seed, self._rng = seed, np.random.default_rng(seed)
        self._scoring = Scoring.of(self._crowd, rules)
        place = {name: number for number, name in enumerate(self._crowd.ids)}
        self._home = np.full(len(place), -1)
        for number, table in enumerate(earlier.tables):
            for name in table.guests:
                if name in place:
                    self._home[place[name]] = number if room.tables is None else room.place(table.at)
        constraints = Constraints.of(self._crowd, rules, room.low, room.high)
        spare = len(self._crowd) // room.low - len(np.unique(self._home[self._home >= 0])) if room.tables is None else 0
        tables = len(room.tables) if room.tables is not None else max(1, len(earlier.tables) + max(0, spare))
        self._house = House(self._crowd, constraints, self._scoring, rules, room, tables)
        self._labels = self._home.copy()

    def settle(self, budget: int) -> tuple[int, list[CurvePoint]]:
        """Find the tables: first as few moves as the rules need, then better ones within the budget."""
        if not len(self._crowd):
            return 0, [CurvePoint(0, 0.0, 0.0)]
        ways = fewest_moves(self._house, self._home, budget)
        if ways is not None and not ways:
            raise self._refused()
        curve: list[CurvePoint] = []
        for labels in self._searched(budget) if ways is None else ways:
            self._labels = labels
            self._note(curve)
        return curve[0].moves, curve  # which may be fewer than a search began with: a better place can be the one from before

    def _refused(self) -> SeatingImpossible:
        """That there is no seating, of a few guests, and why: told as where they are seated for the first time."""
        crowd, rules, room = self._crowd, self._rules, self._room
        causes = without_hope(crowd, self._house.constraints, rules, room, best_effort=False)
        if not causes:
            labels = best_tables(self._house)
            left = np.arange(len(crowd)) if labels is None else np.flatnonzero(labels < 0)
            causes = [no_way(crowd, self._scoring, rules, room, left)]
        return impossible(causes, crowd, proved=True)

    def _searched(self, budget: int) -> Iterator[Ints]:
        """Tables with as few moves as are found, and then better and better ones within the budget."""
        start = placed_without_moves(self._house, self._home, self._rng)
        settling = self._settling(start) if start is not None else self._with_moves()
        if settling.faults:
            settling = self._anew()
        most = max(budget, self._moves(settling.labels()))
        while True:
            labels = settling.labels()
            yield labels
            found = settling.best(most - self._moves(labels))
            if found is None:
                return
            settling.take(found)

    def seating(self, run: RunRecord) -> Seating:
        """The seating, tables in their earlier order."""
        order = np.arange(len(self._house))
        found = result(self._crowd, self._scoring, self._labels, order, (), self._rng, run)
        if self._room.tables is None:
            found = replace(found, tables=tuple(replace(table, at=None) for table in found.tables))
        return replace(found, below=below_floor(found.tables, self._rules))

    def moved(self, found: Seating) -> tuple[Move, ...]:
        """Who sits elsewhere than before."""
        before = {name: number for number, table in enumerate(self._earlier.tables, 1) for name in table.guests}
        after = {name: number for number, table in enumerate(found.tables, 1) for name in table.guests}
        away = np.flatnonzero(self._away(self._labels))
        return tuple(Move(name, before[name], after[name]) for name in (self._crowd.ids[one] for one in away))

    def _settling(self, labels: Ints, fee: float = 0.0, fixed: NDArray[np.bool_] | None = None) -> Settling:
        return Settling(self._house, labels, self._rng, fixed=fixed, home=self._home, fee=fee)

    def _with_moves(self) -> Settling:
        """As few moves as are found: from the earlier tables, and from those with some that became too small dissolved."""
        best: tuple[tuple[float, int, float], Ints] | None = None
        for dissolved in self._dissolutions():
            labels = np.where(np.isin(self._home, dissolved), -1, self._home)
            settling = self._settling(_somewhere(self._house, labels, dissolved), MOVE_FEE)
            settling.mend()
            settling.polish(1)
            found = settling.labels()
            rank = settling.faults, self._moves(found), -float(self._house.scores(self._house.rows(found)).sum())
            if best is None or rank < best[0]:
                best = rank, found
        assert best is not None  # noqa: S101 - nothing dissolved is always tried
        return self._settling(best[1])

    def _anew(self) -> Settling:
        """What :func:`seat` finds for the same seed, and then with as many at their earlier tables as the rules are found to allow.

        Raises:
            SeatingImpossible: none are found.
        """
        search = Search(self._seed, Deadline(), best_effort=False, following=Following(), rng=np.random.default_rng(self._seed))
        found = seated(self._crowd, self._scoring, self._rules, self._room, search)
        labels = found.labels if self._room.tables is None else found.at[found.labels]
        settling = self._settling(labels, MOVE_FEE)
        settling.polish(_SWEEPS_HOME)
        return self._settling(self._sent_home(settling.labels()))

    def _sent_home(self, labels: Ints) -> Ints:
        """The tables with fewer moves: one guest after another is sent home, where the others then keep the rules with fewer in all."""
        unit = self._house.constraints.unit
        for guest in self._rng.permutation(np.flatnonzero(self._away(labels)))[:_MOST_SENT_HOME]:
            if not self._away(labels)[guest]:
                continue
            party = unit == unit[guest]
            settling = self._settling(np.where(party, self._home[guest], labels), MOVE_FEE, fixed=party)
            settling.mend()
            settling.polish(_SWEEPS_HOME)
            if not settling.faults and self._moves(settling.labels()) < self._moves(labels):
                labels = settling.labels()
        return labels

    def _dissolutions(self) -> list[list[int]]:
        """Sets of tables that may have become too small to go on."""
        sizes = np.bincount(self._home[self._home >= 0], minlength=len(self._house))
        small = np.flatnonzero((sizes > 0) & (sizes < self._house.lows))
        small = small[np.argsort(sizes[small], kind="stable")][:_MOST_DISSOLVED].tolist()
        return [list(some) for count in range(len(small) + 1) for some in combinations(small, count)]

    def _note(self, curve: list[CurvePoint]) -> None:
        moves = self._moves(self._labels)
        tables = tables_of(self._crowd, self._scoring, self._labels, np.arange(len(self._house)))
        point = CurvePoint(moves, mean_score(tables), worst_score(tables))
        while curve and curve[-1].moves >= moves:
            curve.pop()
        curve.append(point)

    def _moves(self, labels: Ints) -> int:
        return int(self._away(labels).sum())

    def _away(self, labels: Ints) -> NDArray[np.bool_]:
        """(n,), who had a table and now has another."""
        return np.asarray((self._home >= 0) & (labels != self._home), np.bool_)


def _present(earlier: Seating, guests: tuple[Guest, ...], changes: Changes) -> list[Guest]:
    for guest in (*guests, *changes.come):
        check_types(guest)
    known = {guest.id for guest in guests}
    check_among(earlier, known)
    strangers = sorted(changes.gone - known)
    if strangers:
        raise GuestInvalid(f"guest '{strangers[0]}' can't be gone: nobody of that id was there", guests=strangers)
    twice = sorted(guest.id for guest in changes.come if guest.id in known - changes.gone)
    if twice:
        raise GuestInvalid(f"guest '{twice[0]}' has come, but is there already", guests=twice)
    return [guest for guest in guests if guest.id not in changes.gone] + list(changes.come)


def _somewhere(house: House, labels: Ints, closed: Sequence[int]) -> Ints:
    """Everybody without a table put where there is most room, parties whole; tables that are closed get nobody."""
    labels = labels.copy()
    filled = np.bincount(labels[labels >= 0], minlength=len(house))
    room = house.highs.astype(np.float64)
    room[list(closed)] = 0
    for unit in sorted(house.constraints.units(), key=len, reverse=True):
        if (labels[unit] >= 0).all():
            continue
        own = labels[unit][labels[unit] >= 0]
        used = np.where(filled > 0, room - filled, room / 100.0)
        target = int(own[0]) if len(own) else int(np.argmax(used))
        filled -= np.bincount(own, minlength=len(house))
        labels[unit] = target
        filled[target] += len(unit)
    return labels
