"""Guests who are seated again while some of them keep their company."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from dinnerkit.matching import Guest, Locks, RuleInvalid, Seating, seat
from dinnerkit.matching.seating.audit import breaches

LANGUAGES = ("de", "en", "es", "fr", "it", "pl", "sr")


def strangers(count: int, dice: random.Random) -> list[Guest]:
    """Guests of few languages, four in ten of whom come by twos and threes: seats for all of them are hard to find."""
    guests: list[Guest] = []
    while len(guests) < count:
        shared = frozenset(dice.sample(LANGUAGES, dice.choice([1, 1, 2, 2, 3])))
        party = f"p{len(guests)}"
        for _ in range(min(dice.choice([1, 1, 1, 2, 2, 3]), count - len(guests))):
            own = frozenset(dice.sample(LANGUAGES, dice.choice([1, 1, 2, 2, 3])))
            guests.append(Guest(f"g{len(guests)}", languages=shared | own, party=party))
    return guests


def at_tables(seating: Seating, guests: list[Guest]) -> list[Guest]:
    there = {name for table in seating.tables for name in table.guests}
    return [guest for guest in guests if guest.id in there]


def companies(seating: Seating, names: set[str]) -> set[frozenset[str]]:
    return {frozenset(table.guests) & names for table in seating.tables} - {frozenset()}


@pytest.mark.parametrize("seed", range(6))
def test_whoever_had_a_table_has_one_again_when_some_of_each_table_stay_together(seed: int):
    dice = random.Random(seed)
    guests = strangers(120, dice)
    first = seat(guests, size=6, best_effort=True)
    there = at_tables(first, guests)
    stay = {name for table in first.tables for name in dice.sample(table.guests, 2)}

    again = seat(there, size=6, seed=9, locked=Locks.of(first, guests=stay))

    assert at_tables(again, there) == there
    assert companies(again, stay) == companies(first, stay)


def test_the_earlier_tables_are_no_more_than_a_beginning():
    """Who came since gets a seat, and who is gone leaves theirs; tables of another size are made anew."""
    guests = [Guest(f"g{number}") for number in range(30)]
    first = seat(guests, size=6)
    names = first.tables[0].guests
    locks = Locks.of(first, guests=names[:3])
    rest = [guest for guest in guests if guest.id not in names[4:]]
    come = [Guest(f"new{number}") for number in range(3)]

    for people, size in ((rest, (4, 6)), (rest + come, (5, 7)), (guests, 3), (guests, 10), (guests, [(2, 12)] * 4)):
        again = seat(people, size=size, locked=locks)
        assert at_tables(again, people) == people
        assert not list(breaches(again, people, size=size))
        assert set(names[:3]) <= next(set(table.guests) for table in again.tables if names[0] in table.guests)


@pytest.mark.parametrize("late", [[], [Guest("late", party="p")]])
def test_those_who_belong_together_by_now_sit_together(late: list[Guest]):
    guests = [Guest(f"g{number}") for number in range(30)]
    first = seat(guests, size=(5, 7))
    pair = {first.tables[0].guests[0], first.tables[1].guests[0]}
    people = [replace(guest, party="p") if guest.id in pair else guest for guest in guests] + late

    again = seat(people, size=(5, 7), locked=Locks.of(first, guests=[first.tables[2].guests[0]]))

    assert at_tables(again, people) == people
    assert not list(breaches(again, people, size=(5, 7)))
    assert any(pair | {guest.id for guest in late} <= set(table.guests) for table in again.tables)


def test_the_earlier_tables_are_sets_of_ids():
    with pytest.raises(RuleInvalid, match="the tables of before must be sets of ids, not 'g1'"):
        Locks(before=("g1",))  # type: ignore[arg-type]
