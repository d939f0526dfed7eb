from __future__ import annotations

import random
import time
from dataclasses import replace

import numpy as np
import pytest

from dinnerkit.matching import DEFAULT_RULES, Crowd, Floor, Guest, MixedTrait, SimilarTrait, Traits, seat
from dinnerkit.matching.seating.constraints import Constraints
from dinnerkit.matching.seating.deadline import Deadline
from dinnerkit.matching.seating.finishing import finished
from dinnerkit.matching.seating.house import House
from dinnerkit.matching.seating.rooms import Room
from dinnerkit.matching.seating.scoring import Scoring
from dinnerkit.matching.seating.worst import lift_worst

from .people import assert_sound
from .test_more_rules import crowd


def odd_one_out(count=12):
    """All alike but two, who are opposites of the others and of each other."""
    people = [Guest(str(number), Traits(0.5, 0.5, 0.5, 0.5, 0.5)) for number in range(count)]
    people[0] = replace(people[0], traits=Traits(0.5, 0.5, 0.5, 0.5, 0.0))
    people[1] = replace(people[1], traits=Traits(0.5, 0.5, 0.5, 0.5, 1.0))
    return people


def test_a_floor_that_can_be_reached_is_reached_by_every_table():
    people = crowd(60, languages=frozenset({"en"}))
    free = seat(people, size=6)
    least = free.floor + 2.0
    seating = seat(people, size=6, rules=(*DEFAULT_RULES, Floor(least)))
    assert free.floor < least <= seating.floor
    assert seating.below == ()
    assert seating.score > free.score - 3
    assert_sound(seating, people, 6, 6)


def test_of_a_few_no_table_is_below_the_floor_if_that_can_be_whatever_it_costs_the_others():
    dice, rules = random.Random(13), [SimilarTrait("openness"), MixedTrait("extraversion")]
    people = [Guest(str(number), Traits(dice.random(), 0.5, 0.5, 0.5, dice.random())) for number in range(6)]
    free = seat(people, size=3, rules=rules)
    seating = seat(people, size=3, rules=[*rules, Floor(49)])
    assert free.floor < 49 <= seating.floor
    assert seating.below == ()
    assert seating.score < free.score - 10


def test_a_table_that_cant_reach_the_floor_is_told_with_what_it_loses():
    seating = seat(odd_one_out(), size=6, rules=[SimilarTrait("openness"), Floor(95)])
    assert seating.below
    for told in seating.below:
        assert seating.tables[told.table - 1].score == told.score < told.least == 95
        assert told.text.startswith(f"table {told.table} scores ")
        assert "similar_openness" in told.text


def test_the_floor_evens_out_where_the_best_mean_would_sacrifice_a_table():
    # Together the two opposites would spoil one table only; a floor spreads them.
    people = odd_one_out(18)
    rules = [SimilarTrait("openness", width=1.0)]
    best = seat(people, size=6, rules=rules)
    even = seat(people, size=6, rules=[*rules, Floor(83)])
    assert even.floor >= best.floor
    assert all(table.score >= 83 for table in even.tables) == (even.below == ())


def test_a_table_that_just_reaches_the_floor_is_not_below_it():
    people = odd_one_out(6)
    (table,) = seat(people, size=6, rules=[SimilarTrait("openness")]).tables
    assert seat(people, size=6, rules=[SimilarTrait("openness"), Floor(table.score)]).below == ()
    assert len(seat(people, size=6, rules=[SimilarTrait("openness"), Floor(table.score + 0.125)]).below) == 1


def test_no_guest_is_turned_away_for_the_floor():
    seating = seat(crowd(30), rules=(*DEFAULT_RULES, Floor(100)))
    assert sum(len(table.guests) for table in seating.tables) == 30
    assert len(seating.below) == len(seating.tables)


@pytest.mark.parametrize("seed", range(3))
def test_with_a_floor_too_the_same_seed_gives_the_same_seating(seed):
    rules = (*DEFAULT_RULES, Floor(70))
    assert seat(crowd(30), rules=rules, seed=seed) == seat(crowd(30), rules=rules, seed=seed)


def test_when_time_is_up_nothing_more_is_done_than_hard_rules_ask():
    people = Crowd.of(crowd(60, languages=frozenset({"en"})))
    rules, room = (*DEFAULT_RULES, Floor(90)), Room.of(6)
    house = House(people, Constraints.of(people, rules, 6, 6), Scoring.of(people, rules), rules, room, 10)
    labels = np.repeat(np.arange(10), 6)
    late = finished(house, labels, np.random.default_rng(1), deadline=Deadline(time.monotonic()))
    assert late.labels.tolist() == labels.tolist()
    in_time = finished(house, labels, np.random.default_rng(1), deadline=Deadline(time.monotonic() + 600))
    whole = finished(house, labels, np.random.default_rng(1))
    assert in_time.labels.tolist() == whole.labels.tolist() != labels.tolist()


@pytest.mark.parametrize("seed", range(3))
def test_the_worst_tables_of_a_large_crowd_are_lifted_by_guests_from_anywhere(seed):
    guests = [replace(one, party=f"p{n // 2}" if n < 40 else None) for n, one in enumerate(crowd(720, languages=frozenset({"en"})))]
    people = Crowd.of(guests)
    constraints, scoring = Constraints.of(people, DEFAULT_RULES, 6, 6), Scoring.of(people, DEFAULT_RULES)
    labels = np.repeat(np.arange(120), 6)
    assert len(constraints.broken_tables(labels)) == 0

    def lifted(until=lambda: False):
        told = (people, constraints, scoring), DEFAULT_RULES, Room.of(6), labels, np.random.default_rng(seed), until
        return lift_worst(*told)

    found = lifted()
    assert scoring.tables(people, found).min() > scoring.tables(people, labels).min()
    assert len(constraints.broken_tables(found)) == 0
    assert (np.bincount(found) == 6).all()
    assert (found[:40:2] == found[1:40:2]).all()
    assert found.tolist() == lifted().tolist()
    assert lifted(lambda: True).tolist() == labels.tolist()
