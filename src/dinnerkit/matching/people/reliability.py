"""How far answers to the questionnaire can be trusted: of a whole crowd by scale, and of single people.

Two questions are kept apart. *Reliability* asks whether the ten items of a scale measure one thing among these people
(Cronbach's alpha). *Carelessness* asks whether one person read the items at all.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dinnerkit.matching.people.answer_rows import REVERSED, SCALE_OF_ITEM, checked_rows
from dinnerkit.matching.people.carelessness import LONG_STRING, Careless, judged
from dinnerkit.matching.people.items import TRAITS, TraitName
from dinnerkit.matching.people.questionnaire import HIGHEST, LOWEST

PUBLISHED_ALPHAS: Mapping[TraitName, float] = {
    "extraversion": 0.87,
    "neuroticism": 0.86,
    "agreeableness": 0.82,
    "conscientiousness": 0.79,
    "openness": 0.84,
}
"""Cronbach's alpha of the five ten-item scales as the International Personality Item Pool prints them beside its key
(ipip.ori.org, "Big-Five Factor Markers", after Goldberg 1992). IPIP keys the neuroticism items the other way round and calls the
scale emotional stability; it calls openness intellect. Neither changes an alpha."""

_FEWEST_PEOPLE = 2


def alphas(answers: ArrayLike) -> dict[TraitName, float]:
    """Cronbach's alpha of each scale: 0–1 in practice, 0.7 and more is usually taken as good enough for groups.

    alpha = k / (k - 1) · (1 - sum of the items' variances / variance of their sum), over those who answered all k items of the
    scale (Cronbach 1951, Psychometrika 16, 297–334). NaN where fewer than two people did, or all have the same sum.

    Args:
        answers: (people, 50) in the order of ``ITEMS``; 0 is missing, the rest must be 1–5.

    Raises:
        QuestionnaireInvalid: another shape, or answers that are not whole numbers from 0 to 5.
    """
    rows = checked_rows(answers)
    values = rows.astype(np.float64)
    values[:, REVERSED] = LOWEST + HIGHEST - values[:, REVERSED]
    found: dict[TraitName, float] = {}
    for scale, trait in enumerate(TRAITS):
        of_scale = scale == SCALE_OF_ITEM
        complete = values[(rows[:, of_scale] != 0).all(axis=1)][:, of_scale]
        found[trait] = _alpha(complete)
    return found


def careless_rows(answers: ArrayLike) -> dict[int, Careless]:
    """Whose answers look careless, by row; the same rule as :func:`dinnerkit.matching.careless`.

    Args:
        answers: (people, 50) in the order of ``ITEMS``; 0 is missing.

    Raises:
        QuestionnaireInvalid: another shape, or answers that are not whole numbers from 0 to 5.
    """
    rows = checked_rows(answers)
    last = np.zeros(len(rows), rows.dtype)
    run = np.zeros(len(rows), np.int64)
    longest = run.copy()
    for column in rows.T:
        given = column != 0
        run = np.where(given & (column == last), run + 1, np.where(given, 1, run))
        last = np.where(given, column, last)
        longest = np.maximum(longest, run)
    counts = (rows != 0).sum(axis=1)
    return {int(row): judged(int(longest[row]), int(counts[row])) for row in np.flatnonzero(longest >= LONG_STRING)}


def _alpha(values: NDArray[np.float64]) -> float:
    people, items = values.shape
    if people < _FEWEST_PEOPLE:
        return float("nan")
    whole = float(values.sum(axis=1).var(ddof=1))
    return items / (items - 1) * (1.0 - float(values.var(axis=0, ddof=1).sum()) / whole) if whole > 0 else float("nan")
