"""Two seatings of one event side by side: who would sit with others, and what that is worth. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from dinnerkit.matching.seatings import Place, SeatedTable, StoredSeating


@dataclass(frozen=True, slots=True)
class Comparison:
    """What changes from one seating to another.

    Attributes:
        one: the seating before.
        other: the seating after.
        moved: who sits at both and leaves their table: the others keep at least part of their company.
        joined: who sits at the other alone.
        left: who sits at the first alone.
        kept_tables: how many tables have the very same people.
    """

    one: StoredSeating
    other: StoredSeating
    moved: tuple[Place, ...]
    joined: tuple[Place, ...]
    left: tuple[Place, ...]
    kept_tables: int


def compare(one: StoredSeating, other: StoredSeating) -> Comparison:
    """What changes from ``one`` to ``other``; both must have tables.

    Tables have no names, so each of the other's is taken for the one with which it shares most guests, the largest overlaps first.
    """
    before, after = _tables(one), _tables(other)
    pairs = Counter((before[place], number) for place, number in after.items() if place in before)
    same: dict[int, int] = {}
    taken: set[int] = set()
    for (earlier, later), _ in sorted(pairs.items(), key=lambda pair: (-pair[1], pair[0])):
        if earlier not in taken and later not in same:
            same[later] = earlier
            taken.add(earlier)
    return Comparison(
        one=one,
        other=other,
        moved=tuple(place for place, number in after.items() if place in before and same.get(number) != before[place]),
        joined=tuple(place for place in after if place not in before),
        left=tuple(place for place in before if place not in after),
        kept_tables=len({_company(table) for table in one.tables} & {_company(table) for table in other.tables}),
    )


def _tables(seating: StoredSeating) -> Mapping[Place, int]:
    return {place: number for number, table in enumerate(seating.tables) for place in table.places}


def _company(table: SeatedTable) -> frozenset[Place]:
    return frozenset(table.places)
