"""Seats at a venue's own tables that are hard to find."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dinnerkit.matching import DEFAULT_RULES, Guest, LockedTable, Locks, SeatingImpossible, VenueTable, seat
from dinnerkit.matching.people.crowd import Crowd
from dinnerkit.matching.seating.audit import breaches
from dinnerkit.matching.seating.constraints import Constraints
from dinnerkit.matching.seating.feasible import mended
from dinnerkit.matching.seating.rooms import Room


def speakers(**languages: int) -> list[Guest]:
    """So many guests of each language, who know no other."""
    return [
        Guest(f"{language}{number}", languages=frozenset({language})) for language, count in languages.items() for number in range(count)
    ]


@pytest.mark.parametrize(("shy", "venue"), [(6, [(3, 8)] * 6), (5, [(8, 10)] * 3 + [(3, 3)] * 2)])
def test_more_tables_than_the_fewest_are_laid_where_guests_must_be_kept_apart(shy: int, venue: list[tuple[int, int]]):
    apart = frozenset(map(str, range(shy)))
    guests = [Guest(str(number), blocked=apart - {str(number)} if str(number) in apart else frozenset()) for number in range(30)]

    seating = seat(guests, size=venue)

    assert len(seating.tables) >= shy
    assert not list(breaches(seating, guests, size=venue))


@pytest.mark.parametrize("languages", [{"de": 5, "en": 5, "fr": 5, "es": 5}, {"de": 10, "en": 12, "fr": 9, "es": 11, "it": 10, "pl": 12}])
def test_more_tables_than_the_fewest_are_laid_where_guests_share_no_language(languages: dict[str, int]):
    guests, venue = speakers(**languages), [(3, 12)] * 12

    seating = seat(guests, size=venue)

    assert not list(breaches(seating, guests, size=venue))


def test_each_company_gets_a_table_that_is_as_large():
    """The largest goes to the table that takes no fewer, and the smallest to the one that takes no more."""
    guests, venue = speakers(de=9, en=7, fr=8), [(8, 8), (6, 9), (7, 8), (6, 6)]

    seating = seat(guests, size=venue)

    assert sorted((table.at, len(table.guests)) for table in seating.tables) == [(0, 8), (1, 9), (2, 7)]


def test_tables_that_are_kept_get_no_others():
    guests, venue = speakers(de=6, en=9, fr=7, es=8), [(6, 6), (7, 9), (7, 9), (7, 9)]
    first = seat(guests, size=venue)
    (kept,) = [number for number, table in enumerate(first.tables, 1) if table.at == 0]

    again = seat(guests, size=venue, seed=5, locked=Locks.of(first, tables={kept}))

    assert {frozenset(table.guests) for table in again.tables} == {frozenset(table.guests) for table in first.tables}


def strangers(count: int) -> list[Guest]:
    return [Guest(str(number)) for number in range(count)]


def test_nobody_joins_a_table_that_is_kept_where_everybody_is_seated_whatever_that_breaks():
    """The guests at the only table that is free have all blocked each other."""
    names = frozenset(map(str, range(2, 6)))
    guests = [Guest(name, blocked=names - {name}) for name in sorted(names)] + strangers(2)
    kept = Locks((LockedTable(frozenset("01"), 0),))

    seating = seat(guests, size=[(2, 6), (2, 4)], locked=kept, everybody=True)

    assert [(table.at, set(table.guests)) for table in seating.tables] == [(0, {"0", "1"}), (1, names)]


@pytest.mark.parametrize(
    ("guests", "venue", "told"),
    [
        (
            [Guest(str(number), party="p" if number > 4 else None) for number in range(10)],
            [(2, 8), 4, 4],
            "party 'p' of 5 is larger than a table of at most 4",
        ),
        (
            [*strangers(6), Guest("6", diets=frozenset({"vegan"})), Guest("7", diets=frozenset({"vegan"}))],
            [VenueTable(2, 8, frozenset({"vegan"})), VenueTable(2, 8, frozenset())],
            "guests '6', '7' need vegan food, which no table that is free serves",
        ),
        ([*strangers(3), Guest("3", diets=frozenset({"vegan"}))], [VenueTable(2, 8, frozenset())], "no table is left for 2 guests"),
    ],
)
def test_why_there_is_no_seating_is_told_by_the_tables_that_are_free(guests: list[Guest], venue: list[VenueTable], told: str):
    with pytest.raises(SeatingImpossible) as caught:
        seat(guests, size=venue, locked=Locks((LockedTable(frozenset("01"), 0),)))
    assert caught.value.message == told


@pytest.mark.parametrize("venue", [[(5, 7)] * 60 + [(2, 3)] * 60, [(2, 3)] * 60 + [(5, 7)] * 60])
def test_a_few_languages_fill_a_large_venue(venue: list[tuple[int, int]]):
    guests = speakers(en=98, fr=94, de=108)

    seating = seat(guests, size=venue)

    assert sum(len(table.guests) for table in seating.tables) == len(guests)
    assert not list(breaches(seating, guests, size=venue))


def test_a_large_venue_is_searched_by_the_sizes_of_the_tables_in_use():
    """Not of the first ones, of which each takes more here than any of those: that went beyond memory."""
    guests = [Guest(str(number), party=str(number // 3), languages=frozenset({("de", "en")[number // 3 % 2]})) for number in range(300)]
    room = Room.of([(7, 9)] * 60 + [(4, 6)] * 60)
    constraints = replace(Constraints.of(Crowd.of(guests), DEFAULT_RULES, room.low, room.high), tables=room.seats(0))
    mixed = 60 + np.arange(300) // 6

    found = mended(constraints, mixed, np.random.default_rng(1), long=False)

    assert len(constraints.broken_tables(mixed)) == 50
    assert not len(constraints.broken_tables(found))
    assert set(np.bincount(found)[60:]) <= {4, 5, 6}
