"""The time that a seating takes, by a clock that goes on a little each time it is looked at."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dinnerkit.matching import DEFAULT_RULES, Floor, Guest, NobodyAlone, Traits, wish
from dinnerkit.matching.people.crowd import Crowd
from dinnerkit.matching.seating.constraints import Constraints
from dinnerkit.matching.seating.deadline import Deadline
from dinnerkit.matching.seating.finishing import gone_on
from dinnerkit.matching.seating.following import Following
from dinnerkit.matching.seating.house import House
from dinnerkit.matching.seating.rooms import Room
from dinnerkit.matching.seating.scoring import Scoring
from dinnerkit.matching.seating.seat import Search, seated

SECONDS = 8.0
ALONE = NobodyAlone("gender")
BY_TABLES = [(*DEFAULT_RULES, ALONE), (*DEFAULT_RULES, wish(ALONE)), (*DEFAULT_RULES, Floor(60)), (*DEFAULT_RULES, ALONE, Floor(60))]


class Ticking:
    """A clock of which each look takes some of the time: much while pairs are searched, where it is looked at seldom, then little."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        self.now += (0.005 if self.now < 0.6 * SECONDS else 0.001) * SECONDS
        return self.now


def people(count):
    chance = np.random.default_rng(5)
    return [
        Guest(str(number), Traits(*chance.random(5)), age=float(chance.integers(20, 70)), stated={"gender": "wm"[number % 2]})
        for number in range(count)
    ]


def searched(guests, rules, size=(5, 7), *, best_effort=False, progress=None):
    """What is found within the time, and the clock at its end."""
    crowd, clock = Crowd.of(guests), Ticking()
    search = Search(1, Deadline(SECONDS, clock), best_effort, Following(progress), np.random.default_rng(1))
    found = seated(crowd, Scoring.of(crowd, rules), rules, Room.of(size), search)
    return found, clock.now


@pytest.mark.parametrize("count", [24, 60])
@pytest.mark.parametrize("rules", [DEFAULT_RULES, *BY_TABLES])
@pytest.mark.parametrize("size", [(5, 7), [(5, 7)] * 12])
def test_all_of_the_time_is_used_and_no_more(count, rules, size):
    found, took = searched(people(count), rules, size)
    assert 0.95 * SECONDS <= took <= 1.05 * SECONDS
    assert (found.labels >= 0).all()


def test_all_of_the_time_is_used_where_some_are_left_out():
    guests = people(60)
    guests[7] = replace(guests[7], stated={"gender": "x"})
    found, took = searched(guests, BY_TABLES[0], best_effort=True)
    assert 0.95 * SECONDS <= took <= 1.05 * SECONDS
    assert np.flatnonzero(found.labels < 0).tolist() == [7]


@pytest.mark.parametrize(("guests", "rules"), [(people(10), BY_TABLES[0]), (people(60), (ALONE,)), (people(16), (*DEFAULT_RULES, ALONE))])
def test_no_time_is_wasted_on_what_can_be_no_better(guests, rules):
    size = (16, 16) if len(guests) == 16 else (5, 7)
    assert searched(guests, rules, size)[1] < 0.5 * SECONDS


def test_how_far_it_is_is_told_until_the_end():
    told = []
    searched(people(24), BY_TABLES[0], progress=told.append)
    assert told == sorted(told)
    assert told[0] < 0.2
    assert told[-1] == 1.0
    assert any(0.6 < done < 0.95 for done in told)


def test_the_rest_of_the_time_can_be_spared_or_cancelled():
    found, took = searched(people(24), BY_TABLES[0], progress=lambda done: done > 0.6)
    assert took < 0.95 * SECONDS
    assert (found.labels >= 0).all()

    def stop(done):
        if 0.6 < done < 1.0:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        searched(people(24), BY_TABLES[0], progress=stop)


@pytest.mark.parametrize("rules", BY_TABLES)
def test_the_rest_of_the_time_makes_nothing_worse_and_breaks_no_rule(rules):
    crowd = Crowd.of([replace(guest, party="x") if guest.id in ("1", "2", "3") else guest for guest in people(36)])
    house = House(crowd, Constraints.of(crowd, rules, 6, 6), Scoring.of(crowd, rules), rules, Room.of(6), 6)
    labels = np.repeat(np.arange(6), 6)
    assert house.keeps(labels)
    reached = [house.worth(house.rows(labels)).sum()]
    for looks in (400, 37, 3, 38):
        left = iter(range(looks))
        labels = gone_on(house, labels, np.random.default_rng(1), lambda left=left: next(left, None) is None)
        reached.append(house.worth(house.rows(labels)).sum())
        assert house.keeps(labels)
        assert len(set(labels[[1, 2, 3]].tolist())) == 1
    assert reached[0] < reached[1]
    assert reached == sorted(reached)
