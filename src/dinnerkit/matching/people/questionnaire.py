"""Scoring of the personality questionnaire: 50 answers in, five traits out.

The key is Goldberg's (1992), as published by the International Personality Item Pool (ipip.ori.org).
"""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral
from typing import Any

from dinnerkit.matching.arguments import shown
from dinnerkit.matching.errors import QuestionnaireInvalid
from dinnerkit.matching.people.guests import Traits
from dinnerkit.matching.people.items import ITEMS, TRAITS, Item

LOWEST, HIGHEST = 1, 5
MAX_MISSING = 10
"""How many of the 50 answers may be missing in all; each scale still needs at least one answer."""

_BY_ID = {item.id: item for item in ITEMS}


def score(answers: Mapping[str, Any]) -> Traits:
    """The five traits that a person's answers give.

    A scale is the mean of its answered items, those that count against the trait turned round (1 becomes 5), moved from
    1–5 to 0–1. At most 10 answers may be missing, and no scale may be without any.

    Args:
        answers: item id to answer, 1 (disagree) to 5 (agree). An absent item, or None, is missing.

    Raises:
        QuestionnaireInvalid: unknown items, answers that aren't whole numbers from 1 to 5, or too few; all of it is listed.
    """
    given = answered(answers)
    _refuse_what_is_wrong(given)
    _refuse_too_few(given)
    return Traits(*(_scale_mean(given, [item for item in ITEMS if item.trait == trait]) for trait in TRAITS))


def answered(answers: Mapping[str, Any]) -> dict[str, Any]:
    """The answers that are given: without those that are None.

    Raises:
        QuestionnaireInvalid: they are not told by item.
    """
    if not isinstance(answers, Mapping):
        raise QuestionnaireInvalid(f"answers must be a mapping of items to answers, not {shown(answers)}")
    return {item: answer for item, answer in answers.items() if answer is not None}


def _refuse_what_is_wrong(given: Mapping[str, Any]) -> None:
    wrong: dict[str, str] = {}
    for item, answer in given.items():
        if item not in _BY_ID:
            wrong[str(item)] = "is not an item of this questionnaire"
        elif isinstance(answer, bool) or not isinstance(answer, Integral) or not LOWEST <= int(answer) <= HIGHEST:
            wrong[item] = f"must be a whole number from {LOWEST} to {HIGHEST}"
    if wrong:
        listed = "; ".join(f"{item} {problem}" for item, problem in wrong.items())
        raise QuestionnaireInvalid(f"these answers can't be scored: {listed}", fields=wrong)


def _refuse_too_few(given: Mapping[str, Any]) -> None:
    missing = [item.id for item in ITEMS if item.id not in given]
    if len(missing) > MAX_MISSING:
        raise QuestionnaireInvalid(
            f"{len(missing)} of the {len(ITEMS)} answers are missing, at most {MAX_MISSING} may be: {', '.join(missing)}",
            fields=dict.fromkeys(missing, "it has no answer"),
        )
    empty = [trait for trait in TRAITS if not any(_BY_ID[item].trait == trait for item in given)]
    if empty:
        raise QuestionnaireInvalid(
            f"no item of {' and '.join(empty)} was answered; each scale needs at least one",
            fields=dict.fromkeys((item.id for item in ITEMS if item.trait in empty), "it has no answer"),
        )


def _scale_mean(given: Mapping[str, int], items: list[Item]) -> float:
    answers = [LOWEST + HIGHEST - given[item.id] if item.reversed else given[item.id] for item in items if item.id in given]
    return (sum(answers) / len(answers) - LOWEST) / (HIGHEST - LOWEST)
