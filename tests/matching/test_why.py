from __future__ import annotations

import random
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dinnerkit.matching import (
    DEFAULT_RULES,
    AgeRange,
    Balanced,
    BlockedApart,
    CommonLanguage,
    Floor,
    Guest,
    GuestInvalid,
    Locks,
    MixedCompany,
    NearBudget,
    NeverMet,
    NewWithExperienced,
    NobodyAlone,
    NotMetLately,
    NotMetWithin,
    PartiesTogether,
    RuleInvalid,
    SeatingImpossible,
    SimilarTrait,
    SoftRule,
    SomebodyExperienced,
    Table,
    Traits,
    Why,
    record,
    replay,
    seat,
    told_to_guests,
    wish,
)
from dinnerkit.matching.people.crowd import Crowd
from dinnerkit.matching.seating.scoring import Scoring
from dinnerkit.matching.seating.telling import DISCREET, FEWEST_TOLD

from .people import guests
from .test_more_rules import crowd

SLOW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])

WISHES = tuple(
    wish(rule)
    for rule in (
        PartiesTogether(),
        BlockedApart(),
        CommonLanguage(),
        NearBudget(),
        NeverMet(),
        AgeRange(10),
        NotMetWithin(2),
        NobodyAlone("faith"),
        Balanced("faith"),
        SomebodyExperienced(),
    )
)
ALL_RULES = (*DEFAULT_RULES, MixedCompany("gender"), NewWithExperienced(), NotMetLately(), NobodyAlone("gender"), Floor(50))


def mixed(count, seed=1):
    chance = random.Random(seed)
    return [
        replace(
            guest,
            interests=frozenset(chance.sample("abcdefgh", 3)),
            languages=frozenset(chance.sample(["en", "de"], chance.choice([1, 2]))),
            budget=chance.choice([None, "low", "medium", "high"]),
        )
        for guest in crowd(count, seed)
    ]


@settings(SLOW, max_examples=8)
@given(people=guests(most=20))
def test_a_guests_reasons_add_up_exactly_to_the_guests_score(people):
    seating = seat(people, best_effort=True)
    why = Why(seating, people)
    for number, table in enumerate(seating.tables, 1):
        found = [why.guest(name) for name in table.guests]
        for guest in found:
            assert guest.table == number
            assert sum(reason.points for reason in guest.reasons) == guest.score
            assert all(0 <= reason.points <= reason.most for reason in guest.reasons)
        assert np.mean([guest.score for guest in found]) == pytest.approx(table.score, abs=0.5)


def test_what_would_have_been_better_is_as_good_as_said_and_what_prevented_it_is_true():
    people = mixed(30)
    seating = seat(people)
    why = Why(seating, people)
    scoring, everybody = Scoring.of(Crowd.of(people), DEFAULT_RULES), Crowd.of(people)
    matrix = scoring.matrix(everybody) * 100
    place = {name: number for number, name in enumerate(everybody.ids)}
    prevented = set()
    for name in everybody.ids:
        better = why.guest(name).better
        if better is None:
            continue
        there = [one for one in seating.tables[better.table - 1].guests if one != better.other]
        here = [one for one in seating.tables[why.guest(name).table - 1].guests if one != name]
        now = np.mean([matrix[place[name], place[one]] for one in here])
        then = np.mean([matrix[place[name], place[one]] for one in there])
        assert then - now == pytest.approx(better.gain, abs=0.01)
        assert better.text.startswith(f"guest '{name}' would have had {better.gain:.1f} points more ")
        if "common_language" in better.prevented or "budget" in better.prevented:
            by_id = {guest.id: guest for guest in people}
            then_here = [by_id[one] for one in here] + ([by_id[better.other]] if better.other else [])
            then_there = [by_id[one] for one in there] + [by_id[name]]
            assert any(not _compatible(table) for table in (then_here, then_there))
        elif better.prevented == ("others",):
            assert better.total < 0
        prevented.update(better.prevented)
    assert {"others"} < prevented


def _compatible(table):
    tiers = [["low", "medium", "high"].index(guest.budget) for guest in table if guest.budget]
    languages = [guest.languages for guest in table if guest.languages]
    return (not tiers or max(tiers) - min(tiers) < 2) and (not languages or bool(frozenset.intersection(*languages)))


def test_a_table_is_told_the_exchange_that_would_have_raised_it_most():
    people = mixed(30)
    seating = seat(people)
    why = Why(seating, people)
    for number, table in enumerate(seating.tables, 1):
        found = why.table(number)
        assert (found.score, found.reasons) == (table.score, table.reasons)
        assert found.better is None or (found.better.gain > 0 and found.better.text.startswith(f"table {number} would have had "))


def test_a_venues_tables_and_those_left_out_are_explained_too():
    people = mixed(21)
    seating = seat(people, size=[8, 4, (5, 8)], best_effort=True)
    why = Why(seating, people, size=[8, 4, (5, 8)])
    assert [why.table(number).table for number in range(1, len(seating.tables) + 1)]
    with pytest.raises(GuestInvalid, match="guest 'x' sits at no table"):
        why.guest("x")
    with pytest.raises(RuleInvalid, match="there is no table 9"):
        why.table(9)
    with pytest.raises(RuleInvalid, match="not made for this list of tables"):
        Why(seating, people, size=[8, 4])
    with pytest.raises(GuestInvalid, match=r"guest '.*' has a table in the seating, and is not among the guests"):
        Why(seating, people[:5], size=[8, 4, (5, 8)])


def told(people, tables_of, rules=(*ALL_RULES, *WISHES)):
    """What guests are told at given tables, by whatever rules."""
    everybody = Crowd.of(people)
    found = Scoring.of(everybody, rules).reasons(everybody, tables_of)
    return [told_to_guests(Table(("",) * FEWEST_TOLD, 0.0, reasons)) for reasons in found]


@SLOW
@given(people=guests(most=14), data=st.data())
def test_what_guests_are_told_does_not_change_with_blocks_or_what_others_declined_to_say(people, data):
    labels = np.arange(len(people)) // 5
    before = told(people, labels)
    blocked = data.draw(
        st.lists(st.frozensets(st.sampled_from([guest.id for guest in people] or ["x"])), min_size=len(people), max_size=len(people))
    )
    stated = data.draw(st.lists(st.dictionaries(st.just("faith"), st.sampled_from("ab")), min_size=len(people), max_size=len(people)))
    changed = [
        replace(guest, blocked=one, diets=frozenset({"vegan"}), stated=other)
        for guest, one, other in zip(people, blocked, stated, strict=True)
    ]
    assert told(changed, labels) == before


@SLOW
@given(people=guests(most=14))
def test_a_wish_about_what_is_private_adds_nothing_to_what_guests_are_told(people):
    labels = np.arange(len(people)) // 5
    assert told(people, labels) == told(people, labels, ALL_RULES)
    assert set(told(people, labels, WISHES)) <= {(DISCREET,)}


def test_what_guests_are_told_is_from_a_fixed_vocabulary_without_numbers_or_names():
    people = [
        replace(guest, stated={"gender": "woman" if number % 3 else "man"}, dinners=number % 2, met_ago={"4": 1})
        for number, guest in enumerate(mixed(60))
    ]
    seating = seat(people, rules=(*ALL_RULES, *WISHES), best_effort=True)
    vocabulary = {
        rule.text(mean) for rule in ALL_RULES if isinstance(rule, SoftRule) for mean in (0.0, 0.44, 0.45, 0.5, 0.65, 0.66, 0.99, 1.0)
    }
    for table in seating.tables:
        for text in told_to_guests(table):
            assert text in vocabulary
            assert not re.search(r"\d|woman|man\b|vegan", text)


def test_the_guests_of_a_small_table_are_told_nothing_that_one_could_work_out_the_others_from():
    people = crowd(6)
    for size in (1, 2, 3):
        for table in seat(people, size=size).tables:
            assert told_to_guests(table) == (DISCREET,)
    changed = [replace(guest, traits=Traits(0.9, 0.1, 0.2, 0.3, 0.4)) for guest in people]
    assert {told_to_guests(table) for table in seat(changed, size=2).tables} == {(DISCREET,)}


def test_a_record_makes_the_same_seating_again_and_tells_nothing_about_guests():
    people = mixed(24)
    rules = (*DEFAULT_RULES, Floor(50))
    seating = seat(people, rules=rules, seed=5)
    found = record(seating, people, rules=rules)
    assert found.seed == 5
    assert found.iterations > 0
    assert replay(found, people, rules=rules) == seating
    assert re.fullmatch(r"[0-9a-f]{64}", found.inputs)
    assert set(found.as_dict()) == {"inputs", "outputs", "seed", "version", "iterations", "engine"}


def test_a_record_is_refused_with_other_guests_rules_sizes_or_outcome():
    people = mixed(24)
    found = record(seat(people), people)
    for other in ({"guests": people[1:]}, {"guests": people, "rules": DEFAULT_RULES[1:]}, {"guests": people, "size": 6}):
        with pytest.raises(RuleInvalid, match="not the guests, sizes, rules and locks"):
            replay(found, **other)
    with pytest.raises(RuleInvalid, match="gave other tables"):
        replay(replace(found, outputs="0" * 64), people)
    with pytest.raises(RuleInvalid, match=r"made by dinnerkit 0\.0\.0"):
        replay(replace(found, version="0.0.0"), people)


def test_a_record_with_locks_is_made_again_with_the_same_locks_alone():
    people = mixed(24)
    before = seat(people, seed=1)
    locked = Locks.of(before, tables={1}, guests={before.tables[1].guests[0], before.tables[2].guests[0]})
    seating = seat(people, seed=2, locked=locked)
    found = record(seating, people, locked=locked)
    assert replay(found, people, locked=locked) == seating
    for other in (Locks(), replace(locked, tables=()), replace(locked, guests=()), Locks.of(before, tables={2})):
        with pytest.raises(RuleInvalid, match="not the guests, sizes, rules and locks"):
            replay(found, people, locked=other)


def test_a_record_of_a_seating_that_breaks_rules_for_everybodys_sake_is_made_again():
    people = [Guest(str(number), languages=frozenset({"en" if number % 3 else "de"})) for number in range(12)]
    with pytest.raises(SeatingImpossible):
        seat(people, size=6)
    seating = seat(people, size=6, everybody=True)
    found = record(seating, people, size=6)
    assert seating.broken
    assert replay(found, people, size=6, everybody=True) == seating
    with pytest.raises(SeatingImpossible):
        replay(found, people, size=6)


def test_a_record_of_a_seating_that_left_somebody_out_is_made_again():
    people = [*mixed(12), Guest("alone", languages=frozenset({"fi"}))]
    seating = seat(people, best_effort=True)
    assert [one.guest for one in seating.unseated] == ["alone"]
    found = record(seating, people)
    assert replay(found, people, best_effort=True) == seating
    with pytest.raises(SeatingImpossible):
        replay(found, people)


def test_the_order_in_which_a_guest_named_things_makes_no_difference_to_a_record():
    people = [replace(guest, interests=frozenset("abc")) for guest in crowd(12)]
    again = [replace(guest, interests=frozenset("cba")) for guest in crowd(12)]
    seating = seat(people)
    assert record(seating, people) == record(seating, again)


def test_what_prevents_an_exchange_is_told_under_its_own_rule_where_others_keep_guests_apart_too():
    alike, others = Traits(*[0.0] * 5), Traits(*[1.0] * 5)
    people = [Guest("a", alike, met=frozenset("c"), blocked=frozenset("d")), Guest("b", others), Guest("c", alike), Guest("d", others)]
    rules = (BlockedApart(), NeverMet(), SimilarTrait("openness"))
    seating = seat(people, size=2, rules=rules)
    assert [set(table.guests) for table in seating.tables] == [{"a", "b"}, {"c", "d"}]
    better = Why(seating, people, size=2, rules=rules).guest("a").better
    assert better is not None
    assert better.prevented == ("never_met",)
