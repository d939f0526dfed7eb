"""The real people of the demo: 2,400 who answered the Big Five questionnaire; see ``demo_data/README.md`` for where they come from."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

import numpy as np

from dinnerkit.matching import ITEMS, TRAITS, score_rows

UNKNOWN_COUNTRIES = frozenset({"(nu", "A1", "A2", "EU", "AP", ""})
"""What the data has where the country is not known."""


@dataclass(frozen=True, slots=True)
class Respondent:
    """What is known of a person, and nothing more.

    Attributes:
        age: years, as typed.
        gender: 1 male, 2 female, 3 other, 0 not told.
        country: ISO code of where the answers were sent from, or "" if unknown.
        answers: item to 1–5.
        traits: trait to 0–1, worked out from the answers.
    """

    age: int
    gender: int
    country: str
    answers: Mapping[str, int]
    traits: Mapping[str, float]


def respondents() -> list[Respondent]:
    """Everybody, in the order of the file."""
    packed = (files("dinnerkit") / "demo_data" / "people.csv.gz").read_bytes()
    rows = list(csv.DictReader(io.StringIO(gzip.decompress(packed).decode())))
    answers = np.array([[int(row[item.id]) for item in ITEMS] for row in rows], np.int64)
    traits = score_rows(answers)
    return [
        Respondent(
            age=int(row["age"]),
            gender=int(row["gender"]),
            country="" if row["country"] in UNKNOWN_COUNTRIES else row["country"],
            answers={item.id: given for item, given in zip(ITEMS, given_answers, strict=True)},
            traits=dict(zip(TRAITS, own_traits, strict=True)),
        )
        for row, given_answers, own_traits in zip(rows, answers.tolist(), traits.tolist(), strict=True)
    ]
