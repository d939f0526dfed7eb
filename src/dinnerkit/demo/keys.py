"""Chance and ids that come out the same each time, so that a world that was cut short is continued and not made twice."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from dinnerkit.ids import derived_id, id_at

_LEAD = timedelta(minutes=5)
"""The planned ids are older than the world, so that they sort before whatever it makes by itself."""


def dice(seed: int, topic: str) -> random.Random:
    """The source of chance of one topic; drawing more for another topic does not change it."""
    return random.Random(f"{seed}/{topic}")  # noqa: S311 - a play, and it must be repeatable


@dataclass(frozen=True, slots=True)
class Keys:
    """Makes the ids of the things that are planned.

    Attributes:
        seed: what all chance of the world is drawn from.
        born: when the world was begun.
    """

    seed: int
    born: datetime

    def id(self, name: str, place: int) -> str:
        """The id of the thing of that name; ids sort by ``place``, which is below a few hundred thousand."""
        digest = hashlib.sha256(f"{self.seed}/{name}".encode()).digest()
        millis = int((self.born - _LEAD).timestamp() * 1000) + place
        return id_at(millis, int.from_bytes(digest[:9], "big"))

    @staticmethod
    def again(of: str, turn: int) -> str:
        """The id of the thing that follows from the one with the id ``of``, such as an attempt to pay."""
        return derived_id(of, "demo", str(turn))
