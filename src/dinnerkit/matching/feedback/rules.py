"""When feedback is given, what may be said, and what follows from it for seating. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from dinnerkit.booking.rules import OVER_AFTER

AGAIN, NEVER = "again", "never"
WISHES = frozenset({AGAIN, NEVER})

WORST, BEST = 1, 5

GIVEN_FOR = timedelta(weeks=4)
"""How long after a dinner feedback is taken. Taking it back is never too late."""

SAT_TOGETHER = 20
"""At a dinner without tables of ours, so many guests are taken to have sat together; of more, nobody can know whom they met."""


@dataclass(frozen=True, slots=True)
class Bonds:
    """Which users seating keeps apart, and which it would like to bring together; pairs in the order of their ids."""

    never: frozenset[tuple[str, str]]
    again: frozenset[tuple[str, str]]


def bonds(said: Iterable[tuple[str, str, str]]) -> Bonds:
    """What follows from (user, about whom, wish) in the order in which they were said.

    What a user said last about somebody counts. One "never again" keeps the two apart whatever the other wishes; one "again" is enough
    for a wish.
    """
    last = {(user, other): wish for user, other, wish in said}
    pairs = {wish: frozenset(_pair(*about) for about, found in last.items() if found == wish) for wish in WISHES}
    return Bonds(pairs[NEVER], pairs[AGAIN] - pairs[NEVER])


def opens_at(starts_at: datetime) -> datetime:
    """When a dinner is over and can be spoken of."""
    return starts_at + OVER_AFTER


def closes_at(starts_at: datetime) -> datetime:
    """When it is too late."""
    return starts_at + GIVEN_FOR


def _pair(one: str, other: str) -> tuple[str, str]:
    return (one, other) if one < other else (other, one)
