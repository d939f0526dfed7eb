"""Seating everybody although the rules can't all be kept: the seating that breaks the fewest, and what it breaks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from dinnerkit.matching.people.crowd import Crowd
from dinnerkit.matching.rules.kinds import Rule
from dinnerkit.matching.seating.arranging import similar_order
from dinnerkit.matching.seating.constraints import Constraints
from dinnerkit.matching.seating.diagnosis import count
from dinnerkit.matching.seating.finishing import finished
from dinnerkit.matching.seating.house import House
from dinnerkit.matching.seating.planning import table_counts
from dinnerkit.matching.seating.rooms import Room
from dinnerkit.matching.seating.scoring import Scoring
from dinnerkit.matching.seating.tables import Broken, Table
from dinnerkit.matching.solving.state import Ints

_TEXTS = {
    "common_language": "has no language that all of its guests speak",
    "budget": "has guests whose budgets are more than a step apart",
    "age_range": "has ages that are too far apart",
    "diets_served": "has guests whom it can't serve",
}


def least_broken(crowd: Crowd, scoring: Scoring, rules: Sequence[Rule], room: Room, rng: np.random.Generator) -> Ints:
    """(n,), a table for everybody, breaking as little as is found; parties stay whole. Of a venue's tables their places."""
    constraints = Constraints.of(crowd, rules, room.low, room.high)
    if room.tables is None:
        wanted = (table_counts(len(crowd), room.low, room.high) or [max(1, round(2 * len(crowd) / (room.low + room.high)))])[0]
        places, share = np.arange(wanted), np.ones(wanted)
    else:
        highs = room.seats(0)[1]
        places, share = np.flatnonzero(highs), highs[highs > 0].astype(np.float64)
    labels = np.full(len(crowd), -1)
    filled = np.zeros(len(places))
    rank = np.empty(len(crowd), np.int64)
    rank[similar_order(scoring.axes(crowd), rng)] = np.arange(len(crowd))
    for unit in sorted(constraints.units(), key=lambda unit: (-len(unit), int(rank[unit].min()))):
        emptiest = int(np.argmin(filled / share))
        labels[unit] = places[emptiest]
        filled[emptiest] += len(unit)
    house = House(crowd, constraints, scoring, rules, room, len(room.tables) if room.tables is not None else len(places))
    return finished(house, labels, rng, whatever=True).labels


def broken_rules(crowd: Crowd, scoring: Scoring, rules: Sequence[Rule], room: Room, tables: Mapping[int, Table]) -> tuple[Broken, ...]:
    """The hard rules that some tables break, and which.

    Args:
        crowd: all who have a table, at one of these or another.
        scoring: the soft rules.
        rules: all rules.
        room: the tables that there are.
        tables: by their numbers.
    """
    place_of = {name: place for place, name in enumerate(crowd.ids)}
    rows = np.full((len(tables), max((len(table.guests) for table in tables.values()), default=0)), -1)
    for row, table in zip(rows, tables.values(), strict=True):
        row[: len(table.guests)] = [place_of[name] for name in table.guests]
    house = House(crowd, Constraints.of(crowd, rules, room.low, room.high), scoring, rules, room, len(tables))
    places = np.array([place if table.at is None else table.at for place, table in enumerate(tables.values())], np.int64)
    numbers = list(tables)
    texts = (
        _TEXTS
        | dict.fromkeys(house.apart_by_rule, "has guests who must not sit together")
        | {name: f"breaks a rule: {broken}" for name, broken in house.broken.items()}
    )
    seats = [room if room.tables is None else room.tables[place] for place in places]
    sizes = [f"has {count(len(table.guests))}, not {wanted}" for table, wanted in zip(tables.values(), seats, strict=True)]
    return tuple(
        Broken(
            name,
            numbers[place],
            f"table {numbers[place]} {sizes[place] if name == 'table_size' else texts.get(name, f'breaks the rule {name}')}",
        )
        for name, faults in house.faults_by_rule(rows, places).items()
        for place in np.flatnonzero(faults > 0)
    )
