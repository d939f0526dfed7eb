"""A search goes on from where it was told to be, and tells how good it is meanwhile."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dinnerkit.matching import Guest, RuleInvalid, Traits, VenueTable, seat, solve

SOME = 700
"""More than are solved at once."""


def people(count):
    chance = np.random.default_rng(count)
    traits, ages = chance.random((count, 5)).tolist(), chance.integers(18, 80, count).tolist()
    return [
        Guest(
            str(number),
            Traits(*traits[number]),
            age=ages[number],
            party=str(number // 2) if number < SOME // 10 else None,
            blocked=frozenset({str(number - 20)}) if number > count - 40 else frozenset(),
        )
        for number in range(count)
    ]


def company(seating):
    return {frozenset(table.guests) for table in seating.tables}


@pytest.fixture(scope="module")
def whole():
    """Guests, where the search was after each round, the scores that were told, and the tables."""
    rounds, scores = [], []
    guests = people(SOME)
    return guests, rounds, scores, seat(guests, seed=3, halfway=rounds.append, best=scores.append)


def test_going_on_from_any_round_finds_what_was_found_without_a_break(whole):
    guests, rounds, _, seating = whole
    assert [one.rounds for one in rounds] == list(range(1, len(rounds) + 1))
    assert len(rounds) > 3
    for one in (rounds[len(rounds) // 2], rounds[-1]):
        told = []
        again = seat(guests, seed=3, resume=one, progress=told.append)
        assert company(again) == company(seating)
        assert all(share > (one.rounds - 1) / len(rounds) for share in told)
        assert again.score >= rounds[0].score


def test_somebody_who_watches_changes_nothing(whole):
    guests, *_, seating = whole
    assert company(seat(guests, seed=3)) == company(seating)


def test_the_best_score_is_told_while_it_rises(whole):
    _, rounds, scores, seating = whole
    assert scores == sorted(set(scores))
    assert scores[-1] == max(one.score for one in rounds)
    assert scores[-1] == pytest.approx(seating.score, abs=1.0)  # the worst tables are lifted in the end, at a cost


@pytest.mark.parametrize("seconds", [None, 0.3])
def test_the_best_score_of_few_guests_is_told_too(seconds):
    scores = []
    seating = seat(people(60), best=scores.append, seconds=seconds)
    assert scores == sorted(set(scores))
    assert scores[-1] == pytest.approx(seating.score, abs=0.1)


def test_a_venue_with_tables_of_its_own_goes_on_too():
    guests, size, rounds = people(SOME), [VenueTable(4, 7)] * 130, []
    seating = seat(guests, size=size, seed=1, halfway=rounds.append)
    assert company(seat(guests, size=size, seed=1, resume=rounds[-2])) == company(seating)


def test_what_is_resumed_must_be_the_search_of_the_same_guests(whole):
    guests, (first, *_), *_ = whole
    swapped = first.labels.copy()
    swapped[0], swapped[2] = swapped[2], swapped[0]  # of parties
    assert swapped[0] != swapped[2]
    wrong = [
        (guests[:-1], first),
        (guests[:30], first),
        (guests, replace(first, labels=first.labels * 2)),
        (guests, replace(first, labels=np.zeros_like(first.labels))),
        (guests, replace(first, labels=swapped)),
        (guests, replace(first, labels=first.labels - 1)),
        (guests, replace(first, rounds=-1)),
    ]
    for those, resumed in wrong:
        with pytest.raises(RuleInvalid, match="another seating"):
            seat(those, seed=3, resume=resumed)


def test_what_groups_are_worth_is_told_while_they_are_searched():
    weights = np.random.default_rng(1).random((24, 24)) * 5000
    told = []
    found = solve(weights + weights.T, [6] * 4, [6] * 4, sweeps=300, best=told.append)
    assert max(told) == pytest.approx(found.objective)


def test_more_processes_seat_objects_at_the_same_tables(whole):
    guests, *_, seating = whole
    assert company(seat(guests, seed=3, processes=2)) == company(seating)
    with pytest.raises(RuleInvalid, match="at least one process"):
        seat(guests, processes=0)
