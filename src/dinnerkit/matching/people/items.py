"""The 50 IPIP Big-Five factor markers, as data.

The wording and the key are those of the International Personality Item Pool (ipip.ori.org, "The 50-item IPIP representation
of Goldberg's (1992) markers"), which is in the public domain. Items are numbered as openpsychometrics.org numbers them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

TraitName = Literal["extraversion", "neuroticism", "agreeableness", "conscientiousness", "openness"]

TRAITS: tuple[TraitName, ...] = ("extraversion", "neuroticism", "agreeableness", "conscientiousness", "openness")
"""The five traits, in the order of every array that has a column for each."""


@dataclass(frozen=True, slots=True)
class Item:
    """One statement of the questionnaire.

    Attributes:
        id: ``"E1"`` … ``"O10"``.
        text: the statement, in the first person without a subject, as IPIP words it.
        trait: the scale that the item belongs to.
        reversed: whether agreeing counts against the trait.
    """

    id: str
    text: str
    trait: TraitName
    reversed: bool


# A leading minus marks an item that counts against its trait.
_STATEMENTS: dict[TraitName, tuple[str, ...]] = {
    "extraversion": (
        "Am the life of the party.",
        "-Don't talk a lot.",
        "Feel comfortable around people.",
        "-Keep in the background.",
        "Start conversations.",
        "-Have little to say.",
        "Talk to a lot of different people at parties.",
        "-Don't like to draw attention to myself.",
        "Don't mind being the center of attention.",
        "-Am quiet around strangers.",
    ),
    "neuroticism": (
        "Get stressed out easily.",
        "-Am relaxed most of the time.",
        "Worry about things.",
        "-Seldom feel blue.",
        "Am easily disturbed.",
        "Get upset easily.",
        "Change my mood a lot.",
        "Have frequent mood swings.",
        "Get irritated easily.",
        "Often feel blue.",
    ),
    "agreeableness": (
        "-Feel little concern for others.",
        "Am interested in people.",
        "-Insult people.",
        "Sympathize with others' feelings.",
        "-Am not interested in other people's problems.",
        "Have a soft heart.",
        "-Am not really interested in others.",
        "Take time out for others.",
        "Feel others' emotions.",
        "Make people feel at ease.",
    ),
    "conscientiousness": (
        "Am always prepared.",
        "-Leave my belongings around.",
        "Pay attention to details.",
        "-Make a mess of things.",
        "Get chores done right away.",
        "-Often forget to put things back in their proper place.",
        "Like order.",
        "-Shirk my duties.",
        "Follow a schedule.",
        "Am exacting in my work.",
    ),
    "openness": (
        "Have a rich vocabulary.",
        "-Have difficulty understanding abstract ideas.",
        "Have a vivid imagination.",
        "-Am not interested in abstract ideas.",
        "Have excellent ideas.",
        "-Do not have a good imagination.",
        "Am quick to understand things.",
        "Use difficult words.",
        "Spend time reflecting on things.",
        "Am full of ideas.",
    ),
}

ITEMS: tuple[Item, ...] = tuple(
    Item(f"{trait[0].upper()}{number}", statement.removeprefix("-"), trait, statement.startswith("-"))
    for trait, statements in _STATEMENTS.items()
    for number, statement in enumerate(statements, 1)
)
"""All 50, E1–E10, N1–N10, A1–A10, C1–C10, O1–O10."""
