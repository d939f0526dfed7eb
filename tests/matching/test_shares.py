"""What a rule asks by everybody's share of something: of all who have a table, locked or not; the search and the audit agree on it."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dinnerkit.matching import (
    Balanced,
    BlockedApart,
    CloseInAge,
    CommonLanguage,
    Demand,
    DietsServed,
    Guest,
    LockedTable,
    Locks,
    NobodyAlone,
    SeatingImpossible,
    SomebodyExperienced,
    seat,
    wish,
)
from dinnerkit.matching.seating.audit import breaches

from .judging_seatings import company

OTHERS = (BlockedApart(), CommonLanguage(), NobodyAlone("gender"), Demand(CloseInAge(), 0.5))


@st.composite
def companies(draw):
    """Guests of two genders, some of whom have not told it, who differ little otherwise."""
    names = [str(number) for number in range(draw(st.integers(6, 18)))]
    return [
        Guest(
            name,
            age=draw(st.sampled_from([None, None, 20, 30, 60])),
            languages=frozenset(draw(st.sampled_from(["en", "de", "ed", ""]))),
            blocked=frozenset(draw(st.lists(st.sampled_from(names), max_size=1)) if draw(st.integers(0, 4)) == 0 else ()),
            stated=draw(st.sampled_from([{}, *[{"gender": kind} for kind in "wwwm"]])),
        )
        for name in names
    ]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    people=companies(),
    rules=st.lists(st.sampled_from(OTHERS), unique=True, max_size=3),
    size=st.sampled_from([(2, 4), (3, 6), [(2, 4), (3, 6), 4, (2, 6), (2, 6), (2, 6)]]),
    whatever=st.sampled_from([{}, {"best_effort": True}, {"everybody": True}]),
    data=st.data(),
)
def test_tables_are_told_as_broken_if_and_only_if_they_are_by_all_who_have_a_table(people, rules, size, whatever, data):
    first = seat(people, size=size, rules=rules, best_effort=True)
    numbers = range(1, len(first.tables) + 1)
    locked = Locks.of(first, tables=data.draw(st.sets(st.sampled_from(numbers))) if first.tables else ())
    rules = (*rules, Balanced("gender"))
    try:
        seating = seat(people, size=size, rules=rules, locked=locked, seed=1, **whatever)
    except SeatingImpossible:
        return
    wrong = {int(number) for phrase in breaches(seating, people, size=size, rules=rules) for number in re.findall(r"table (\d+)", phrase)}
    assert {one.table for one in seating.broken} == wrong


def genders(kinds: str, **more: object) -> list[Guest]:
    return [Guest(str(number), stated={"gender": kind}, age=20 if kind == "w" else 50, **more) for number, kind in enumerate(kinds)]


def women(seating, people) -> list[int]:
    of = {guest.id: guest.stated["gender"] for guest in people}
    return sorted(sum(of[name] == "w" for name in table.guests) for table in seating.tables)


@pytest.mark.parametrize("tables", [3, 9])  # of a few every way is tried, and more are searched
@pytest.mark.parametrize("rule", [Balanced("gender"), wish(Balanced("gender"), 500)])
def test_those_at_locked_tables_count_among_everybody(tables, rule):
    people = genders("wwwwwm" * (tables // 3) + "wwmmmm" * (2 * tables // 3))  # as many women as men, who would rather sit with each other
    locked = Locks(tuple(LockedTable(frozenset(str(6 * table + seat) for seat in range(6))) for table in range(tables // 3)))
    rules = [rule, CloseInAge()]
    seating = seat(people, size=6, rules=rules, locked=locked)
    assert women(seating, people) == [2] * (2 * tables // 3) + [5] * (tables // 3)
    assert [one.rule for one in seating.broken] == ([rule.name] * (tables // 3) if rule == Balanced("gender") else [])


FEW = (Balanced("gender"), NobodyAlone("gender"))
MANY = (Balanced("gender"), SomebodyExperienced(2))


@pytest.mark.parametrize(("number", "guests", "size", "rules"), [(11, 11, (3, 4), FEW), (2, 26, (4, 6), MANY), (26, 26, 4, MANY)])
def test_whoever_is_left_out_leaves_tables_that_are_balanced_without_them(number, guests, size, rules):
    people = company(random.Random(number), guests)
    seating = seat(people, size=size, rules=rules, best_effort=True)
    assert seating.tables
    assert seating.unseated
    assert breaches(seating, people, size=size, rules=rules) == []


@pytest.mark.parametrize("size", [6, [6] * 9])
@pytest.mark.parametrize("times", [1, 4])
def test_those_whom_no_table_can_serve_do_not_count(size, times):
    vegans = genders("m" * 6 * times, diets=frozenset({"vegan"}))
    people = [*vegans, *(Guest(f"x{guest.id}", stated=guest.stated) for guest in genders("wwwwwm" * 2 * times))]
    rules = [Balanced("gender"), DietsServed(frozenset())]
    seating = seat(people, size=size, rules=rules, best_effort=True)
    assert {one.guest for one in seating.unseated} == {guest.id for guest in vegans}
    assert breaches(seating, people, size=size, rules=rules) == []


def test_a_demand_that_only_those_at_locked_tables_give_a_meaning_holds_for_all():
    people = [*(Guest(name, age=30) for name in "ab"), *(Guest(name, age=60) for name in "cd"), *(Guest(name) for name in "ef")]
    locked = Locks((LockedTable(frozenset("abcd")),))
    rules = [Demand(CloseInAge(), 0.6)]
    with pytest.raises(SeatingImpossible, match="demand_close_in_age"):
        seat(people, size=[(2, 4), 2], rules=rules, locked=Locks((LockedTable(frozenset("abcd"), 0),)))
    seating = seat(people, size=(2, 4), rules=rules, locked=locked, everybody=True)
    assert [one.table for one in seating.broken] == [1, 2]
