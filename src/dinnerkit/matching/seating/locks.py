"""What a host wants to stay as it is when guests are seated again."""

from __future__ import annotations

from collections.abc import Collection, Set
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from dinnerkit.matching.arguments import shown, typed, typed_fields
from dinnerkit.matching.errors import RuleInvalid
from dinnerkit.matching.people.crowd import Crowd, Links
from dinnerkit.matching.rules.kinds import Keep
from dinnerkit.matching.seating.rooms import Room
from dinnerkit.matching.seating.tables import Seating
from dinnerkit.matching.solving.state import Ints


@typed_fields
@dataclass(frozen=True, slots=True)
class LockedTable:
    """A table that keeps its guests, and gets no others.

    Attributes:
        guests: ids; those who don't come any more are passed over.
        at: its place in the list of the venue's own tables, from 0; None if all tables are alike.
    """

    guests: frozenset[str]
    at: int | None = None


@typed_fields
@dataclass(frozen=True, slots=True)
class Locks:
    """Tables and guests that keep their places.

    Attributes:
        tables: tables that stay as they are.
        guests: sets of ids: guests of one set sit at one table, and guests of different sets at different ones.
        before: sets of ids: who shared a table in an earlier seating that kept these locks. Tables are sought from there.
        before_at: the places of the tables of ``before`` in the list of the venue's own tables, from 0; none if all tables are alike.
    """

    tables: tuple[LockedTable, ...] = field(default=())
    guests: tuple[frozenset[str], ...] = field(default=())
    before: tuple[frozenset[str], ...] = field(default=())
    before_at: tuple[int, ...] = field(default=())

    def __post_init__(self) -> None:
        for table in self.tables:
            if not isinstance(table, LockedTable):
                raise RuleInvalid(f"the tables to lock must be LockedTables, not {shown(table)}")
        for what, sets in (("the guests to lock", self.guests), ("the tables of before", self.before)):
            for names in sets:
                if not isinstance(names, Set):
                    raise RuleInvalid(f"{what} must be sets of ids, not {shown(names)}")
        if self.before_at and len(self.before_at) != len(self.before):
            raise RuleInvalid(f"the {len(self.before)} tables of before need as many places, not {len(self.before_at)}")

    @classmethod
    @typed
    def of(cls, seating: Seating, *, tables: Collection[int] = (), guests: Collection[str] = ()) -> Locks:
        """Locks on an earlier seating.

        Args:
            seating: the earlier one.
            tables: numbers of tables, from 1, that keep all their guests.
            guests: ids of people who keep their company: those who shared a table do again, those who did not don't.

        Raises:
            RuleInvalid: there is no such table, or no such guest at any.
        """
        wrong = [one for one in tables if not isinstance(one, int | np.integer) or not 1 <= one <= len(seating.tables)]
        if wrong:
            raise RuleInvalid(f"there is no table {shown(wrong[0])} to lock; there are {len(seating.tables)}")
        for name in guests:
            if not isinstance(name, str):
                raise RuleInvalid(f"the guests to lock must be ids, not {shown(name)}")
        missing = set(guests).difference(*(table.guests for table in seating.tables))
        if missing:
            raise RuleInvalid(f"guest '{min(missing)}' sits at no table, and can't be locked")
        kept = tuple(
            LockedTable(frozenset(seating.tables[number - 1].guests), seating.tables[number - 1].at) for number in sorted(set(tables))
        )
        sets = (frozenset(table.guests) & set(guests) for table in seating.tables)
        at = tuple(table.at for table in seating.tables if table.at is not None)
        return cls(kept, tuple(one for one in sets if one), tuple(frozenset(table.guests) for table in seating.tables), at)

    def labels(self, crowd: Crowd) -> Ints:
        """(n,), the number of each guest's locked table, from 0; -1 for the others.

        Raises:
            RuleInvalid: a guest is locked to two tables, or to one table and to somebody who is not locked to it.
        """
        place = {name: number for number, name in enumerate(crowd.ids)}
        labels = np.full(len(crowd), -1)
        for number, table in enumerate(self.tables):
            for name in sorted(table.guests):
                if name not in place:
                    continue
                if labels[place[name]] >= 0:
                    raise RuleInvalid(f"guest '{name}' is locked to two tables")
                labels[place[name]] = number
        for company in self.guests:
            present = sorted(company & place.keys())
            at_tables = [name for name in present if labels[place[name]] >= 0]
            elsewhere = [name for name in present if at_tables and labels[place[name]] != labels[place[at_tables[0]]]]
            if elsewhere:
                raise RuleInvalid(f"guest '{at_tables[0]}' is locked to a table, and to guest '{elsewhere[0]}', who is not")
        return labels

    def earlier(self, crowd: Crowd, room: Room) -> Ints | None:
        """(n,), the number of each guest's table in the earlier seating, from 0, or its place in the venue's list; None if not known.

        Those who had none, or one that is not there any more, have -1.
        """
        numbers = range(len(self.before)) if room.tables is None else self.before_at
        if not self.before or not numbers:
            return None
        there = len(self.before) if room.tables is None else len(room.tables)
        table_of = {name: number for number, names in zip(numbers, self.before, strict=True) for name in names if 0 <= number < there}
        return np.array([table_of.get(name, -1) for name in crowd.ids], np.int64)

    def places(self, room: Room) -> list[int]:
        """The place in the venue's list of each locked table; -1 if the tables are all alike.

        Raises:
            RuleInvalid: a table has no place in the list, or one that is not there, or two have the same.
        """
        if room.tables is None:
            return [-1] * len(self.tables)
        found: list[int] = []
        for table in self.tables:
            if table.at is None or not 0 <= table.at < len(room.tables):
                where = "no place" if table.at is None else f"place {table.at}, counted from 0,"
                raise RuleInvalid(f"a locked table has {where} in the venue's list of {len(room.tables)}")
            if table.at in found:
                raise RuleInvalid(f"two locked tables have place {table.at}, counted from 0, in the venue's list")
            found.append(table.at)
        return found


@dataclass(frozen=True, slots=True)
class LockedCompany:
    """The hard rule that :attr:`Locks.guests` amount to."""

    sets: tuple[frozenset[str], ...]
    name: ClassVar[str] = "locked"

    def __post_init__(self) -> None:
        seen: set[str] = set()
        for names in self.sets:
            if seen & names:
                raise RuleInvalid(f"guest '{min(seen & names)}' is locked to two companies")
            seen |= names

    def keep(self, crowd: Crowd) -> Keep:
        """Each set at one table, different sets at different ones."""
        company = {name: number for number, names in enumerate(self.sets) for name in names}
        of = np.array([company.get(name, -1) for name in crowd.ids], np.int64)
        together = np.where(of >= 0, of, len(self.sets) + np.arange(len(crowd)))
        first = [int(np.flatnonzero(of == number)[0]) for number in np.unique(of[of >= 0])]
        pairs = [(one, other) for place, one in enumerate(first) for other in first[place + 1 :]]
        return Keep(together=together, apart=Links.of(np.array(pairs, np.int64).reshape(-1, 2), len(crowd)))
