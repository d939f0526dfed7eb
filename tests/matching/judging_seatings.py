"""An exact judge of seatings of a handful of guests: every way to seat them is tried, what each set of them breaks told by the audit."""

from __future__ import annotations

import random
import re

import numpy as np

from dinnerkit.matching import (
    Balanced,
    BlockedApart,
    CloseInAge,
    CommonLanguage,
    Crowd,
    Demand,
    DietsServed,
    Floor,
    Guest,
    NobodyAlone,
    PartiesTogether,
    Seating,
    SomebodyExperienced,
    Table,
    VenueTable,
    wish,
)
from dinnerkit.matching.seating.audit import breaches
from dinnerkit.matching.seating.rooms import Room
from dinnerkit.matching.seating.scoring import STEP, Scoring

RULES = (
    PartiesTogether(),
    BlockedApart(),
    CommonLanguage(),
    DietsServed(),
    NobodyAlone("gender"),
    Balanced("gender"),
    SomebodyExperienced(),
    Demand(CloseInAge(), 0.2),
)
WORTH = (CloseInAge(), wish(NobodyAlone("gender")), wish(CommonLanguage()))
VENUE = [VenueTable(2, 4), VenueTable(1, 3, frozenset()), VenueTable(3, 3), VenueTable(2, 4)]


def company(chance: random.Random, count: int) -> list[Guest]:
    return [
        Guest(
            str(number),
            age=chance.choice([20, 25, 33, 40]),
            languages=frozenset(chance.sample(["en", "de", "fr"], 2)),
            party=chance.choice([None, None, None, "x"]),
            blocked=frozenset(chance.sample("0123456", 1) if chance.random() < 0.2 else ()),
            diets=frozenset({"vegan"} if chance.random() < 0.3 else ()),
            dinners=chance.choice([0, 0, 1]),
            stated={"gender": chance.choice(["woman", "man"])},
        )
        for number in range(count)
    ]


class Judge:
    """What every set of guests, as bits, is worth at a table, and whether each table may have it."""

    def __init__(self, people: list[Guest], size: object, rules: tuple) -> None:
        self.ids = [guest.id for guest in people]
        self.room, self.venue = Room.of(size), isinstance(size, list)
        crowd, n = Crowd.of(people), len(people)
        scoring = Scoring.of(crowd, rules)
        least = next((rule.least + STEP / 2 for rule in rules if isinstance(rule, Floor)), 0.0)
        kinds = list(range(len(size))) if self.venue else [None]
        self.sound = np.ones((len(kinds), 1 << n), np.bool_)
        self.worth = np.zeros(1 << n)
        for some in range(1, 1 << n):
            inside = (some >> np.arange(n) & 1) > 0
            score = float(scoring.tables(crowd, np.where(inside, 0, 1))[0])
            self.worth[some] = inside.sum() * (score - 10.0 * max(0.0, least - score)) - 1e6 * (score < least)
            if not self.room.low <= inside.sum() <= self.room.high:
                self.sound[:, some] = False
                continue
            sides = [tuple(name for name, here in zip(self.ids, inside, strict=True) if here == side) for side in (True, False)]
            for place, at in enumerate(kinds):
                tables = tuple(Table(side, 0.0, (), at) for side in sides if side)
                wrong = breaches(Seating(tables, 0.0, 0.0, 0.0, 0), people, size=size, rules=rules)
                self.sound[place, some] = not any(re.search(r"table 1\b|separated", phrase) for phrase in wrong)

    def ways(self, tables: int) -> tuple[np.ndarray, np.ndarray]:
        """(ways, n) labels of everybody that break nothing, and what each is worth; of alike tables as many as are said."""
        n = len(self.ids)
        labels = np.indices((tables,) * n, dtype=np.int8).reshape(n, -1).T
        kept, worth = np.ones(len(labels), np.bool_), np.zeros(len(labels))
        for table in range(tables):
            sets = (labels == table) @ (1 << np.arange(n))
            kept &= self.sound[table if self.venue else 0, sets]
            worth += self.worth[sets]
        return labels[kept], worth[kept]

    def best(self) -> float | None:
        """What the best seating of all is worth, the number of tables going first; None if there is none."""
        labels, worth = self.ways(self.tables)
        if not len(labels):
            return None
        used = sum((labels == table).any(axis=1) for table in range(self.tables))
        off = used if self.venue else np.abs(used - 2 * len(self.ids) / (self.room.low + self.room.high))
        first = np.lexsort((-worth, used, off))[0]
        return float(worth[first])

    def most(self) -> int:
        """How many can be seated at the same time."""
        reached = {0}
        for table in range(self.tables):
            sets = np.flatnonzero(self.sound[table if self.venue else 0])
            reached |= {one | int(other) for one in reached for other in sets if not one & other}
        return max(one.bit_count() for one in reached)

    def curve(self, home: np.ndarray, tables: int) -> dict[int, float]:
        """The most that seatings are worth for each number of moves with which there are any, home being the table of each before."""
        labels, worth = self.ways(tables)
        moves = ((home >= 0) & (labels != home)).sum(axis=1)
        return {count: float(worth[moves == count].max()) for count in np.unique(moves).tolist()}

    def worth_of(self, seating: Seating) -> float:
        """What a seating is worth."""
        return float(sum(self.worth[sum(1 << self.ids.index(name) for name in table.guests)] for table in seating.tables))

    @property
    def tables(self) -> int:
        """How many tables all can fill."""
        return len(self.sound) if self.venue else max(1, len(self.ids) // self.room.low)
