"""Whether one person read the items of the questionnaire at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal

from dinnerkit.matching.people.items import ITEMS
from dinnerkit.matching.people.questionnaire import answered

LONG_STRING = 15
"""So many equal answers in a row are taken for carelessness.

Johnson (2005, Journal of Research in Personality 39, 103–129) cuts where the frequencies of longest runs break off. Among 19,718
complete answers to this questionnaire (openpsychometrics.org, in the order E1 … O10) they fall from 85 people with a run of 10 to 6
with one of 14, and to none with 15 or 16; 30 more have 17 or longer, 26 of them all 50. Curran's (2016, Journal of Experimental
Social Psychology 66, 4–19) cruder rule, half of all items, would pass two of these 30. As each scale has items that count for the
trait and against it, such a run contradicts itself in whatever order the items were shown."""


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


def careless(answers: Mapping[str, Any]) -> Careless | None:
    """Why one person's answers look careless, or None if they don't.

    Args:
        answers: item id to answer, as :func:`dinnerkit.matching.score` takes them; absent or None is missing.

    Raises:
        QuestionnaireInvalid: they are not told by item.
    """
    told = answered(answers)
    given = [answer for item in ITEMS if (answer := told.get(item.id))]
    longest = max((sum(1 for _ in run) for _, run in groupby(given)), default=0)
    return judged(longest, len(given)) if longest >= LONG_STRING else None


def judged(run: int, given: int) -> Careless:
    """What ``given`` answers with so long a run of equal ones look like."""
    if run == given:
        return Careless("same_answer", run, f"the same answer to all {given} items" if given == len(ITEMS) else f"one answer {given} times")
    return Careless("long_string", run, f"the same answer {run} times in a row")
