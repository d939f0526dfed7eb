"""Every rule in its other form: hard ones with a weight, soft ones that every table must reach."""

from __future__ import annotations

import math
import random
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
    BlockedApart,
    Changes,
    CloseInAge,
    CommonLanguage,
    Demand,
    DietsServed,
    Floor,
    Guest,
    MixedTrait,
    NearBudget,
    NeverMet,
    NobodyAlone,
    NotMetWithin,
    PartiesTogether,
    RuleInvalid,
    SeatingImpossible,
    SharedInterests,
    SimilarTrait,
    SomebodyExperienced,
    Traits,
    Why,
    moves_against_score,
    record,
    replay,
    reseat,
    seat,
    told_to_guests,
    wish,
)
from dinnerkit.matching.seating.audit import breaches
from dinnerkit.matching.seating.telling import DISCREET

from .people import guests
from .test_more_rules import crowd

SLOW = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])

HARD = (
    PartiesTogether(),
    BlockedApart(),
    CommonLanguage(),
    NearBudget(),
    NeverMet(),
    AgeRange(15),
    NotMetWithin(2),
    NobodyAlone("gender"),
    Balanced("gender"),
    SomebodyExperienced(),
)


def pairs(seating):
    return [(one, other) for table in seating.tables for one in table.guests for other in table.guests if one < other]


def points(seating, name):
    """What a rule gives on average over the guests."""
    given = [(len(table.guests), reason.points) for table in seating.tables for reason in table.reasons if reason.rule == name]
    return sum(count * each for count, each in given) / sum(count for count, _ in given)


def odd(count, **changes):
    """Guests of whom every other one, by number, differs."""
    return [replace(guest, **changes) if int(guest.id) % 2 else guest for guest in crowd(count)]


@pytest.mark.parametrize(
    ("rule", "people", "broken"),
    [
        (
            PartiesTogether(),
            [Guest(str(n), party=str(n % 6)) for n in range(12)],
            lambda table: len(table) - 2 * (len(table) - len({int(name) % 6 for name in table})),
        ),
        (
            BlockedApart(),
            [Guest(str(n), blocked=frozenset({str((n + 6) % 12)})) for n in range(12)],
            lambda table: len(table) - len({int(name) % 6 for name in table}),
        ),
        (
            CommonLanguage(),
            [Guest(str(n), languages=frozenset({"de" if n % 2 else "en"})) for n in range(12)],
            lambda table: len({int(name) % 2 for name in table}) - 1,
        ),
        (
            NearBudget(),
            [Guest(str(n), budget="low" if n % 2 else "high") for n in range(12)],
            lambda table: len({int(name) % 2 for name in table}) - 1,
        ),
        (
            NeverMet(),
            [Guest(str(n), met=frozenset({str((n + 6) % 12)})) for n in range(12)],
            lambda table: len(table) - len({int(name) % 6 for name in table}),
        ),
        (
            AgeRange(10),
            [Guest(str(n), age=60 if n % 2 else 30) for n in range(12)],
            lambda table: len({int(name) % 2 for name in table}) - 1,
        ),
        (
            NotMetWithin(2),
            [Guest(str(n), met_ago={str((n + 6) % 12): 2}) for n in range(12)],
            lambda table: len(table) - len({int(name) % 6 for name in table}),
        ),
        (
            NobodyAlone("gender"),
            [Guest(str(n), stated={"gender": "woman"} if n < 3 else {}) for n in range(12)],
            lambda table: sum(int(name) < 3 for name in table) == 1,
        ),
        (
            Balanced("gender"),
            [Guest(str(n), stated={"gender": "woman" if n < 6 else "man"}) for n in range(12)],
            lambda table: abs(sum(int(name) < 6 for name in table) - 3) > 1,
        ),
        (
            SomebodyExperienced(),
            [Guest(str(n), dinners=5 if n < 2 else 0) for n in range(12)],
            lambda table: all(int(name) >= 2 for name in table),
        ),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_hard_rule_with_a_weight_is_kept_where_nothing_speaks_against_it(rule, people, broken):
    for seed in range(3):
        seating = seat(people, size=6, rules=[wish(rule, 20)], seed=seed)
        assert not any(broken(table.guests) for table in seating.tables)
        assert seating.score > seating.chance


def test_a_wish_is_given_up_where_it_can_not_be_kept_and_nobody_is_turned_away():
    people = [Guest(str(n), languages=frozenset({f"l{n}"}), budget=("low", "high")[n % 2], dinners=0) for n in range(12)]
    rules = [wish(CommonLanguage()), wish(NearBudget()), wish(SomebodyExperienced()), wish(NeverMet())]
    seating = seat(people, size=6, rules=rules)
    assert sum(len(table.guests) for table in seating.tables) == 12
    assert seating.unseated == seating.broken == ()
    assert breaches(seating, people, size=6, rules=rules) == []


def test_the_heavier_of_two_wishes_that_are_at_odds_wins():
    people = [Guest(str(n), languages=frozenset({"de" if n % 2 else "en"}), budget="low" if n < 6 else "high") for n in range(12)]

    def outcome(language, budget):
        seating = seat(people, size=6, rules=[wish(CommonLanguage(), language), wish(NearBudget(), budget)])
        return [len({int(name) % 2 for name in table.guests}) == 1 for table in seating.tables]

    assert outcome(40, 10) == [True, True]
    assert outcome(10, 40) == [False, False]


def test_a_wish_earns_its_weight_by_the_share_of_those_who_keep_it():
    (table,) = seat(
        [Guest(str(n), languages=frozenset({"de" if n else "en"})) for n in range(4)], size=4, rules=[wish(CommonLanguage())]
    ).tables
    assert table.score == 50.0  # three of six pairs
    (table,) = seat(
        [Guest("a", stated={"gender": "x"}), *(Guest(str(n)) for n in range(3))], size=4, rules=[wish(NobodyAlone("gender"))]
    ).tables
    assert table.score == 75.0  # three of four guests


def test_whoever_has_told_nothing_earns_half_of_a_wish():
    people = [Guest("a", budget="low"), Guest("b", budget="high"), Guest("c")]
    assert seat(people, size=3, rules=[wish(NearBudget())]).tables[0].score == pytest.approx(100 / 3, abs=0.125)
    people = [Guest("a", age=20), Guest("b", age=60), Guest("c")]
    assert seat(people, size=3, rules=[wish(AgeRange(5))]).tables[0].score == pytest.approx(100 / 3, abs=0.125)
    people = [Guest("a", languages=frozenset({"en"})), Guest("b", languages=frozenset({"de"})), Guest("c")]
    assert seat(people, size=3, rules=[wish(CommonLanguage())]).tables[0].score == pytest.approx(100 / 3, abs=0.125)


@pytest.mark.parametrize("rule", HARD, ids=lambda rule: rule.name)
def test_a_wish_that_can_not_tell_guests_apart_leaves_its_weight_to_the_others(rule):
    people = [Guest(str(n), Traits(n / 12, 0.5, 0.5, 0.5, 0.5)) for n in range(12)]
    alone = seat(people, size=6, rules=[MixedTrait("extraversion")])
    seating = seat(people, size=6, rules=[MixedTrait("extraversion"), wish(rule)])
    assert [reason.rule for reason in seating.tables[0].reasons] == ["mixed_extraversion"]
    assert seating.tables == alone.tables


@SLOW
@given(people=guests(most=18), chosen=st.sets(st.sampled_from(HARD), min_size=1), seed=st.integers(0, 5))
def test_with_wishes_too_the_points_add_up_and_guests_reasons_to_their_scores(people, chosen, seed):
    people = [
        replace(guest, stated={"gender": "ab"[place % 2]} if place % 3 else {}, dinners=place % 3 or None, met_ago={"g0": 1 + place % 4})
        for place, guest in enumerate(people)
    ]
    rules = [SimilarTrait("openness"), *(wish(rule, 10 + seed) for rule in chosen)]
    seating = seat(people, rules=rules, size=(3, 5), best_effort=True, seed=seed)
    assert breaches(seating, people, rules=rules, size=(3, 5)) == []
    why = Why(seating, people, rules=rules, size=(3, 5))
    for number, table in enumerate(seating.tables, 1):
        assert sum(reason.points for reason in table.reasons) == table.score
        assert all(0 <= reason.points <= reason.most for reason in table.reasons)
        assert why.table(number).score == table.score
        found = [why.guest(name) for name in table.guests]
        assert all(sum(reason.points for reason in guest.reasons) == guest.score for guest in found)
        assert np.mean([guest.score for guest in found]) == pytest.approx(table.score, abs=0.5)
    assert 0 <= seating.chance <= 100


def test_a_wish_is_explained_recorded_and_kept_through_changes():
    people = [replace(guest, stated={"gender": "woman" if int(guest.id) < 5 else "man"}) for guest in crowd(24)]
    rules = (*DEFAULT_RULES, wish(NobodyAlone("gender"), 40), wish(AgeRange(20), 15))
    seating = seat(people, size=6, rules=rules)
    assert {"wish_nobody_alone_gender", "wish_age_range"} <= {
        reason.rule for reason in Why(seating, people, size=6, rules=rules).guest("0").reasons
    }
    assert replay(record(seating, people, size=6, rules=rules), people, size=6, rules=rules) == seating
    with pytest.raises(RuleInvalid, match="not the guests, sizes, rules and locks"):
        replay(record(seating, people, size=6, rules=rules), people, size=6, rules=(*rules[:-1], wish(AgeRange(20), 16)))
    changes = Changes(gone=frozenset({"0"}), come=(Guest("new", stated={"gender": "woman"}),))
    later = reseat(seating, changes, guests=people, size=6, rules=rules)
    assert later.moved == ()
    curve = moves_against_score(seating, changes, guests=people, size=6, rules=rules)
    assert [point.score for point in curve] == sorted(point.score for point in curve)


def test_what_speaks_against_an_exchange_counts_wishes_too():
    people = [Guest(str(n), stated={"gender": "woman"} if n < 2 else {}) for n in range(8)]
    rules = [wish(NobodyAlone("gender"))]
    apart = seat(people, size=4, rules=[wish(NobodyAlone("gender"))], locked=_locked(people))
    better = Why(apart, people, size=4, rules=rules).table(1).better
    assert better is not None
    assert better.gain == pytest.approx(25.0)
    assert better.total == pytest.approx(200.0)


def _locked(people):
    """The two women at different tables."""
    from dinnerkit.matching import LockedTable, Locks

    return Locks((LockedTable(frozenset({"0", "2", "3", "4"})), LockedTable(frozenset({"1", "5", "6", "7"}))))


def test_chance_is_what_random_tables_would_get_of_a_wish_about_whole_tables():
    people = [Guest(str(n), stated={"gender": "woman"} if n < 2 else {}) for n in range(8)]
    # Two women are at different tables of four in four of seven draws; each is then one of four.
    assert seat(people, size=4, rules=[wish(NobodyAlone("gender"))]).chance == pytest.approx(100 - 100 * 4 / 7 / 4, abs=3)


def test_a_wish_about_whole_tables_is_pursued_in_large_crowds_too():
    chance = random.Random(3)
    people = [replace(guest, stated={"gender": "woman"} if chance.random() < 0.12 else {}) for guest in crowd(1104)]

    def alone(seating):
        by_id = {guest.id: guest for guest in people}
        return sum(Counter(by_id[name].stated.get("gender") for name in table.guests)["woman"] == 1 for table in seating.tables)

    before = alone(seat(people, size=6))
    after = alone(seat(people, size=6, rules=(*DEFAULT_RULES, wish(NobodyAlone("gender"), 60))))
    assert after < before / 4


@pytest.mark.parametrize(
    ("rule", "least"),
    [
        (SimilarTrait("openness"), 0.6),
        (MixedTrait("extraversion"), 0.45),
        (CloseInAge(years=40), 0.5),
        (SharedInterests(), 0.4),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_a_soft_rule_that_is_demanded_holds_at_every_table(rule, least):
    chance = random.Random(5)
    people = [replace(guest, interests=frozenset(chance.sample("abcdef", 3))) for guest in crowd(36)]
    rules = [MixedTrait("agreeableness"), Demand(rule, least)]
    seating = seat(people, size=6, rules=rules)
    assert breaches(seating, people, size=6, rules=rules) == []
    for table in seating.tables:
        (only,) = seat([guest for guest in people if guest.id in table.guests], size=6, rules=[rule]).tables
        assert only.score >= 100 * least - 0.125


def test_a_demand_that_no_seating_meets_is_told_and_can_be_broken_knowingly():
    people = [Guest(str(n), Traits(0.5, 0.5, 0.5, 0.5, float(n % 2))) for n in range(20)]
    rules = [Demand(SimilarTrait("openness"), 0.9)]
    with pytest.raises(SeatingImpossible) as caught:
        seat(people, size=(4, 6), rules=[*rules, wish(NeverMet())], locked=_half(people))
    assert "no seating was found that keeps the rule 'demand_similar_openness' at every table" in caught.value.message
    assert "otherwise the table earns less than 90% of similar_openness" in caught.value.message
    people = people[:10]
    with pytest.raises(SeatingImpossible, match=r"without the rule 'demand_similar_openness' or 'locked' everybody could be seated$"):
        seat(people, size=(4, 6), rules=rules, locked=_half(people))
    seating = seat(people, size=10, rules=rules, everybody=True)
    assert [(one.rule, one.table) for one in seating.broken] == [("demand_similar_openness", 1)]
    assert seating.broken[0].text == "table 1 breaks a rule: the table earns less than 90% of similar_openness"
    assert breaches(seating, people, size=10, rules=rules) == [
        "table 1 breaks the rule demand_similar_openness: the table earns less than 90% of similar_openness"
    ]
    assert seat(people, size=10, rules=rules, best_effort=True).unseated


def _half(people):
    """Guests of both kinds who have to sit together."""
    from dinnerkit.matching import Locks

    return Locks(guests=(frozenset({"0", "1"}),))


def test_a_demand_that_can_not_tell_guests_apart_asks_nothing():
    people = [Guest(str(n)) for n in range(12)]
    demands = [Demand(SimilarTrait("openness"), 1.0), Demand(SharedInterests(), 1.0)]
    assert seat(people, size=6, rules=demands).unseated == ()
    assert seat(people, size=6, rules=[*demands, Floor(50)]).unseated == ()  # a floor has whole tables judged


def test_guests_are_told_nothing_of_what_was_only_wished_for():
    people = [replace(guest, budget=("low", "high")[int(guest.id) % 2], blocked=frozenset({"0"})) for guest in crowd(12)]
    seating = seat(people, size=6, rules=[wish(NearBudget()), wish(BlockedApart())])
    assert {told_to_guests(table) for table in seating.tables} == {(DISCREET,)}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: wish(CommonLanguage(), 0), "the weight of wish_common_language must be a positive number, not 0"),
        (lambda: wish(NobodyAlone("gender"), math.nan), "the weight of wish_nobody_alone_gender must be a positive number, not nan"),
        (lambda: wish(SharedInterests()), "shared_interests has a weight already"),
        (lambda: wish(wish(CommonLanguage())), "wish_common_language has a weight already"),
        (lambda: wish(DietsServed()), "diets_served can't have a weight: whom a table can't serve can't sit there"),
        (lambda: wish(Floor(3)), "is no rule that could have a weight"),
        (lambda: wish(None), "None is no rule that could have a weight"),
        (lambda: Demand(CommonLanguage(), 0.5), "only a soft rule can be demanded"),
        (lambda: Demand(SharedInterests(), 0.0), "the least of demand_shared_interests must be more than 0 and at most 1, not 0"),
        (lambda: Demand(SharedInterests(), 1.01), "must be more than 0 and at most 1"),
        (lambda: Demand(SharedInterests(), math.nan), "must be more than 0 and at most 1"),
        (lambda: seat([], rules=[wish(NeverMet()), wish(NeverMet())]), "the rule wish_never_met is given more than once"),
    ],
)
def test_forms_that_make_no_sense_are_refused(make, message):
    with pytest.raises(RuleInvalid) as caught:
        make()
    assert message in caught.value.message
