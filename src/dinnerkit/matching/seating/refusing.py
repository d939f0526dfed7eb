"""Why guests can't all be seated: those who can't sit at any table, numbers that don't come out, rules that are in each other's way."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dinnerkit.matching.people.crowd import Crowd
from dinnerkit.matching.rules.kinds import Rule
from dinnerkit.matching.seating.constraints import Constraints
from dinnerkit.matching.seating.diagnosis import Cause, count, hopeless, shortfall
from dinnerkit.matching.seating.exhaustive import best_tables
from dinnerkit.matching.seating.finishing import lost_by_tables
from dinnerkit.matching.seating.house import house_of
from dinnerkit.matching.seating.impossible import not_there
from dinnerkit.matching.seating.relaxing import least_broken
from dinnerkit.matching.seating.rooms import Room, unserved
from dinnerkit.matching.seating.scoring import Scoring
from dinnerkit.matching.seating.shunning import shunning
from dinnerkit.matching.solving.state import Ints


def without_hope(crowd: Crowd, constraints: Constraints, rules: Sequence[Rule], room: Room, *, best_effort: bool) -> list[Cause]:
    """Why guests who can't sit at any table can't; where all could, that there are too few tables, unless the best effort will do."""
    if not len(crowd):
        return []
    if len(crowd) >= constraints.low and not room.full:
        causes = unserved(crowd, room, rules) + lost_by_tables(crowd, rules) + hopeless(crowd, constraints)
        if causes or best_effort:
            return causes
    whole = too_few_tables(crowd, constraints, rules, room)
    return [whole] if whole else []


def no_way(crowd: Crowd, scoring: Scoring, rules: Sequence[Rule], room: Room, left: Ints) -> Cause:
    """Why a few guests have no seating, of whom every way was tried and the best one leaves these out."""
    constraints = Constraints.of(crowd, rules, room.low, room.high)

    def possible(some: Sequence[Rule]) -> bool | None:
        house = house_of(crowd, scoring, some, room)
        labels = best_tables(house)
        if labels is not None:
            return bool((labels >= 0).all())
        # Without the rule that keeps them together they are too many for all ways to be tried.
        return house.keeps(least_broken(crowd, scoring, some, room, np.random.default_rng(0))) or None

    return too_few_tables(crowd, constraints, rules, room) or not_there(crowd, rules, left, possible)


def too_few_tables(crowd: Crowd, constraints: Constraints, rules: Sequence[Rule], room: Room) -> Cause | None:
    """Why no division of some guests into tables will do, if that is shown: their numbers, or those of them who shun each other."""
    return _wrong_numbers(crowd, constraints, room) or shunning(crowd, constraints, rules, room.most_tables(len(crowd)))


def _wrong_numbers(crowd: Crowd, constraints: Constraints, room: Room) -> Cause | None:
    """Why the numbers of some guests don't come out, if that is what is wrong."""
    if room.tables is None:
        return shortfall(crowd, constraints)
    return no_fit(len(crowd), room) if room.fit(len(crowd)) is None else None


def no_fit(guests: int, room: Room) -> Cause:
    """That so many guests can't be divided among the venue's tables that are free."""
    text = f"no table is left for {count(guests)}" if room.full else f"{count(guests)} can't be divided among tables of {room}"
    return Cause("table_size", tuple(range(guests)), text)


def not_divided(guests: int, room: Room) -> Cause:
    """Why guests find no place at a venue's tables, other rules aside: their number, or those of them who belong together."""
    if room.fit(guests) is None:
        return no_fit(guests, room)
    text = f"no way was found to divide {count(guests)} among tables of {room} with all who belong together at one table"
    return Cause("party", tuple(range(guests)), text)
