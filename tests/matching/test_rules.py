from __future__ import annotations

import math

import numpy as np
import pytest

from dinnerkit.matching import (
    DEFAULT_RULES,
    CloseInAge,
    Guest,
    GuestInvalid,
    HardRule,
    MixedTrait,
    NotMetBefore,
    RuleInvalid,
    SharedInterests,
    SimilarTrait,
    SoftRule,
    Traits,
)
from dinnerkit.matching.people.crowd import Crowd

FIRST, SECOND = np.array([0]), np.array([1])


def pair(rule, one, other):
    crowd = Crowd.of([Guest("one", **one), Guest("other", **other)])
    forth, back = rule.score(crowd, FIRST, SECOND), rule.score(crowd, SECOND, FIRST)
    assert forth == back
    return float(forth[0])


def openness(value):
    return {"traits": Traits(0.5, 0.5, 0.5, 0.5, value)}


def test_similar_falls_from_one_to_zero_over_its_width():
    rule = SimilarTrait("openness", width=0.5)
    assert pair(rule, openness(0.3), openness(0.3)) == 1.0
    assert pair(rule, openness(0.25), openness(0.5)) == pytest.approx(0.5)
    assert pair(rule, openness(0.0), openness(0.9)) == 0.0


def test_mixed_is_the_other_way_round():
    rule = MixedTrait("openness", width=0.5)
    assert pair(rule, openness(0.3), openness(0.3)) == 0.0
    assert pair(rule, openness(0.0), openness(0.9)) == 1.0


def test_close_in_age_counts_years():
    rule = CloseInAge(years=20)
    assert pair(rule, {"age": 30}, {"age": 35}) == pytest.approx(0.75)
    assert pair(rule, {"age": 30}, {"age": 60}) == 0.0


def test_interests_count_up_to_enough():
    rule = SharedInterests(enough=2)
    assert pair(rule, {"interests": frozenset("abc")}, {"interests": frozenset("cde")}) == 0.5
    assert pair(rule, {"interests": frozenset("abc")}, {"interests": frozenset("abc")}) == 1.0
    assert pair(rule, {"interests": frozenset("abc")}, {"interests": frozenset("de")}) == 0.0


def test_having_met_counts_whichever_side_knows():
    assert pair(NotMetBefore(), {"met": frozenset({"other"})}, {}) == 0.0
    assert pair(NotMetBefore(), {}, {"met": frozenset({"one"})}) == 0.0
    assert pair(NotMetBefore(), {"met": frozenset({"one", "gone"})}, {}) == 1.0


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        (SimilarTrait("openness"), openness(0.1)),
        (MixedTrait("openness"), openness(0.1)),
        (CloseInAge(), {"age": 30}),
        (SharedInterests(), {"interests": frozenset("ab")}),
    ],
)
def test_what_a_guest_has_not_told_counts_neither_for_nor_against(rule, told):
    assert pair(rule, told, {}) == 0.5


@pytest.mark.parametrize("rule", [rule for rule in DEFAULT_RULES if isinstance(rule, SoftRule)], ids=lambda rule: rule.name)
def test_a_rule_that_can_tell_no_two_guests_apart_is_not_in_play(rule):
    assert not rule.in_play(Crowd.of([]))
    same = {"traits": Traits(0.5, 0.5, 0.5, 0.5, 0.5), "age": 40}
    assert not rule.in_play(Crowd.of([Guest(str(number), **same) for number in range(4)] + [Guest("untold")]))


def test_each_default_rule_is_hard_or_soft_and_has_its_own_name():
    assert all(isinstance(rule, SoftRule) != isinstance(rule, HardRule) for rule in DEFAULT_RULES)
    assert len({rule.name for rule in DEFAULT_RULES}) == len(DEFAULT_RULES)


@pytest.mark.parametrize("weight", [0, -1, math.nan, math.inf])
def test_a_weight_that_is_not_positive_is_refused(weight):
    with pytest.raises(RuleInvalid, match="weight of close_in_age"):
        CloseInAge(weight)


def test_an_unknown_trait_is_refused_with_the_known_ones():
    with pytest.raises(RuleInvalid, match="must be one of extraversion"):
        SimilarTrait("humour")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"id": ""}, "id that is not empty"),
        ({"id": "a", "budget": "rich"}, "must be one of low, medium, high"),
        ({"id": "a", "age": 1985}, "must be from 0 to 120"),
        ({"id": "a", "age": math.nan}, "must be from 0 to 120"),
        ({"id": "a", "languages": "en"}, r"guest 'a' has the languages 'en'; it must be a set of texts, such as \{'en'\}"),
        ({"id": "a", "blocked": "bob"}, "must be a set of texts"),
        ({"id": "a", "traits": (1, 2, 3, 4, 5)}, "they must be Traits"),
    ],
)
def test_a_guest_that_makes_no_sense_is_refused(wrong, message):
    with pytest.raises(GuestInvalid, match=message):
        Guest(**wrong)


def test_more_than_sixty_four_languages_are_told_apart():
    crowd = Crowd.of([Guest(str(number), languages=frozenset({f"l{number}", f"l{number + 1}"})) for number in range(200)])
    shared = (crowd.languages[:, None] & crowd.languages[None, :]).any(axis=-1)
    near = np.abs(np.subtract.outer(np.arange(200), np.arange(200))) <= 1
    assert (shared == near).all()
