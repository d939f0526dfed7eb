"""The tables that there are: alike and as many as are needed, or a venue's own, each with its seats and its kitchen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from heapq import heapify, heappop, heappush
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dinnerkit.matching.arguments import shown
from dinnerkit.matching.errors import RuleInvalid
from dinnerkit.matching.people.crowd import Crowd
from dinnerkit.matching.rules.kinds import Rule
from dinnerkit.matching.rules.venue_rules import DietsServed, check_diets
from dinnerkit.matching.seating.diagnosis import Cause, in_number, named
from dinnerkit.matching.solving.state import Ints

_MOST_STEPS = 50_000_000
_SHOWN = 8
_MOST_SEATS = 10_000


@dataclass(frozen=True, slots=True)
class VenueTable:
    """One table of a venue; it may stay empty.

    Attributes:
        low: fewest guests, if anybody sits there.
        high: most guests.
        diets: what its kitchen can serve, such as ``{"vegan"}``; None is everything, or what :class:`DietsServed` says.
        name: for the host.

    Raises:
        RuleInvalid: the numbers make no sense.
    """

    low: int
    high: int
    diets: frozenset[str] | None = None
    name: str = ""

    def __post_init__(self) -> None:
        _check(self.low, self.high)
        check_diets(self.diets)
        if self.diets is not None:
            object.__setattr__(self, "diets", frozenset(self.diets))

    def __str__(self) -> str:
        return str(self.low) if self.low == self.high else f"{self.low}–{self.high}"


Size = int | tuple[int, int] | Sequence[int | tuple[int, int] | VenueTable]
"""How many sit at a table: a number or (fewest, most) for as many tables as needed; or a list, an entry for each table that there is."""


@dataclass(frozen=True, slots=True)
class Room:
    """What ``size`` means.

    Attributes:
        low: fewest guests at any table.
        high: most guests.
        tables: the venue's own tables; None if all are alike and as many as are needed.
        taken: places in ``tables`` where nobody else may sit.
        sitting: ids of those who stay where they sit.
        everybody: all guests, they and those to be seated; None where nobody sits yet.
    """

    low: int
    high: int
    tables: tuple[VenueTable, ...] | None
    taken: frozenset[int] = frozenset()
    sitting: frozenset[str] = frozenset()
    everybody: Crowd | None = field(default=None, compare=False)

    @classmethod
    def of(cls, size: Size) -> Room:
        """The room that is meant.

        Raises:
            RuleInvalid: the numbers make no sense.
        """
        if isinstance(size, int | float | np.number):
            return cls(*_check(size, size), None)
        if isinstance(size, tuple) and len(size) == 2:  # noqa: PLR2004
            low, high = size
            if not isinstance(low, tuple | VenueTable) and not isinstance(high, tuple | VenueTable):
                return cls(*_check(low, high), None)
        tables = tuple(_table(one) for one in _listed(size))
        if not tables:
            raise RuleInvalid("a list of table sizes needs at least one table")
        return cls(min(table.low for table in tables), max(table.high for table in tables), tables)

    def __str__(self) -> str:
        if self.tables is None:
            return str(self.low) if self.low == self.high else f"{self.low}–{self.high}"
        free = [str(table) for table in self.free]
        return ", ".join(free[:_SHOWN]) + (f" and {len(free) - _SHOWN} more" if len(free) > _SHOWN else "")

    @property
    def free(self) -> tuple[VenueTable, ...]:
        """Those of the venue's tables that are not taken."""
        return tuple(table for place, table in enumerate(self.tables or ()) if place not in self.taken)

    @property
    def full(self) -> bool:
        """Whether all of the venue's tables are taken."""
        return self.tables is not None and not self.free

    def place(self, at: int | None) -> int:
        """The place in the venue's list that a table of an earlier seating has.

        Raises:
            RuleInvalid: that seating was not made for this list.
        """
        if at is None or self.tables is None or at >= len(self.tables):
            raise RuleInvalid("the earlier seating was not made for this list of tables")
        return at

    def without(self, taken: Sequence[int], sitting: frozenset[str], everybody: Crowd) -> Room:
        """The room without those of the venue's tables, whose places stay, for nobody to sit at; and who of all stays where they sit."""
        room = replace(self, taken=frozenset(taken) if self.tables is not None else frozenset(), sitting=sitting, everybody=everybody)
        free = room.free
        return replace(room, low=min(table.low for table in free), high=max(table.high for table in free)) if free else room

    def company(self, crowd: Crowd) -> Crowd:
        """All who dine when these are seated: they, and those who stay where they sit."""
        if self.everybody is None or not self.sitting:
            return crowd
        there = self.sitting.union(crowd.ids)
        return self.everybody.take(np.array([place for place, name in enumerate(self.everybody.ids) if name in there], np.int64))

    def seats(self, tables: int) -> tuple[Ints, Ints]:
        """The fewest and most guests of each of so many tables; of a venue's own, those of each."""
        if self.tables is None:
            return np.full(tables, self.low), np.full(tables, self.high)
        bounds = [(table.low, table.high) if place not in self.taken else (0, 0) for place, table in enumerate(self.tables)]
        lows, highs = np.array(bounds, np.int64).T
        return lows, highs

    def served(self, crowd: Crowd, rules: Sequence[Rule], tables: int) -> NDArray[np.bool_]:
        """(tables, diets): whether each table serves each diet of the crowd; a venue's own tables, whatever ``tables`` says."""
        tables = tables if self.tables is None else len(self.tables)
        names = crowd.particulars.diet_names
        rule = next((rule for rule in rules if isinstance(rule, DietsServed)), None)
        if rule is None:
            return np.ones((tables, len(names)), np.bool_)
        own = [table.diets for table in self.tables] if self.tables is not None else [None] * tables
        lists = [rule.served if diets is None else diets for diets in own]
        return np.array([[diets is None or name in diets for name in names] for diets in lists], np.bool_).reshape(tables, len(names))

    def fit(self, guests: int, more: int = 0) -> Ints | None:
        """How many guests to put at each table of a venue, 0 for those left empty; None where the numbers can't come out.

        Tables named first are used first, those that serve every diet before others; guests are spread evenly over those used, which are
        ``more`` than it takes, if there are so many that can be filled.
        """
        tables = self.tables or ()
        order = sorted(set(range(len(tables))) - self.taken, key=lambda one: tables[one].diets is not None)
        chosen = _chosen([(tables[one].low, tables[one].high) for one in order], guests)
        if chosen is None:
            return None
        sizes = np.zeros(len(tables), np.int64)
        used = [order[one] for one in chosen]
        if more:
            used += self._more(order, used, guests)[:more]
        for one in used:
            sizes[one] = tables[one].low
        emptiest = [(tables[one].low / tables[one].high, rank) for rank, one in enumerate(used) if tables[one].low < tables[one].high]
        heapify(emptiest)
        for _ in range(guests - int(sizes.sum())):
            _, rank = heappop(emptiest)
            one = used[rank]
            sizes[one] += 1
            if sizes[one] < tables[one].high:
                heappush(emptiest, (int(sizes[one]) / tables[one].high, rank))
        return sizes

    def _more(self, order: list[int], used: list[int], guests: int) -> list[int]:
        """Other tables that can be filled too, those that take few first."""
        tables, taken = self.tables or (), set(used)
        rest = sorted((one for one in order if one not in taken), key=lambda one: tables[one].low)
        filled = np.cumsum([tables[one].low for one in (*used, *rest)])[len(used) :]
        return [one for one, fewest in zip(rest, filled, strict=True) if fewest <= guests]

    def most_tables(self, guests: int) -> int:
        """How many tables so many guests can sit at, at most."""
        if self.tables is None:
            return guests // self.low
        lows, highs = self.seats(0)
        return int((np.cumsum(np.sort(lows[highs > 0])) <= guests).sum())

    def most(self, guests: int) -> int:
        """The most of so many guests whose numbers come out."""
        return next(count for count in range(guests, -1, -1) if count == 0 or self.fit(count) is not None)


def unserved(crowd: Crowd, room: Room, rules: Sequence[Rule]) -> list[Cause]:
    """Guests whom no table of the room can serve, those with the same diets together."""
    served = np.delete(room.served(crowd, rules, 1), sorted(room.taken), axis=0)
    needs = crowd.particulars.diets
    lost = np.flatnonzero(np.all((needs[:, None, :] & ~served[None]).any(axis=2), axis=1))
    of_diets: dict[str, list[int]] = {}
    for one in lost.tolist():
        diets = " and ".join(crowd.particulars.diet_names[diet] for diet in np.flatnonzero(needs[one]))
        of_diets.setdefault(diets, []).append(one)
    which = "no table that is free serves" if room.taken else "no table serves"
    return [
        Cause(DietsServed.name, tuple(guests), f"{named(crowd, guests)} {in_number(f'needs {diets} food', len(guests))}, which {which}")
        for diets, guests in of_diets.items()
    ]


def alike(room: Room) -> Room:
    """The room without its own tables: as many as are needed, of any size that it has."""
    return replace(room, tables=None)


def _chosen(bounds: list[tuple[int, int]], guests: int) -> list[int] | None:
    """Tables whose fewest guests are not more, and whose most guests not fewer, than there are; the first ones where that works."""
    if guests == 0:
        return []
    used: list[int] = []
    fewest = most = 0
    for number, (low, high) in enumerate(bounds):
        if fewest + low <= guests:
            used.append(number)
            fewest, most = fewest + low, most + high
        if most >= guests:
            return used
    return _searched(bounds, guests) if guests * len(bounds) <= _MOST_STEPS else None


def _searched(bounds: list[tuple[int, int]], guests: int) -> list[int] | None:
    """The same by dynamic programming: for each sum of fewest guests, the largest sum of most guests and how it comes about."""
    best = np.full(guests + 1, -1)
    best[0] = 0
    taken = np.zeros((len(bounds), guests + 1), np.bool_)
    for number, (low, high) in enumerate(bounds):
        if low > guests:
            continue
        added = np.full(guests + 1, -1)
        before = best[: guests + 1 - low]
        added[low:] = np.where(before >= 0, before + high, -1)
        taken[number] = added > best
        best = np.maximum(best, added)
    enough = np.flatnonzero(best >= guests)
    if not len(enough):
        return None
    left, used = int(enough[0]), []
    for number in range(len(bounds) - 1, -1, -1):
        if taken[number, left]:
            used.append(number)
            left -= bounds[number][0]
    return sorted(used)


def _listed(size: object) -> Iterable[Any]:
    if not isinstance(size, Iterable):
        raise RuleInvalid(f"a table size must be a number, two of them, or a list with an entry for each table, not {size!r}")
    return size


def _table(one: int | tuple[int, int] | VenueTable) -> VenueTable:
    if isinstance(one, VenueTable):
        return one
    return VenueTable(*one) if isinstance(one, tuple) and len(one) == 2 else VenueTable(one, one)  # noqa: PLR2004


def _check(low: Any, high: Any) -> tuple[int, int]:
    whole = all(isinstance(one, Integral) and not isinstance(one, bool) for one in (low, high))
    if not (whole and 1 <= int(low) <= int(high) <= _MOST_SEATS):
        given = shown(low) if low is high else f"{shown(low)}-{shown(high)}"
        raise RuleInvalid(f"a table size must be whole numbers with 1 <= fewest <= most <= {_MOST_SEATS}, not {given}")
    return int(low), int(high)
