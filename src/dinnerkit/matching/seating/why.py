"""Why guests sit where they do: reasons that add up, what would have been better, and what prevented it.

All of it is for the host. What a guest may be shown is :func:`dinnerkit.matching.told_to_guests` alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from dinnerkit.matching.arguments import typed
from dinnerkit.matching.errors import GuestInvalid, RuleInvalid
from dinnerkit.matching.people.crowd import Crowd
from dinnerkit.matching.people.guests import Guest
from dinnerkit.matching.rules.default_rules import DEFAULT_RULES
from dinnerkit.matching.rules.kinds import Rule
from dinnerkit.matching.seating.constraints import Constraints
from dinnerkit.matching.seating.house import House
from dinnerkit.matching.seating.reasons import Reason
from dinnerkit.matching.seating.rooms import Room, Size
from dinnerkit.matching.seating.scoring import Scoring
from dinnerkit.matching.seating.settling import Exchanges, Settling
from dinnerkit.matching.seating.tables import Seating, check_among
from dinnerkit.matching.solving.state import Floats, Ints

OTHERS = "others"
"""What prevents an exchange that keeps the rules: that the two tables would lose by it in all."""

_NOTICED = 0.05


@dataclass(frozen=True, slots=True)
class Better:
    """An exchange that would have been better for one side.

    Attributes:
        guest: who would go.
        other: in exchange for whom; None for a free place.
        table: to which table, from 1.
        gain: what it would have brought to whom it is asked for (the guest, or the table), in points.
        total: what it would have brought to all guests of both tables together, in points of one guest's score.
        prevented: the hard rules that it breaks, or ``("others",)`` if the two tables would lose by it; empty if the search just did
            not come upon it.
        text: all that in words, for the host.
    """

    guest: str
    other: str | None
    table: int
    gain: float
    total: float
    prevented: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class GuestWhy:
    """Why a guest sits there.

    Attributes:
        guest: the id.
        table: the table's number, from 1.
        score: 0–100, the mean of what the soft rules give the guest with each of the others at the table. A table's score is the
            mean of its guests' scores, up to rounding to eighths.
        reasons: what each rule gives; the points add up exactly to the score.
        better: the exchange that would have been best for the guest; None if none would have been better.
    """

    guest: str
    table: int
    score: float
    reasons: tuple[Reason, ...]
    better: Better | None


@dataclass(frozen=True, slots=True)
class TableWhy:
    """Why a table is as good as it is.

    Attributes:
        table: its number, from 1.
        score: 0–100.
        reasons: what each rule gives; the points add up exactly to the score.
        better: the exchange that would have raised its score most; None if none would have.
    """

    table: int
    score: float
    reasons: tuple[Reason, ...]
    better: Better | None


class Why:
    """Explains a seating to its host.

    Args:
        seating: what to explain.
        guests: all who were to be seated.
        size: as :func:`dinnerkit.matching.seat` was given it.
        rules: as :func:`dinnerkit.matching.seat` was given them.

    Raises:
        GuestInvalid: somebody who has a table is not among the guests.
        RuleInvalid: the seating was not made for this list of tables.
    """

    @typed
    def __init__(self, seating: Seating, guests: Iterable[Guest], *, size: Size = (5, 7), rules: Sequence[Rule] = DEFAULT_RULES) -> None:
        self._seating = seating
        self._number = {name: number for number, table in enumerate(seating.tables, 1) for name in table.guests}
        everybody = Crowd.of(list(guests))
        check_among(seating, set(everybody.ids))
        # A rule's share of the score is told by all who were to be seated, as when they were.
        self._scoring = Scoring.of(everybody, rules)
        self._crowd = everybody.take(np.array([one for one, name in enumerate(everybody.ids) if name in self._number], np.int64))
        self._place = {name: one for one, name in enumerate(self._crowd.ids)}
        room = Room.of(size)
        places = [number if room.tables is None else room.place(table.at) for number, table in enumerate(seating.tables)]
        self._at = {place: number for number, place in enumerate(places, 1)}
        labels = np.array([places[self._number[name] - 1] for name in self._crowd.ids], np.int64)
        constraints = Constraints.of(self._crowd, rules, room.low, room.high)
        self._house = House(self._crowd, constraints, self._scoring, rules, room, len(places))
        self._rows = self._house.rows(labels)
        self._labels = labels
        self._settling = Settling(self._house, labels, np.random.default_rng(seating.seed))

    @typed
    def guest(self, name: str) -> GuestWhy:
        """Why one guest sits there.

        Raises:
            GuestInvalid: nobody of that id has a table.
        """
        if name not in self._place:
            raise GuestInvalid(f"guest '{name}' sits at no table", fields={"guest": "sits at no table"})
        one = self._place[name]
        company = np.flatnonzero(self._labels == self._labels[one])
        reasons = self._scoring.reasons_of_guest(self._crowd, one, company[company != one])
        exchanges = self._settling.exchanges(int(self._house.constraints.unit[one]))
        better = None
        if exchanges is not None:
            now = self._house.scores_of(one, self._rows[self._labels[one]][None])[0]
            better = self._best(exchanges, self._house.scores_of(one, exchanges.right) - now, f"guest '{name}'")
        return GuestWhy(name, self._number[name], sum(reason.points for reason in reasons), reasons, better)

    @typed
    def table(self, number: int) -> TableWhy:
        """Why a table, by its number from 1, is as good as it is.

        Raises:
            RuleInvalid: there is no such table.
        """
        if not 1 <= number <= len(self._seating.tables):
            raise RuleInvalid(f"there is no table {number}; there are {len(self._seating.tables)}")
        table = self._seating.tables[number - 1]
        place = self._labels[self._place[table.guests[0]]]
        now = self._house.scores(self._rows[place][None])[0]
        found = []
        for unit in np.unique(self._house.constraints.unit[self._labels == place]):
            exchanges = self._settling.exchanges(int(unit))
            if exchanges is not None:
                found.append(self._best(exchanges, self._house.scores(exchanges.left) - now, f"table {number}"))
        better = max((one for one in found if one is not None), key=lambda one: one.gain, default=None)
        return TableWhy(number, table.score, table.reasons, better)

    def _best(self, exchanges: Exchanges, gains: Floats, whose: str) -> Better | None:
        """The exchange with the largest gain, and what prevented it."""
        somebody = (self._rows[exchanges.tables] >= 0).any(axis=1)
        gains = np.where(somebody, gains, -np.inf)
        best = int(np.argmax(gains))
        if gains[best] < _NOTICED:
            return None
        exchange = exchanges.one(best)
        tables = np.array([self._settling.table[exchange.unit], exchange.table])
        before = self._rows[tables]
        after = np.stack([exchange.left, exchange.right])
        total = self._sum(after) - self._sum(before)
        worse = self._worse(before, after, tables)
        prevented = worse or ((OTHERS,) if total < 0 else ())
        guest, other = self._named(exchange.unit), self._named(exchange.other) if exchange.other >= 0 else None
        gain, number = float(gains[best]), self._at[exchange.table]
        return Better(guest, other, number, gain, total, prevented, _words(whose, guest, other, number, gain, total, worse))

    def _sum(self, rows: Ints) -> float:
        return float((self._house.scores(rows) * (rows >= 0).sum(axis=1)).sum())

    def _worse(self, before: Ints, after: Ints, tables: Ints) -> tuple[str, ...]:
        """The hard rules, and the floor, that an exchange would break more than they are."""
        was, would_be = self._house.faults_by_rule(before, tables), self._house.faults_by_rule(after, tables)
        names = [name for name, faults in would_be.items() if faults.sum() > was[name].sum()]
        below = np.maximum(self._house.least - self._house.scores(after), 0).sum()
        if below > np.maximum(self._house.least - self._house.scores(before), 0).sum():
            names.append("floor")
        return tuple(names)

    def _named(self, unit: int) -> str:
        """The first guest of a unit."""
        return self._crowd.ids[int(np.flatnonzero(self._house.constraints.unit == unit)[0])]


def _words(whose: str, guest: str, other: str | None, table: int, gain: float, total: float, worse: tuple[str, ...]) -> str:
    swap = f"with '{other}' of table {table} in exchange for '{guest}'" if other else f"with '{guest}' at table {table}"
    text = f"{whose} would have had {gain:.1f} points more {swap}"
    if worse:
        return f"{text}, which breaks {' and '.join(worse)}"
    if total < 0:
        return f"{text}, by which the two tables would have lost {-total:.1f} in all"
    return f"{text}, which the search did not come upon"
