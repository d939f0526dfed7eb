from __future__ import annotations

import csv
import gzip
import importlib.resources
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dinnerkit.matching import ITEMS, TRAITS, QuestionnaireInvalid, alphas, careless, careless_rows, score_rows
from dinnerkit.matching.people.carelessness import LONG_STRING
from dinnerkit.matching.people.reliability import PUBLISHED_ALPHAS

TOLERANCE = 0.055
"""The published alphas are of the Eugene-Springfield community sample, ours of people who took a test on the web."""


@pytest.fixture(scope="module")
def respondents():
    packed = (importlib.resources.files("dinnerkit") / "demo_data" / "people.csv.gz").read_bytes()
    rows = csv.DictReader(gzip.decompress(packed).decode().splitlines())
    return np.array([[int(row[item.id]) for item in ITEMS] for row in rows])


def test_real_people_answer_as_consistently_as_published(respondents):
    found = alphas(respondents)
    assert set(found) == set(TRAITS)
    for trait, published in PUBLISHED_ALPHAS.items():
        assert found[trait] == pytest.approx(published, abs=TOLERANCE)


def test_the_published_alphas_are_those_of_the_item_pool():
    assert PUBLISHED_ALPHAS == {
        "extraversion": 0.87,
        "agreeableness": 0.82,
        "conscientiousness": 0.79,
        "neuroticism": 0.86,
        "openness": 0.84,
    }


def test_an_alpha_worked_out_by_hand():
    # Three people who give every item of a scale one value, 1, 3 and 5: the items measure one thing, and alpha is 1.
    rows = np.array([[6 - value if item.reversed else value for item in ITEMS] for value in (1, 3, 5)])
    assert alphas(rows) == pytest.approx(dict.fromkeys(TRAITS, 1.0))
    # Of two items only with a spread of their own, uncorrelated: the sum's variance is theirs added, and alpha is 0.
    rows = np.full((4, 50), 3)
    rows[:, 0], rows[:, 1] = (1, 1, 5, 5), (1, 5, 1, 5)
    assert alphas(rows)["extraversion"] == pytest.approx(0.0)


def test_people_who_left_an_item_out_are_left_out_of_its_scale_alone(respondents):
    gaps = respondents.copy()
    gaps[100:, 0] = 0
    assert alphas(gaps)["extraversion"] == alphas(respondents[:100])["extraversion"]
    assert alphas(gaps)["openness"] == alphas(respondents)["openness"]


def test_too_few_people_or_no_differences_have_no_alpha():
    assert all(math.isnan(value) for value in alphas(np.full((1, 50), 3)).values())
    assert all(math.isnan(value) for value in alphas(np.full((9, 50), 3)).values())
    assert all(math.isnan(value) for value in alphas(np.zeros((9, 50), int)).values())


def test_one_answer_throughout_is_careless_and_so_is_a_long_string(respondents):
    same = careless({item.id: 4 for item in ITEMS})
    assert same is not None
    assert (same.kind, same.run, same.text) == ("same_answer", 50, "the same answer to all 50 items")
    row = respondents[:1].copy()
    row[0, 20 : 20 + LONG_STRING] = 2
    row[0, [19, 20 + LONG_STRING]] = 5
    found = careless_rows(row)[0]
    assert (found.kind, found.text) == ("long_string", f"the same answer {LONG_STRING} times in a row")
    row[0, 25] = 5
    assert careless_rows(row) == {}


def test_a_missing_answer_does_not_hide_a_straight_line():
    answers = {item.id: 1 for item in ITEMS if item.id not in {"E5", "C1"}}
    found = careless({**answers, "E5": None})
    assert found is not None
    assert (found.kind, found.text) == ("same_answer", "one answer 48 times")


def test_careful_people_are_not_called_careless(respondents):
    assert careless_rows(respondents) == {}
    assert careless({}) is None


@given(st.lists(st.sampled_from([0, 1, 2, 2, 2, 2, 2, 2]), min_size=50, max_size=50))
def test_runs_are_counted_as_one_would_by_hand(row):
    best = run = last = 0
    for answer in row:
        if answer:
            run = run + 1 if answer == last else 1
            last = answer
            best = max(best, run)
    found = careless({item.id: answer or None for item, answer in zip(ITEMS, row, strict=True)})
    assert (found.run if found else None) == (best if best >= LONG_STRING else None)


@pytest.mark.parametrize("of_many", [alphas, careless_rows, score_rows])
@pytest.mark.parametrize(
    ("answers", "message"),
    [
        (np.full((3, 49), 3), r"of shape \(people, 50\), not \(3, 49\)"),
        (np.full(50, 3), r"of shape \(people, 50\), not \(50,\)"),
        (np.full((3, 50), 6), "whole numbers from 1 to 5, or 0"),
        (np.full((3, 50), -1), "whole numbers from 1 to 5, or 0"),
        (np.full((3, 50), np.nan), "whole numbers from 1 to 5, or 0"),
        ([[3] * 50, [3] * 49], r"of shape \(people, 50\), not rows of different lengths"),
    ],
)
def test_rows_that_are_no_answers_are_refused(of_many, answers, message):
    with pytest.raises(QuestionnaireInvalid, match=message):
        of_many(answers)
