from __future__ import annotations

import math
import random
import time
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dinnerkit.matching import (
    DEFAULT_RULES,
    AgeRange,
    Balanced,
    Crowd,
    DietsServed,
    Floor,
    Guest,
    GuestInvalid,
    LockedTable,
    Locks,
    MixedCompany,
    NewWithExperienced,
    NobodyAlone,
    NotMetLately,
    NotMetWithin,
    RuleInvalid,
    SeatingImpossible,
    SomebodyExperienced,
    Traits,
    VenueTable,
    seat,
)
from dinnerkit.matching.seating.audit import breaches
from dinnerkit.matching.seating.rooms import Room

from .people import assert_sound

SLOW = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def crowd(count, seed=1, **every):
    chance = random.Random(seed)
    return [Guest(str(number), Traits(*(chance.random() for _ in range(5))), chance.randint(18, 70), **every) for number in range(count)]


@st.composite
def varied(draw, most=26):
    """Guests of all diets, kinds and experience."""
    return [
        Guest(
            str(number),
            draw(st.none() | st.builds(Traits, *[st.floats(0, 1, width=32)] * 5)),
            draw(st.none() | st.integers(18, 70)),
            diets=draw(st.frozensets(st.sampled_from(["vegan", "halal"]), max_size=1)),
            dinners=draw(st.none() | st.integers(0, 3)),
            stated=draw(st.dictionaries(st.sampled_from(["gender", "faith"]), st.sampled_from("abc"), max_size=2)),
            met_ago=draw(st.dictionaries(st.sampled_from(["0", "1", "2", "3"]), st.integers(1, 5), max_size=2)),
            party=draw(st.none() | st.none() | st.sampled_from(["p", "q"])),
        )
        for number in range(draw(st.integers(0, most)))
    ]


def at_tables(seating, people):
    by_id = {guest.id: guest for guest in people}
    return [[by_id[name] for name in table.guests] for table in seating.tables]


def attempt(people, rule, **options):
    """The seating by the default rules and one more; whoever can't be seated is left out."""
    rules = (*DEFAULT_RULES, rule)
    seating = seat(people, rules=rules, best_effort=True, **options)
    assert breaches(seating, people, rules=rules, size=options.get("size", (5, 7))) == []
    assert all(one.reason for one in seating.unseated)
    assert len(seating.unseated) + sum(len(table.guests) for table in seating.tables) == len(people)
    return seating


@SLOW
@given(people=varied(), value=st.sampled_from([None, "a"]))
def test_nobody_is_ever_alone_of_what_they_stated(people, value):
    for table in at_tables(attempt(people, NobodyAlone("gender", value)), people):
        counts = Counter(guest.stated["gender"] for guest in table if "gender" in guest.stated)
        assert all(count != 1 for kind, count in counts.items() if value in (None, kind))


@SLOW
@given(people=varied())
def test_a_newcomer_never_sits_without_somebody_experienced(people):
    for table in at_tables(attempt(people, SomebodyExperienced()), people):
        assert not any(guest.dinners == 0 for guest in table) or any((guest.dinners or 0) > 0 for guest in table)


@SLOW
@given(people=varied(), years=st.integers(0, 40))
def test_the_ages_at_a_table_span_no_more_than_asked(people, years):
    for table in at_tables(attempt(people, AgeRange(years), size=(3, 6)), people):
        ages = [guest.age for guest in table if guest.age is not None]
        assert not ages or max(ages) - min(ages) <= years


def test_where_nobody_has_told_their_age_any_may_sit_with_any():
    assert len(seat([Guest(str(number)) for number in range(12)], size=6, rules=[AgeRange(5)]).tables) == 2


def test_a_span_of_ages_that_begins_a_year_after_another_is_found():
    people = [Guest(str(number), age=age) for number, age in enumerate([20, 20, 20, 21, 30, 31])]
    seating = seat(people, size=3, rules=[AgeRange(10)])
    assert sorted(sorted(table.guests) for table in seating.tables) == [["0", "1", "2"], ["3", "4", "5"]]


@SLOW
@given(people=varied(), dinners=st.integers(1, 5))
def test_those_who_met_within_so_many_dinners_never_share_a_table(people, dinners):
    for table in at_tables(attempt(people, NotMetWithin(dinners), size=(3, 6)), people):
        names = {guest.id for guest in table}
        assert not any(ago <= dinners for guest in table for other, ago in guest.met_ago.items() if other in names - {guest.id})


@SLOW
@given(people=varied())
def test_every_kind_is_spread_as_evenly_as_whole_people_can_be(people):
    people = [replace(guest, party=None) for guest in people]
    rules = (*DEFAULT_RULES, Balanced("gender"))
    try:
        seating = seat(people, rules=rules)
    except SeatingImpossible:
        return
    total = Counter(guest.stated.get("gender") for guest in people)
    for table in at_tables(seating, people):
        counts = Counter(guest.stated.get("gender") for guest in table)
        assert all(abs(counts[kind] - len(table) * total[kind] / len(people)) <= 1 + 1e-3 for kind in "abc")


@SLOW
@given(
    people=varied(),
    tables=st.lists(
        st.builds(
            lambda low, more, diets: VenueTable(low, low + more, diets),
            st.integers(1, 6),
            st.integers(0, 3),
            st.sampled_from([None, frozenset(), frozenset({"vegan"}), frozenset({"vegan", "halal"})]),
        ),
        min_size=1,
        max_size=7,
    ),
)
def test_a_venues_tables_are_never_overfilled_and_serve_everybody_at_them(people, tables):
    seating = seat(people, size=tables, best_effort=True)
    assert breaches(seating, people, size=tables) == []
    assert len({table.at for table in seating.tables}) == len(seating.tables)
    for table, guests in zip(seating.tables, at_tables(seating, people), strict=True):
        own = tables[table.at]
        assert own.low <= len(guests) <= own.high
        assert all(own.diets is None or guest.diets <= own.diets for guest in guests)
    placed = [name for table in seating.tables for name in table.guests] + [one.guest for one in seating.unseated]
    assert sorted(placed) == sorted(guest.id for guest in people)


def test_a_venue_with_tables_of_many_sizes_is_filled_in_the_order_of_its_list():
    seating = seat(crowd(20), size=[8, (4, 6), (4, 6), 12])
    assert [(table.at, len(table.guests)) for table in seating.tables] == [(0, 8), (1, 6), (2, 6)]
    seating = seat(crowd(20), size=[12, 9, 8])
    assert [(table.at, len(table.guests)) for table in seating.tables] == [(0, 12), (2, 8)]


def test_a_venue_that_is_too_small_or_whose_numbers_do_not_come_out_is_told():
    with pytest.raises(SeatingImpossible) as caught:
        seat(crowd(20), size=[(4, 6), 6, 6])
    assert caught.value.message == "20 guests can't be divided among tables of 4–6, 6, 6"
    seating = seat(crowd(20), size=[(4, 6), 6, 6], best_effort=True)
    assert len(seating.unseated) == 2
    assert {one.reason for one in seating.unseated} == {"20 guests can't be divided among tables of 4–6, 6, 6"}


def test_who_can_be_served_at_one_table_only_sits_there():
    people = crowd(18)
    people[:4] = [replace(guest, diets=frozenset({"vegan"})) for guest in people[:4]]
    tables = [VenueTable(6, 6, frozenset()), VenueTable(6, 6, frozenset({"vegan"})), VenueTable(6, 6, frozenset())]
    seating = seat(people, size=tables)
    assert {"0", "1", "2", "3"} <= set(seating.tables[1].guests)


def test_a_diet_that_no_table_serves_is_told_by_name():
    people = crowd(12)
    people[3] = replace(people[3], diets=frozenset({"vegan"}))
    rules = (*(rule for rule in DEFAULT_RULES if rule.name != "diets_served"), DietsServed(frozenset({"halal"})))
    with pytest.raises(SeatingImpossible, match=r"^guest '3' needs vegan food, which no table serves$"):
        seat(people, rules=rules)
    with pytest.raises(SeatingImpossible, match=r"^guest '3' needs vegan food, which no table serves$"):
        seat(people, size=[VenueTable(6, 6, frozenset({"halal"}))] * 2)
    assert seat(people).unseated == ()


def test_diets_that_no_table_serves_are_told_in_one_phrase_each():
    people = [replace(guest, diets=frozenset({"vegan", "halal"} if int(guest.id) < 9 else {"vegan"})) for guest in crowd(11)] + [Guest("x")]
    with pytest.raises(SeatingImpossible) as caught:
        seat(people, size=[VenueTable(6, 6, frozenset({"halal"}))] * 2)
    assert caught.value.message == (
        "guests '0', '1', '2', '3', '4', '5', '6' and 2 more need halal and vegan food, which no table serves; "
        "guests '9', '10' need vegan food, which no table serves"
    )


def test_the_only_one_of_a_kind_is_told_by_name_and_nobody_else_is_turned_away():
    people = crowd(13)
    people[3] = replace(people[3], stated={"gender": "woman"})
    message = "guest '3' would be the only one of their gender at any table"
    with pytest.raises(SeatingImpossible, match=f"^{message}$"):
        seat(people, rules=(*DEFAULT_RULES, NobodyAlone("gender")))
    seating = seat(people, rules=(*DEFAULT_RULES, NobodyAlone("gender")), best_effort=True)
    assert [(one.guest, one.reason) for one in seating.unseated] == [("3", message)]


def test_newcomers_without_anybody_experienced_are_told():
    people = [replace(guest, dinners=0) for guest in crowd(12)]
    with pytest.raises(SeatingImpossible, match="nobody has been to a dinner before"):
        seat(people, rules=(*DEFAULT_RULES, SomebodyExperienced()))


def test_many_tables_with_few_of_a_kind_leave_nobody_alone():
    people = [replace(guest, stated={"gender": "woman" if int(guest.id) < 31 else "man"}) for guest in crowd(240)]
    rules = (*DEFAULT_RULES, NobodyAlone("gender"))
    seating = seat(people, rules=rules)
    assert_sound(seating, people, 5, 7)
    assert all(sum(int(name) < 31 for name in table.guests) != 1 for table in seating.tables)
    assert seating.above_chance > 10


def test_mixed_company_makes_tables_of_equal_shares():
    people = [Guest(str(number), stated={"gender": "ab"[number % 3 == 0]}) for number in range(36)]
    for table in seat(people, rules=[MixedCompany("gender")], size=6).tables:
        assert sum(int(name) % 3 == 0 for name in table.guests) == 2


def test_newcomers_are_spread_over_the_tables():
    people = [Guest(str(number), dinners=0 if number < 6 else 4) for number in range(36)]
    for table in seat(people, rules=[NewWithExperienced()], size=6).tables:
        assert sum(int(name) < 6 for name in table.guests) == 1


def test_those_who_met_lately_are_kept_apart_and_those_who_met_long_ago_are_not():
    people = [replace(guest, met_ago={str(other): 2 for other in range(6)}) if int(guest.id) < 6 else guest for guest in crowd(36)]
    seating = seat(people, rules=[NotMetLately(dinners=2)], size=6)
    assert seating.score == 100.0
    assert seating.chance < 100.0
    assert seat(people, rules=[NotMetLately(dinners=1)], size=6).chance == 100.0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Balanced("gender", 0.5), "within must be at least 1"),
        (lambda: Balanced("gender", math.nan), "within must be at least 1"),
        (lambda: AgeRange(-1), "years of age_range"),
        (lambda: AgeRange(math.nan), "years of age_range"),
        (lambda: NotMetWithin(0), "at least 1"),
        (lambda: NotMetLately(0), "at least 1"),
        (lambda: NotMetLately(1, math.inf), "weight of not_met_lately"),
        (lambda: MixedCompany("gender", 0), "weight of mixed_company_gender"),
        (lambda: NewWithExperienced(-1), "weight of new_with_experienced"),
        (lambda: SomebodyExperienced(0), "at least 1"),
        (lambda: Floor(101), "from 0 to 100"),
        (lambda: Floor(math.nan), "from 0 to 100"),
        (lambda: VenueTable(5, 4), "fewest <= most"),
        (lambda: VenueTable(4, 5, "vegan"), "diets must be a set of texts"),
        (lambda: DietsServed("vegan"), "diets must be a set of texts"),
        (lambda: seat([], size=None), "a table size must be a number, two of them, or a list"),
        (lambda: seat([], size=[(4, 5, 6)]), "fewest <= most"),
        (lambda: seat([], size=[]), "at least one table"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(make, message):
    with pytest.raises(RuleInvalid, match=message):
        make()


def test_particulars_that_make_no_sense_are_refused():
    with pytest.raises(GuestInvalid, match="dinners"):
        Guest("a", dinners=-1)
    with pytest.raises(GuestInvalid, match="less than one dinner ago"):
        Guest("a", met_ago={"b": 0})


def test_whom_a_guest_met_at_a_known_dinner_counts_as_met():
    assert Guest("a", met=frozenset({"c"}), met_ago={"b": 3}).met == {"b", "c"}
    assert len({Guest("a", met_ago={"b": 3}), Guest("a", met_ago={"b": 3})}) == 1


def test_locked_tables_and_guests_keep_their_company():
    people = crowd(30)
    first = seat(people, size=6)
    locks = Locks.of(first, tables=[2], guests=[*first.tables[0].guests[:3], first.tables[3].guests[0]])
    again = seat(people, size=6, seed=9, locked=locks)
    assert_sound(again, people, 6, 6)
    assert set(first.tables[1].guests) in [set(table.guests) for table in again.tables]
    (together,) = [set(table.guests) for table in again.tables if first.tables[0].guests[0] in table.guests]
    assert set(first.tables[0].guests[:3]) <= together
    assert first.tables[3].guests[0] not in together


def test_a_locked_table_of_a_venue_stays_where_it_is():
    people = crowd(20)
    first = seat(people, size=[8, 6, 6])
    again = seat(people, size=[8, 6, 6], seed=4, locked=Locks.of(first, tables=[2]))
    assert again.tables[1] == first.tables[1]
    assert [table.at for table in again.tables] == [0, 1, 2]


def test_guests_who_left_a_locked_table_are_passed_over():
    people = crowd(20)
    first = seat(people, size=(4, 6))
    gone = first.tables[0].guests[0]
    again = seat([guest for guest in people if guest.id != gone], size=(4, 6), locked=Locks.of(first, tables=[1]))
    assert set(first.tables[0].guests) - {gone} in [set(table.guests) for table in again.tables]


def test_locks_name_those_who_were_chosen_and_nobody_else():
    first = seat(crowd(12), size=6)
    one, other = (table.guests for table in first.tables)
    assert Locks.of(first, tables=[2]).tables == (LockedTable(frozenset(other)),)
    assert Locks.of(first, guests=[one[0], other[1], one[2]]).guests == (frozenset({one[0], one[2]}), frozenset({other[1]}))
    assert Locks.of(first, guests=[other[1]]).guests == (frozenset({other[1]}),)


def test_locks_on_what_is_not_there_are_refused():
    first = seat(crowd(12))
    for number in (0, 3):
        with pytest.raises(RuleInvalid, match=f"no table {number} to lock; there are 2"):
            Locks.of(first, tables=[number])
    with pytest.raises(RuleInvalid, match="guest 'x' sits at no table"):
        Locks.of(first, guests=["x"])


@pytest.mark.parametrize(
    ("tables", "companies", "message"),
    [
        ([("0123", None), ("345", None)], [], "guest '3' is locked to two tables"),
        ([], ["12", "23"], "guest '2' is locked to two companies"),
        ([("012345", None)], ["78", "19"], "guest '1' is locked to a table, and to guest '9', who is not"),
        ([("0123", None), ("4567", None)], ["14"], "guest '1' is locked to a table, and to guest '4', who is not"),
    ],
)
def test_locks_that_contradict_each_other_are_refused(tables, companies, message):
    locks = Locks(tuple(LockedTable(frozenset(names), at) for names, at in tables), tuple(map(frozenset, companies)))
    with pytest.raises(RuleInvalid, match=f"^{message}$"):
        seat(crowd(10), size=(2, 6), locked=locks)


@pytest.mark.parametrize(
    ("places", "message"),
    [
        ([0, 0], "two locked tables have place 0, counted from 0, in the venue's list"),
        ([3], "a locked table has place 3, counted from 0, in the venue's list of 3"),
        ([-1], "a locked table has place -1, counted from 0, in the venue's list of 3"),
        ([None], "a locked table has no place in the venue's list of 3"),
    ],
)
def test_a_locked_table_of_a_venue_has_a_place_of_its_own(places, message):
    locks = Locks(tuple(LockedTable(frozenset(names), at) for names, at in zip(("0123", "4567"), places, strict=False)))
    for everybody in (False, True):
        with pytest.raises(RuleInvalid, match=f"^{message}$"):
            seat(crowd(12), size=[4, 4, 4], locked=locks, everybody=everybody)


@pytest.mark.parametrize("everybody", [False, True])
def test_where_locked_tables_leave_none_whoever_comes_is_told_so(everybody):
    locks = Locks((LockedTable(frozenset("0123"), 0), LockedTable(frozenset("4567"), 1)))
    with pytest.raises(SeatingImpossible, match=r"^no table is left for 2 guests$"):
        seat(crowd(10), size=[4, 4], locked=locks, everybody=everybody)


@pytest.mark.parametrize("size", [np.int64(6), (np.int64(6), np.int32(7)), np.array([6, 6]), [np.uint8(6), 6]])
def test_a_size_out_of_an_array_is_a_whole_number_too(size):
    assert [len(table.guests) for table in seat(crowd(12), size=size).tables] == [6, 6]


def test_a_table_that_was_locked_in_a_venue_is_one_like_all_others_where_all_are_alike():
    locks = Locks((LockedTable(frozenset("0123"), 7),))
    seating = seat(crowd(12), size=4, locked=locks, everybody=True)
    assert [table.at for table in seating.tables] == [None] * 3
    assert set("0123") in [set(table.guests) for table in seating.tables]


def test_locked_guests_who_do_not_come_are_passed_over():
    locks = Locks((LockedTable(frozenset("01x")),), (frozenset({"0", "y"}), frozenset({"5", "6", "z"}), frozenset({"7"}), frozenset({"q"})))
    seating = seat(crowd(12), size=(2, 5), locked=locks)
    assert {"0", "1"} in [set(table.guests) for table in seating.tables]
    (together,) = [set(table.guests) for table in seating.tables if "5" in table.guests]
    assert "6" in together
    assert "7" not in together


def test_what_nearly_everybody_states_otherwise_is_no_obstacle_and_takes_no_table_of_all_kinds():
    people = [Guest(str(n), stated={"job": f"j{n % 1200}"}) for n in range(2400)]
    seating = seat(people, size=6, rules=[MixedCompany("job")])
    assert seating.score == 100.0
    with pytest.raises(RuleInvalid, match="guests stated 1,200 different things as their job; a rule can count at most 1,000"):
        seat(people, size=6, rules=[NobodyAlone("job")])
    codes = Crowd.of([Guest(str(n), stated={"job": str(n)}) for n in range(40_000)]).particulars.stated["job"].code
    assert len(np.unique(codes)) == 40_000


def test_a_large_venue_is_divided_evenly_and_at_once():
    began = time.process_time()
    sizes = Room.of([(4, 8)] * 3000 + [(2, 2), (9, 10)]).fit(20_001)
    assert time.process_time() - began < 2.0
    assert sizes.sum() == 20_001
    used = sizes[:3000][sizes[:3000] > 0]
    assert used.max() - used.min() <= 1
