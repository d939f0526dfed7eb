"""Guests who are seated again while some of them keep their company."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from dinnerkit.matching import Guest, Locks, RuleInvalid, Seating, VenueTable, seat
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


@pytest.mark.parametrize("gone", [3, 4])
def test_an_earlier_table_that_lost_guests_is_no_hindrance_where_another_breaks_a_rule_by_now(gone: int):
    guests = [Guest(f"g{number}") for number in range(60)]
    first = seat(guests, size=(4, 7))
    foe, other = first.tables[3].guests[:2]
    people = [
        replace(one, blocked=frozenset({other})) if one.id == foe else one for one in guests if one.id not in first.tables[0].guests[:gone]
    ]

    again = seat(people, size=(4, 7), locked=Locks.of(first, guests=[table.guests[-1] for table in first.tables]))

    assert at_tables(again, people) == people
    assert not list(breaches(again, people, size=(4, 7)))


@pytest.mark.parametrize("seed", [0, 1, 32])
def test_the_tables_of_a_venue_are_sought_from_the_earlier_ones_too(seed: int):
    """Ten tables of six who all speak one language, of whom those at three are served what most of them eat; one at each is kept."""
    dice = random.Random(seed)
    venue = [VenueTable(6, 6, None if place < 3 else frozenset()) for place in range(10)]
    spoken = [f"l{dice.randrange(6)}" for _ in venue]
    guests = []
    for number in range(60):
        place = number // 6
        foes = dice.sample([f"g{other}" for other in range(60) if other // 6 != place], 5)
        languages = frozenset({spoken[place], f"l{dice.randrange(6)}"})
        diets = frozenset({"vegan"}) if place < 3 and dice.random() < 0.7 else frozenset()
        guests.append(Guest(f"g{number}", languages=languages, blocked=frozenset(foes), diets=diets, age=dice.randint(18, 80)))
    names = [frozenset(f"g{number}" for number in range(6 * place, 6 * place + 6)) for place in range(10)]
    locked = Locks(guests=tuple(frozenset({min(some)}) for some in names), before=tuple(names), before_at=tuple(range(10)))

    again = seat(guests, size=venue, locked=locked, seed=seed)

    assert at_tables(again, guests) == guests
    assert not list(breaches(again, guests, size=venue))


def test_of_a_venue_the_places_of_the_earlier_tables_are_noted_and_those_that_are_gone_are_passed_over():
    guests = [Guest(f"g{number}") for number in range(12)]
    first = seat(guests, size=[(2, 3), 6, 6])
    locked = Locks.of(first, guests=[first.tables[0].guests[0]])
    assert locked.before_at == tuple(table.at for table in first.tables) == (1, 2)
    assert at_tables(seat(guests, size=[6, 6], locked=locked), guests) == guests
    assert at_tables(seat(guests, size=6, locked=locked), guests) == guests
    assert Locks.of(seat(guests, size=6), guests=["g1"]).before_at == ()


def test_the_earlier_tables_are_sets_of_ids():
    with pytest.raises(RuleInvalid, match="the tables of before must be sets of ids, not 'g1'"):
        Locks(before=("g1",))  # type: ignore[arg-type]
    with pytest.raises(RuleInvalid, match="the 1 tables of before need as many places, not 2"):
        Locks(before=(frozenset({"g1"}),), before_at=(0, 1))
