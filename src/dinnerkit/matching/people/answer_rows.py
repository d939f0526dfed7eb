"""Scoring of many people's answers to the questionnaire at once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dinnerkit.matching.errors import QuestionnaireInvalid
from dinnerkit.matching.people.items import ITEMS, TRAITS
from dinnerkit.matching.people.questionnaire import HIGHEST, LOWEST

REVERSED = np.array([item.reversed for item in ITEMS])
"""(50,), whether agreeing to the item counts against its trait."""

SCALE_OF_ITEM = np.array([TRAITS.index(item.trait) for item in ITEMS])
"""(50,), the number of the item's trait in ``TRAITS``."""


def score_rows(answers: ArrayLike) -> NDArray[np.float64]:
    """The traits of many people at once, by the same rule as :func:`dinnerkit.matching.score`.

    Args:
        answers: (people, 50) in the order of ``ITEMS``; 0 is missing, the rest must be 1–5.

    Returns:
        (people, 5) in the order of ``TRAITS``, each 0–1; a scale without any answer is NaN.

    Raises:
        QuestionnaireInvalid: another shape, or answers that are not whole numbers from 0 to 5.
    """
    values = checked_rows(answers).astype(np.float64)
    answered = values != 0
    values[:, REVERSED] = LOWEST + HIGHEST - values[:, REVERSED]
    values[~answered] = 0.0
    traits = np.full((len(values), len(TRAITS)), np.nan)
    for scale in range(len(TRAITS)):
        of_scale = scale == SCALE_OF_ITEM
        count = answered[:, of_scale].sum(axis=1)
        some = count > 0
        traits[some, scale] = (values[some][:, of_scale].sum(axis=1) / count[some] - LOWEST) / (HIGHEST - LOWEST)
    return traits


def checked_rows(answers: ArrayLike) -> NDArray[np.integer[Any]]:
    """(people, 50) answers of many people, 0 for missing ones.

    Raises:
        QuestionnaireInvalid: another shape, or answers that are not whole numbers from 0 to 5.
    """
    try:
        rows: NDArray[Any] = np.asarray(answers)
    except ValueError:
        raise QuestionnaireInvalid(f"answers must be of shape (people, {len(ITEMS)}), not rows of different lengths") from None
    if rows.ndim != 2 or rows.shape[1] != len(ITEMS):  # noqa: PLR2004
        raise QuestionnaireInvalid(f"answers must be of shape (people, {len(ITEMS)}), not {rows.shape}")
    if not np.issubdtype(rows.dtype, np.integer) or (rows.size and not (rows.min() >= 0 and rows.max() <= HIGHEST)):
        raise QuestionnaireInvalid(f"answers must be whole numbers from {LOWEST} to {HIGHEST}, or 0 where they are missing")
    return rows
