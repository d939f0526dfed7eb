"""Why a table has its score."""

from __future__ import annotations

from dataclasses import dataclass

NO_DIFFERENCE = "no_difference"
"""In place of a rule's name, where no rule can tell the guests apart."""


@dataclass(frozen=True, slots=True)
class Reason:
    """What one rule gives a table, in words that may be shown to its guests, if there are any.

    Attributes:
        rule: the rule's name.
        text: a sentence about the table as a whole, which tells nothing about any one guest; empty if it is about what is private.
        points: what the rule gives, in whole eighths; a table's reasons add up exactly to its score.
        most: what the rule would give at best.
    """

    rule: str
    text: str
    points: float
    most: float
