"""Whatever guests and rules are put together: a seating that keeps the rules, or a clear refusal, and nothing else."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dinnerkit.errors import DinnerkitError
from dinnerkit.matching import (
    TRAITS,
    AgeRange,
    Balanced,
    BlockedApart,
    CloseInAge,
    CommonLanguage,
    Demand,
    DietsServed,
    Floor,
    Guest,
    Locks,
    MixedCompany,
    MixedTrait,
    NearBudget,
    NeverMet,
    NewWithExperienced,
    NobodyAlone,
    NotMetBefore,
    NotMetLately,
    NotMetWithin,
    PartiesTogether,
    SeatingImpossible,
    SharedInterests,
    SimilarTrait,
    SomebodyExperienced,
    Traits,
    VenueTable,
    Why,
    seat,
    wish,
)
from dinnerkit.matching.seating.audit import breaches

from .people import guests

WEIGHT = st.floats(0.001, 1000)
LABEL = st.sampled_from(["gender", "faith", "nothing"])
TRAIT = st.sampled_from(TRAITS)

HARD = st.one_of(
    st.sampled_from([PartiesTogether(), BlockedApart(), CommonLanguage(), NearBudget(), NeverMet()]),
    st.builds(AgeRange, st.floats(0, 100)),
    st.builds(NotMetWithin, st.integers(1, 6)),
    st.builds(NobodyAlone, LABEL, st.sampled_from([None, "a"])),
    st.builds(Balanced, LABEL, st.floats(1, 3)),
    st.builds(SomebodyExperienced, st.integers(1, 3)),
)
SOFT = st.one_of(
    st.builds(SimilarTrait, TRAIT, WEIGHT),
    st.builds(MixedTrait, TRAIT, WEIGHT),
    st.builds(CloseInAge, WEIGHT, st.floats(1, 60)),
    st.builds(SharedInterests, WEIGHT, st.integers(1, 4)),
    st.builds(NotMetBefore, WEIGHT),
    st.builds(NotMetLately, st.integers(1, 6), WEIGHT),
    st.builds(MixedCompany, LABEL, WEIGHT),
    st.builds(NewWithExperienced, WEIGHT),
)
DIETS = st.builds(DietsServed, st.none() | st.frozensets(st.sampled_from(["vegan", "halal"])))
RULE = st.one_of(
    HARD, SOFT, DIETS, st.builds(wish, HARD, WEIGHT), st.builds(Demand, SOFT, st.floats(0.01, 1)), st.builds(Floor, st.floats(0, 100))
)
RULES = st.lists(RULE, max_size=7, unique_by=lambda rule: rule.name)
SIZE = st.one_of(
    st.integers(1, 8),
    st.tuples(st.integers(1, 5), st.integers(0, 4)).map(lambda two: (two[0], two[0] + two[1])),
    st.lists(
        st.builds(
            lambda low, more, diets: VenueTable(low, low + more, diets),
            st.integers(1, 5),
            st.integers(0, 4),
            st.none() | st.frozensets(st.sampled_from(["vegan", "halal"])),
        ),
        min_size=1,
        max_size=6,
    ),
)


@st.composite
def anybody(draw):
    """Guests with something to say about everything that any rule asks."""
    return [
        replace(
            guest,
            diets=draw(st.frozensets(st.sampled_from(["vegan", "halal"]), max_size=1)),
            dinners=draw(st.none() | st.integers(0, 3)),
            stated=draw(st.dictionaries(st.sampled_from(["gender", "faith"]), st.sampled_from("abc"), max_size=2)),
            met_ago=draw(st.dictionaries(st.sampled_from(["g0", "g1", "g2", "x"]), st.integers(1, 5), max_size=2)),
        )
        for guest in draw(guests(most=16, parties=3))
    ]


def answer(people, **options):
    """The seating, or None if it was refused, clearly."""
    try:
        return seat(people, **options)
    except SeatingImpossible as error:
        refused = error
    causes = refused.details["causes"]
    assert causes
    assert all(cause["guests"] and cause["text"] for cause in causes)
    assert {name for cause in causes for name in cause["guests"]} <= {guest.id for guest in people}
    assert refused.message.strip()
    assert "\n" not in refused.message
    assert not re.search(r"Traceback|array\(|nan|inf\b|None\b|object at", refused.message)
    return None


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(people=anybody(), rules=RULES, size=SIZE, seed=st.integers(0, 3))
def test_any_guests_and_any_rules_give_a_sound_seating_or_a_clear_refusal(people, rules, size, seed):
    seating = answer(people, rules=rules, size=size, seed=seed)
    if seating is not None:
        assert breaches(seating, people, rules=rules, size=size) == []
        assert seating.unseated == seating.broken == ()
        assert 0 <= seating.floor <= seating.score + 1e-9 <= 100 + 1e-9
        for table in seating.tables:
            assert sum(reason.points for reason in table.reasons) == table.score


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(people=anybody(), rules=RULES, size=SIZE, seed=st.integers(0, 3))
def test_the_best_effort_never_refuses_and_tells_why_of_everybody_left_out(people, rules, size, seed):
    seating = seat(people, rules=rules, size=size, seed=seed, best_effort=True)
    assert breaches(seating, people, rules=rules, size=size) == []
    assert all(one.reason for one in seating.unseated)
    why = Why(seating, people, rules=rules, size=size)
    for number, table in enumerate(seating.tables, 1):
        assert why.table(number).table == number
        assert why.guest(table.guests[0]).guest == table.guests[0]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(people=anybody(), rules=RULES, size=SIZE, seed=st.integers(0, 3))
def test_the_least_broken_seating_has_everybody_and_says_exactly_what_it_breaks(people, rules, size, seed):
    seating = seat(people, rules=rules, size=size, seed=seed, everybody=True)
    assert sorted(name for table in seating.tables for name in table.guests) == sorted(guest.id for guest in people)
    assert bool(seating.broken) == bool(breaches(seating, people, rules=rules, size=size))
    assert all(one.text and 1 <= one.table <= len(seating.tables) for one in seating.broken)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(people=anybody(), rules=RULES, seed=st.integers(0, 3), data=st.data())
def test_locks_on_any_seating_hold_or_are_refused_clearly(people, rules, seed, data):
    first = seat(people, rules=rules, size=(2, 5), seed=seed, best_effort=True)
    tables = data.draw(st.sets(st.sampled_from(range(1, len(first.tables) + 1)))) if first.tables else set()
    locks = Locks.of(first, tables=tables)
    again = answer(people, rules=rules, size=(2, 5), seed=seed + 1, locked=locks)
    if again is not None:
        kept = [set(table.guests) for table in again.tables]
        assert all(set(first.tables[number - 1].guests) in kept for number in tables)


@pytest.mark.parametrize(
    "rules", [(), (CommonLanguage(), wish(NeverMet()), SimilarTrait("openness"), Demand(CloseInAge(), 0.5), Floor(50))]
)
@pytest.mark.parametrize(
    ("people", "size", "message"),
    [
        ([], 6, None),
        ([Guest("a")], 6, "1 guest can't be divided into tables of 6"),
        ([Guest("a")], (1, 6), None),
        ([Guest(str(n)) for n in range(7)], (4, 6), "7 guests can't be divided into tables of 4–6"),
        ([Guest(str(n), Traits(0.5, 0.5, 0.5, 0.5, 0.5), 30, frozenset({"en"})) for n in range(24)], 6, None),
        ([Guest(str(n), party="p") for n in range(8)], 4, "party 'p' of 8 is larger than a table of at most 4"),
        ([Guest("a"), Guest("b"), Guest("a")], 6, "these guests are in the list more than once: a"),
    ],
    ids=["nobody", "one", "one at a table of one", "not divisible", "all identical", "a party larger than a table", "duplicates"],
)
def test_the_edges_have_clear_answers_whatever_the_rules(rules, people, size, message):
    rules = (PartiesTogether(), *rules)
    if message is None:
        assert sum(len(table.guests) for table in seat(people, size=size, rules=rules).tables) == len(people)
        return
    with pytest.raises(DinnerkitError) as caught:
        seat(people, size=size, rules=rules)
    assert caught.value.message == message


@pytest.mark.parametrize(
    "make",
    [
        lambda: Guest("a", age=float("nan")),
        lambda: Guest("a", age=float("inf")),
        lambda: Traits(float("nan"), 0.5, 0.5, 0.5, 0.5),
        lambda: seat([], seconds=float("nan")),
        lambda: seat([], size=float("nan")),
        lambda: seat([], seed=float("nan")),
        lambda: CloseInAge(float("nan")),
        lambda: CloseInAge(years=float("nan")),
        lambda: wish(NeverMet(), float("nan")),
    ],
)
def test_numbers_that_are_none_are_refused_where_they_are_given(make):
    with pytest.raises(DinnerkitError, match=r"nan|inf"):
        make()
