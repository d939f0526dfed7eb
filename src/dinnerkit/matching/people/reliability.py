"""How far answers to the questionnaire can be trusted: of a whole crowd by scale, and of single people.

Two questions are kept apart. *Reliability* asks whether the ten items of a scale measure one thing among these people
(Cronbach's alpha). *Carelessness* asks whether one person read the items at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dinnerkit.matching.people.items import ITEMS, TRAITS, TraitName
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

LONG_STRING = 15
"""So many equal answers in a row are taken for carelessness.

Johnson (2005, Journal of Research in Personality 39, 103–129) cuts where the frequencies of longest runs break off. Among 19,718
complete answers to this questionnaire (openpsychometrics.org, in the order E1 … O10) they fall from 85 people with a run of 10 to 6
with one of 14, and to none with 15 or 16; 30 more have 17 or longer, 26 of them all 50. Curran's (2016, Journal of Experimental
Social Psychology 66, 4–19) cruder rule, half of all items, would pass two of these 30. As each scale has items that count for the
trait and against it, such a run contradicts itself in whatever order the items were shown."""

_FEWEST_PEOPLE = 2
_REVERSED = np.array([item.reversed for item in ITEMS])
_SCALE_OF_ITEM = np.array([TRAITS.index(item.trait) for item in ITEMS])


@dataclass(frozen=True, slots=True)
class Careless:
    """Why a person's answers look careless.

    Attributes:
        kind: ``"same_answer"`` if all answers are the same, ``"long_string"`` if many in a row are.
        run: the longest run of equal answers, missing ones passed over.
        text: a phrase for the host, such as ``"the same answer to all 50 items"``.
    """

    kind: Literal["same_answer", "long_string"]
    run: int
    text: str


def alphas(answers: NDArray[np.integer[Any]]) -> dict[TraitName, float]:
    """Cronbach's alpha of each scale: 0–1 in practice, 0.7 and more is usually taken as good enough for groups.

    alpha = k / (k - 1) · (1 - sum of the items' variances / variance of their sum), over those who answered all k items of the
    scale (Cronbach 1951, Psychometrika 16, 297–334). NaN where fewer than two people did, or all have the same sum.

    Args:
        answers: (people, 50) in the order of ``ITEMS``; 0 is missing, the rest must be 1–5.
    """
    values = answers.astype(np.float64)
    values[:, _REVERSED] = LOWEST + HIGHEST - values[:, _REVERSED]
    found: dict[TraitName, float] = {}
    for scale, trait in enumerate(TRAITS):
        of_scale = scale == _SCALE_OF_ITEM
        complete = values[(answers[:, of_scale] != 0).all(axis=1)][:, of_scale]
        found[trait] = _alpha(complete)
    return found


def careless_rows(answers: NDArray[np.integer[Any]]) -> dict[int, Careless]:
    """Whose answers look careless, by row; the same rule as :func:`careless`.

    Args:
        answers: (people, 50) in the order of ``ITEMS``; 0 is missing.
    """
    last = np.zeros(len(answers), answers.dtype)
    run = np.zeros(len(answers), np.int64)
    longest = run.copy()
    for column in answers.T:
        given = column != 0
        run = np.where(given & (column == last), run + 1, np.where(given, 1, run))
        last = np.where(given, column, last)
        longest = np.maximum(longest, run)
    counts = (answers != 0).sum(axis=1)
    return {int(row): _careless(int(longest[row]), int(counts[row])) for row in np.flatnonzero(longest >= LONG_STRING)}


def careless(answers: Mapping[str, Any]) -> Careless | None:
    """Why one person's answers look careless, or None if they don't.

    Args:
        answers: item id to answer, as :func:`dinnerkit.matching.score` takes them; absent or None is missing.
    """
    row = np.array([[answers.get(item.id) or 0 for item in ITEMS]], np.int64)
    return careless_rows(row).get(0)


def _alpha(values: NDArray[np.float64]) -> float:
    people, items = values.shape
    if people < _FEWEST_PEOPLE:
        return float("nan")
    whole = float(values.sum(axis=1).var(ddof=1))
    return items / (items - 1) * (1.0 - float(values.var(axis=0, ddof=1).sum()) / whole) if whole > 0 else float("nan")


def _careless(run: int, given: int) -> Careless:
    if run == given:
        return Careless("same_answer", run, f"the same answer to all {given} items" if given == len(ITEMS) else f"one answer {given} times")
    return Careless("long_string", run, f"the same answer {run} times in a row")
