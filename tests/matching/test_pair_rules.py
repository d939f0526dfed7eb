"""What each of the rules about pairs gives a pair, whichever way it is asked, and when it has anything to say."""

from __future__ import annotations

import numpy as np
import pytest

from dinnerkit.matching import (
    DEFAULT_RULES,
    AgeRange,
    CloseInAge,
    Guest,
    MixedCompany,
    NewWithExperienced,
    NobodyAlone,
    NotMetBefore,
    NotMetLately,
    SomebodyExperienced,
    Traits,
)
from dinnerkit.matching.people.crowd import Crowd
from dinnerkit.matching.rules.again import TogetherAgain
from dinnerkit.matching.rules.venue_rules import met_within
from dinnerkit.matching.seating.declaring import declared
from dinnerkit.matching.seating.scoring import Scoring
from dinnerkit.matching.solving.terms import Worths

FIRST, SECOND = np.array([0]), np.array([1])
GENDER = MixedCompany("gender")


def crowd(*told):
    return Crowd.of([Guest(str(number), **one) for number, one in enumerate(told)])


def pair(rule, one, other):
    found = crowd(one, other)
    forth, back = rule.score(found, FIRST, SECOND), rule.score(found, SECOND, FIRST)
    assert forth == back
    return float(forth[0])


def woman():
    return {"stated": {"gender": "woman"}}


def man():
    return {"stated": {"gender": "man"}}


@pytest.mark.parametrize(
    ("rule", "one", "other", "score"),
    [
        (GENDER, woman(), man(), 1.0),
        (GENDER, woman(), woman(), 0.0),
        (GENDER, woman(), {}, 0.5),
        (NewWithExperienced(), {"dinners": 0}, {"dinners": 0}, 0.0),
        (NewWithExperienced(), {"dinners": 0}, {"dinners": 1}, 1.0),
        (NewWithExperienced(), {"dinners": 2}, {"dinners": 1}, 1.0),
        (NewWithExperienced(), {"dinners": 0}, {}, 0.5),
        (NewWithExperienced(), {"dinners": 1}, {}, 0.5),
        (NotMetLately(2), {"met_ago": {"1": 2}}, {}, 0.0),
        (NotMetLately(2), {"met_ago": {"1": 3}}, {}, 1.0),
        (NotMetLately(2), {"met": frozenset({"1"})}, {}, 1.0),
        (TogetherAgain(frozenset({("0", "1")})), {}, {}, 1.0),
        (TogetherAgain(frozenset({("0", "x"), ("x", "1")})), {}, {}, 0.5),
    ],
)
def test_what_a_pair_earns(rule, one, other, score):
    assert pair(rule, one, other) == score


@pytest.mark.parametrize(
    ("rule", "without", "with_it"),
    [
        (GENDER, [woman(), woman(), {}], [woman(), man(), {}]),
        (GENDER, [{}, {}], [woman(), man()]),
        (NewWithExperienced(), [{"dinners": 0}, {"dinners": 0}, {}], [{"dinners": 0}, {"dinners": 1}]),
        (NewWithExperienced(), [{"dinners": 3}, {"dinners": 1}, {}], [{"dinners": 1}, {}, {"dinners": 0}]),
        (NotMetLately(2), [{"met_ago": {"1": 3}}, {}], [{"met_ago": {"1": 2}}, {}]),
        (TogetherAgain(frozenset({("0", "2")})), [{}, {}], [{}, {}, {}]),
    ],
)
def test_a_rule_is_in_play_where_it_tells_guests_apart(rule, without, with_it):
    assert not rule.in_play(crowd(*without))
    assert rule.in_play(crowd(*with_it))


@pytest.mark.parametrize(
    ("rule", "mean", "text"),
    [
        (NewWithExperienced(), 1.0, "Newcomers are not among themselves at this table."),  # there may be none
        (NewWithExperienced(), 0.5, "Newcomers are not among themselves at this table."),
        (NewWithExperienced(), 0.49, "Most people here are new, like a first evening."),
        (NotMetLately(), 1.0, "Nobody here has met lately."),
        (NotMetLately(), 0.99, "Most people at this table have not met lately."),
        (NotMetLately(), 0.5, "Many people at this table have met lately."),
        (NotMetBefore(), 1.0, "Nobody here has met at an earlier dinner."),
        (NotMetBefore(), 0.51, "Most people at this table have not met before."),
        (NotMetBefore(), 0.5, "Many people at this table have met before."),
        (NotMetBefore(), 0.0, "Many people at this table have met before."),
        (GENDER, 0.0, "We looked for a mixed company."),
        (TogetherAgain(frozenset()), 1.0, ""),
    ],
)
def test_what_a_table_is_told_of_it(rule, mean, text):
    assert rule.text(mean) == text


def test_the_last_of_so_many_dinners_counts():
    rows = crowd({"met_ago": {"1": 1, "2": 2, "3": 3}}, {}, {}, {})
    assert [len(met_within(rows, dinners)) for dinners in (1, 2, 3)] == [1, 2, 3]


def test_a_span_of_ages_has_both_its_ends_and_those_who_told_none_fit_all():
    keep = AgeRange(10).keep(crowd({"age": 20}, {"age": 30}, {"age": 31}, {}))
    share = [int(word) for word in keep.share[:, 0]]
    assert share[0] & share[1]
    assert not share[0] & share[2]
    assert share[1] & share[2]
    assert all(share[3] & one for one in share)
    assert keep.told.tolist() == [True, True, True, False]
    assert sum(bin(share[one]).count("1") for one in range(3)) == 4, "spans that lie within another ask for nothing more"


def test_who_is_alone_is_the_one_of_a_kind_that_is_there():
    rule = NobodyAlone("gender")
    counts, sizes = np.array([[0, 2], [1, 2], [1, 1], [0, 0]], np.float32), np.full(4, 5, np.float32)
    assert rule.faults(counts, sizes, np.zeros(2, np.float32)).tolist() == [0, 1, 2, 0]
    everybody = crowd(woman(), man(), man(), {})
    assert [lost for lost, _ in rule.hopeless(everybody)] == [[0]]
    assert rule.hopeless(everybody.take(np.array([1, 2, 3]))) == []


def test_who_is_experienced_is_counted_up_to_as_many_as_are_asked_for():
    rule = SomebodyExperienced(2)
    counts, sizes = np.array([[1, 2], [1, 1], [2, 0], [0, 0], [0, 5]], np.float32), np.full(5, 5, np.float32)
    assert rule.faults(counts, sizes, np.zeros(2, np.float32)).tolist() == [0, 1, 2, 0, 0]
    assert rule.hopeless(crowd({"dinners": 0}, {"dinners": 1}, {"dinners": 4})) == []
    ((lost, why),) = rule.hopeless(crowd({"dinners": 0}, {"dinners": 1}, {}, {"dinners": 0}))
    assert (lost, why) == ([0, 3], "would sit without 2 experienced: only 1 of the guests have been to a dinner before")


def test_what_is_declared_to_the_search_among_many_is_what_the_rules_say():
    chance = np.random.default_rng(5)
    people = [
        Guest(
            str(number),
            Traits(*chance.random(5)) if number % 4 else None,
            None if number % 5 == 0 else int(chance.integers(18, 70)),
            interests=frozenset(chance.choice(list("abcdef"), 3)) if number % 3 else frozenset(),
            dinners=None if number % 7 == 0 else int(chance.integers(0, 3)),
            stated={} if number % 6 == 0 else {"gender": str(chance.choice(["a", "b", "c"]))},
            met_ago={str(other): ago for other, ago in ((number + 1, 2), (number + 2, 4)) if other < 40},
            met=frozenset({str(number + 3)}) if number < 37 else frozenset(),
        )
        for number in range(40)
    ]
    rules = (*DEFAULT_RULES, CloseInAge(7.0, 11.0), GENDER, NewWithExperienced(5.0), NotMetLately(3, 12.0))
    rules = tuple({rule.name: rule for rule in rules}.values())
    everybody = Crowd.of(people)
    scoring = Scoring.of(everybody, rules)
    worths = declared(everybody, scoring)
    assert isinstance(worths, Worths)
    found, wanted = worths.matrix(np.arange(40)), scoring.matrix(everybody)
    off_diagonal = ~np.eye(40, dtype=np.bool_)
    np.testing.assert_allclose(found[off_diagonal], wanted[off_diagonal], atol=1e-5)
