from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dinnerkit.matching import (
    DEFAULT_RULES,
    Crowd,
    Guest,
    GuestInvalid,
    NeverMet,
    RuleInvalid,
    SeatingImpossible,
    SimilarTrait,
    Traits,
    VenueTable,
    seat,
    seat_crowd,
)

from .people import assert_sound

TIERS = (None, "low", "medium", "high")
TONGUES = ("de", "en", "fr")


def columns(people, rng, parties=0.0):
    """Columns of everything that the default rules read, about a fifth of it unset."""
    traits, age = rng.random((people, 5)).astype(np.float32), rng.integers(18, 90, people).astype(np.float32)
    traits[rng.random(people) < 0.2] = np.nan
    age[rng.random(people) < 0.2] = np.nan
    languages = rng.random((people, 3)) < 0.4
    languages[:, 1] |= rng.random(people) < 0.9
    party = np.where(rng.random(people) < parties, np.arange(people) // 2 + 7, -1)
    pairs = rng.integers(people, size=(2, people, 2)) if people else np.zeros((2, 0, 2), np.int64)
    apart = pairs[1][(pairs[1][:, 0] // 2 != pairs[1][:, 1] // 2)][: people // 5]
    return {
        "traits": traits,
        "age": age,
        "languages": languages,
        "interests": rng.random((people, 9)) < 0.2,
        "budget": rng.choice([0, 1, 2, 2, 2], people),
        "party": party,
        "met": pairs[0],
        "blocked": apart,
    }


def as_guests(people, told):
    """The same people as objects."""
    met, blocked = ([set() for _ in range(people)] for _ in range(2))
    for name, sets in (("met", met), ("blocked", blocked)):
        for one, other in told[name]:
            sets[one].add(str(other))
    return [
        Guest(
            str(one),
            traits=None if np.isnan(told["traits"][one]).any() else Traits(*told["traits"][one].tolist()),
            age=None if np.isnan(told["age"][one]) else float(told["age"][one]),
            languages=frozenset(np.array(TONGUES)[told["languages"][one]].tolist()),
            interests=frozenset(f"i{kind}" for kind in np.flatnonzero(told["interests"][one])),
            budget=TIERS[told["budget"][one]],
            party=None if told["party"][one] < 0 else str(told["party"][one]),
            met=frozenset(met[one]),
            blocked=frozenset(blocked[one]),
        )
        for one in range(people)
    ]


@settings(max_examples=25, deadline=None)
@given(people=st.integers(0, 40), seed=st.integers(0, 1 << 20))
def test_columns_and_guests_are_seated_alike(people, seed):
    told = columns(people, np.random.default_rng(seed), parties=0.3)
    guests, crowd = as_guests(people, told), Crowd.of_columns(people, **told)
    by_guests = seat(guests, seed=seed, best_effort=True)
    by_columns = seat_crowd(crowd, seed=seed, best_effort=True)
    places = {name: number for number, table in enumerate(by_guests.tables) for name in table.guests}
    assert [places.get(str(one), -1) for one in range(people)] == by_columns.labels.tolist()
    assert by_columns.scores == pytest.approx([table.score for table in by_guests.tables], abs=0.1)
    assert by_columns.score == pytest.approx(by_guests.score, abs=0.1)
    assert by_columns.floor == pytest.approx(by_guests.floor, abs=0.1)
    assert {str(one): why for one, why in by_columns.unseated.items()} == {one.guest: one.reason for one in by_guests.unseated}


def test_many_guests_in_columns_keep_every_rule_and_nobody_meets_again():
    people = 1500
    told = columns(people, np.random.default_rng(1), parties=0.2)
    told["languages"][:, 1] = True
    told["budget"][told["party"] >= 0] = 2
    told["met"] = told["met"][told["met"][:, 0] // 2 != told["met"][:, 1] // 2]
    rules = (*DEFAULT_RULES, NeverMet())
    guests = as_guests(people, told)
    seated = seat_crowd(Crowd.of_columns(people, **told), rules=rules, seed=3)
    assert (np.bincount(seated.labels) >= 5).all()
    assert (seated.labels[told["met"][:, 0]] != seated.labels[told["met"][:, 1]])[told["met"][:, 0] != told["met"][:, 1]].all()
    seating = seat(guests, rules=rules, seed=3)
    assert_sound(seating, guests, 5, 7)
    assert [len(table.guests) for table in seating.tables] == np.bincount(seated.labels).tolist()
    assert seated.score > seating.chance + 10
    again = seat_crowd(Crowd.of_columns(people, **told), rules=rules, seed=3)
    assert (again.labels == seated.labels).all()


def test_a_venue_s_tables_and_who_is_left_out_are_told_in_columns_too():
    crowd = Crowd.of_columns(7, languages=np.array([[True, False]] * 6 + [[False, True]]), ids=list("abcdefg"))
    with pytest.raises(SeatingImpossible, match="guest 'g' shares no language"):
        seat_crowd(crowd, size=[VenueTable(3, 3)] * 2)
    found = seat_crowd(crowd, size=[VenueTable(9, 9), VenueTable(3, 3), VenueTable(3, 3)], best_effort=True)
    assert found.at.tolist() == [1, 2]
    assert sorted(found.labels.tolist()) == [-1, 0, 0, 0, 1, 1, 1]
    assert list(found.unseated) == [6]


def test_a_crowd_of_nobody_and_of_unknown_people_is_seated():
    assert seat_crowd(Crowd.of_columns(0)).labels.tolist() == []
    found = seat_crowd(Crowd.of_columns(700), size=7)
    assert (np.bincount(found.labels) == 7).all()
    assert (found.scores == 100.0).all()


def test_the_search_among_many_begins_with_little_in_memory():
    class _Enough(Exception):
        pass

    people, held = 60_000, []
    chance = np.random.default_rng(1)
    crowd = Crowd.of_columns(people, traits=chance.random((people, 5), np.float32), age=chance.integers(18, 80, people))

    def told(_share):
        held.append(tracemalloc.get_traced_memory()[0] / people)
        raise _Enough

    seat_crowd(Crowd.of_columns(700, age=np.arange(700) % 80), size=7)  # what is loaded once
    tracemalloc.start()
    try:
        with pytest.raises(_Enough):
            seat_crowd(crowd, size=6, progress=told)
    finally:
        tracemalloc.stop()
    assert held[0] < 102  # bytes for each, what they told not counted


def test_progress_is_told_and_a_number_of_processes_must_make_sense():
    crowd = Crowd.of_columns(900, traits=np.random.default_rng(2).random((900, 5)))
    told = []
    seat_crowd(crowd, progress=told.append)
    assert told[-1] == 1.0
    with pytest.raises(RuleInvalid, match="at least one process must work, not 0"):
        seat_crowd(crowd, processes=0)


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"traits": [[0.1] * 5]}, r"traits must be of shape \(2, 5\), not \(1, 5\)"),
        ({"traits": [[0.1] * 5, [0.1, 0.2, 0.3, 0.4, 1.5]]}, "traits must be from 0 to 1, or NaN where unset"),
        ({"age": [20, np.inf]}, "age must be from 0 to 120"),
        ({"languages": [[1, 0], [0, 1]]}, "languages must be true or false"),
        ({"interests": [[True]]}, r"interests must be true or false, of shape \(2, interests\)"),
        ({"budget": [1, 4]}, "budget must be from 0, unset, to 3, high"),
        ({"budget": [1.5, 2.0]}, "budget must be whole numbers"),
        ({"party": [1]}, r"party must be of shape \(2,\)"),
        ({"met": [(0, 2)]}, "met must be places from 0 to 1"),
        ({"blocked": [(0.5, 1.0)]}, "blocked must be pairs of whole numbers"),
        ({"ids": ["a"]}, "2 guests need as many ids, not 1"),
        ({"ids": ["a", "a"]}, "ids are in the list more than once"),
    ],
)
def test_columns_that_make_no_sense_are_refused(told, message):
    with pytest.raises(GuestInvalid, match=message):
        Crowd.of_columns(2, **told)


def test_rules_that_somebody_wrote_are_asked_block_by_block():
    class Own(SimilarTrait):
        pass

    traits = np.random.default_rng(4).random((650, 5))
    crowd = Crowd.of_columns(650, traits=traits)
    own = seat_crowd(crowd, size=5, rules=(Own("openness"),))
    declared = seat_crowd(crowd, size=5, rules=(SimilarTrait("openness"),))
    assert own.score == pytest.approx(declared.score, abs=3.0)
    assert own.score > 80
