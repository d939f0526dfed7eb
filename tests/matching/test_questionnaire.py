from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dinnerkit.matching import ITEMS, TRAITS, GuestInvalid, QuestionnaireInvalid, Traits, careless, score, score_rows

# The key as the International Personality Item Pool prints it: the items that count against their trait.
REVERSED = {"E2", "E4", "E6", "E8", "E10", "N2", "N4", "A1", "A3", "A5", "A7", "C2", "C4", "C6", "C8", "O2", "O4", "O6"}

MOST = {item.id: 1 if item.reversed else 5 for item in ITEMS}


def test_there_are_ten_items_of_each_trait_in_order_with_goldbergs_key():
    assert [item.id for item in ITEMS] == [f"{scale}{number}" for scale in "ENACO" for number in range(1, 11)]
    assert {item.id for item in ITEMS if item.reversed} == REVERSED
    assert all(sum(item.trait == trait for item in ITEMS) == 10 for trait in TRAITS)
    assert len({item.text for item in ITEMS}) == 50


def test_agreeing_with_every_item_for_a_trait_and_none_against_it_gives_one():
    assert score(MOST) == Traits(1.0, 1.0, 1.0, 1.0, 1.0)
    assert score({item: 6 - answer for item, answer in MOST.items()}) == Traits(0.0, 0.0, 0.0, 0.0, 0.0)


def test_the_first_respondent_of_the_published_data_scores_as_worked_out_by_hand():
    row = "42525143511525111111151523154541515141454131514255"
    answers = {item.id: int(answer) for item, answer in zip(ITEMS, row, strict=True)}
    assert score(answers).extraversion == pytest.approx((4.4 - 1) / 4)
    assert score(answers).neuroticism == pytest.approx((1.1 - 1) / 4)


def test_a_missing_answer_is_left_out_of_its_scale_not_counted_as_low():
    answers = {item: answer for item, answer in MOST.items() if item not in {"E1", "N5"}}
    assert score(answers) == Traits(1.0, 1.0, 1.0, 1.0, 1.0)
    assert score({**answers, "E1": None}) == Traits(1.0, 1.0, 1.0, 1.0, 1.0)


def test_ten_answers_may_be_missing_and_eleven_may_not():
    ids = [item.id for item in ITEMS]
    assert score(dict.fromkeys(ids[5:45], 3)) == Traits(0.5, 0.5, 0.5, 0.5, 0.5)
    with pytest.raises(QuestionnaireInvalid, match=r"^11 of the 50 answers are missing, at most 10 may be: E1, "):
        score(dict.fromkeys(ids[11:], 3))


def test_a_scale_without_any_answer_is_refused_by_name():
    with pytest.raises(QuestionnaireInvalid, match="no item of extraversion was answered") as caught:
        score({item.id: 3 for item in ITEMS if item.trait != "extraversion"})
    assert set(caught.value.details["fields"]) == {f"E{number}" for number in range(1, 11)}


def test_an_answer_out_of_an_array_is_a_whole_number_too():
    assert score(dict(zip(MOST, np.array(list(MOST.values())), strict=True))) == score(MOST)


@pytest.mark.parametrize("answer", [0, 6, -1, 3.0, 2.5, True, "4", float("nan")])
def test_an_answer_that_is_not_a_whole_number_from_one_to_five_is_refused(answer):
    with pytest.raises(QuestionnaireInvalid, match="N3 must be a whole number from 1 to 5"):
        score({**MOST, "N3": answer})


@pytest.mark.parametrize("read", [score, careless])
@pytest.mark.parametrize("answers", [[3] * 50, None, "3"])
def test_answers_that_are_not_told_by_item_are_refused(read, answers):
    with pytest.raises(QuestionnaireInvalid, match="answers must be a mapping of items to answers, not "):
        read(answers)


def test_everything_that_is_wrong_is_listed_at_once():
    with pytest.raises(QuestionnaireInvalid) as caught:
        score({**MOST, "X1": 3, "E1": 9, "e2": 3})
    assert set(caught.value.details["fields"]) == {"X1", "E1", "e2"}
    assert all(name in caught.value.message for name in ("X1", "E1", "e2"))


@given(st.lists(st.integers(0, 5), min_size=50, max_size=50))
def test_scoring_many_at_once_agrees_with_scoring_one(row):
    answers = {item.id: answer for item, answer in zip(ITEMS, row, strict=True) if answer}
    try:
        expected = tuple(score(answers))
    except QuestionnaireInvalid:
        return
    assert score_rows(np.array([row]))[0] == pytest.approx(expected)


@pytest.mark.parametrize("value", [float("nan"), -0.1, 1.1, float("inf")])
def test_traits_outside_zero_to_one_are_refused(value):
    with pytest.raises(GuestInvalid, match="openness must be from 0 to 1"):
        Traits(0.5, 0.5, 0.5, 0.5, value)


def test_traits_are_shown_by_name():
    assert Traits(0.1, 0.2, 0.3, 0.4, 0.5).as_dict() == dict(zip(TRAITS, (0.1, 0.2, 0.3, 0.4, 0.5), strict=True))
