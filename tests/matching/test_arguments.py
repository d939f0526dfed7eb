"""What comes from outside and makes no sense is refused in words that name it, never by an exception from deep inside."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pytest

from dinnerkit.errors import DinnerkitError
from dinnerkit.matching import (
    AgeRange,
    Balanced,
    Changes,
    CloseInAge,
    Crowd,
    Demand,
    DietsServed,
    Floor,
    Guest,
    GuestInvalid,
    LockedTable,
    Locks,
    MixedCompany,
    MixedTrait,
    Near,
    NobodyAlone,
    NotMetWithin,
    RuleInvalid,
    SharedInterests,
    SimilarTrait,
    SomebodyExperienced,
    Traits,
    VenueTable,
    Why,
    moves_against_score,
    record,
    replay,
    reseat,
    seat,
    seat_crowd,
    solve,
    solve_features,
    told_to_guests,
    wish,
)

GUESTS = [Guest(str(number), age=20.0 + number) for number in range(10)]
CROWD = Crowd.of(GUESTS)
SEATING = seat(GUESTS, size=5, seconds=0.1)
NEAR = [Near(np.arange(8.0), 1.0)]

# Older versions of numpy warn of arrays where a number is meant, and go on.
pytestmark = pytest.mark.filterwarnings(
    "ignore:The truth value of an empty array:DeprecationWarning", "ignore:Conversion of an array with ndim:DeprecationWarning"
)

STRANGE = [
    None,
    "x",
    "12",
    b"x",
    3.5,
    float("nan"),
    float("inf"),
    -1,
    10**30,
    10**400,
    True,
    [],
    {},
    {1, 2},
    (7, 5),
    np.zeros((2, 2, 2)),
    np.zeros(0),
    np.array([1j]),
    np.array([object()]),
    object(),
]
LASTING = {("seconds", 10**30), ("rounds", 10**30), ("rounds", 10**400)}
"""What may rightly take for ever."""

GROUPS = {"minimum": [2] * 4, "maximum": [2] * 4}
AGAIN = {"seating": SEATING, "changes": Changes(), "guests": GUESTS, "size": 5}
SEATED = {"seating": SEATING, "guests": GUESTS, "size": 5}
COLUMNS = ["guests", "ids", "traits", "age", "languages", "interests", "budget", "party", "met", "blocked", "particulars"]
OPTIONS = ["size", "rules", "seed", "seconds", "best_effort", "processes", "progress", "best"]

CALLS = [
    (solve, {"weights": np.ones((8, 8)), **GROUPS}, ["weights", *GROUPS, "seconds", "seed", "together", "apart", "start", "progress"]),
    (solve, {"weights": np.ones((8, 8)), **GROUPS}, ["sweeps", "masks", "factor", "heat", "clock", "bound", "best"]),
    (solve_features, {"terms": NEAR, "people": 8, "rounds": 1, **GROUPS}, ["terms", *GROUPS, "people", "seconds", "seed", "unit", "apart"]),
    (solve_features, {"terms": NEAR, "people": 8, "rounds": 1, **GROUPS}, ["masks", "start", "progress", "rounds", "factor", "processes"]),
    (solve_features, {"terms": NEAR, "people": 8, "rounds": 1, **GROUPS}, ["lift", "clock"]),
    (seat, {"guests": GUESTS, "size": 5}, ["guests", *OPTIONS, "everybody", "locked", "halfway", "resume"]),
    (seat_crowd, {"crowd": CROWD, "size": 5}, ["crowd", *OPTIONS]),
    (reseat, AGAIN, [*AGAIN, "budget", "rules", "seed"]),
    (moves_against_score, AGAIN, [*AGAIN, "most", "rules", "seed"]),
    (Why, SEATED, [*SEATED, "rules"]),
    (record, SEATED, [*SEATED, "rules", "locked"]),
    (replay, {"earlier": record(SEATING, GUESTS, size=5), "guests": GUESTS, "size": 5}, ["earlier", "guests", "size", "rules", "locked"]),
    (Why(SEATING, GUESTS, size=5).guest, {"name": "1"}, ["name"]),
    (Why(SEATING, GUESTS, size=5).table, {"number": 1}, ["number"]),
    (told_to_guests, {"table": SEATING.tables[0]}, ["table"]),
    (Crowd.of, {"guests": GUESTS}, ["guests"]),
    (Crowd.of_columns, {"guests": 3}, COLUMNS),
    (Locks.of, {"seating": SEATING}, ["seating", "tables", "guests"]),
    (Locks, {}, ["tables", "guests"]),
    (LockedTable, {"guests": frozenset("1")}, ["guests", "at"]),
    (Changes, {}, ["gone", "come"]),
    (Traits, dict.fromkeys(Traits.__dataclass_fields__, 0.5), ["openness"]),
    (AgeRange, {"years": 5.0}, ["years"]),
    (Balanced, {"label": "gender"}, ["label"]),
    (CloseInAge, {}, ["weight", "years"]),
    (Demand, {"rule": CloseInAge(), "least": 0.2}, ["rule", "least"]),
    (DietsServed, {}, ["served"]),
    (Floor, {"least": 5.0}, ["least"]),
    (MixedCompany, {"label": "gender"}, ["label", "weight"]),
    (MixedTrait, {"trait": "openness"}, ["weight", "width"]),
    (NobodyAlone, {"label": "gender"}, ["label"]),
    (NotMetWithin, {"dinners": 2}, ["dinners"]),
    (SharedInterests, {}, ["weight", "enough"]),
    (SimilarTrait, {"trait": "openness"}, ["weight", "width"]),
    (SomebodyExperienced, {}, ["least"]),
    (VenueTable, {"low": 4, "high": 5}, ["low", "high", "diets", "name"]),
    (wish, {"rule": NobodyAlone("gender")}, ["rule", "weight"]),
]


@pytest.mark.parametrize(
    ("call", "given", "name"),
    [pytest.param(call, given, name, id=f"{call.__qualname__} {name}") for call, given, names in CALLS for name in names],
)
def test_an_argument_that_makes_no_sense_is_refused_in_words(call, given, name):
    for value in STRANGE:
        if isinstance(value, int) and (name, value) in LASTING:
            continue
        with suppress(DinnerkitError):
            call(**{**given, name: value})


@pytest.mark.parametrize("name", [*Guest.__dataclass_fields__])
def test_a_guest_of_strange_attributes_is_refused_in_words_or_seated(name):
    for value in STRANGE:
        with suppress(DinnerkitError):
            seat([Guest(**{"id": "a", name: value}), *GUESTS], size=(5, 6), seconds=0.01)


@pytest.mark.parametrize("value", STRANGE)
def test_what_is_in_a_list_of_guests_terms_or_pairs_and_is_none_is_refused_in_words(value):
    for call in (
        lambda: seat([value]),
        lambda: reseat(SEATING, Changes(come=(value,)), guests=GUESTS, size=(5, 6)),
        lambda: reseat(SEATING, Changes(), guests=[*GUESTS, value], size=5),
        lambda: seat(GUESTS, rules=[value]),
        lambda: Locks.of(SEATING, guests=[value]),
        lambda: Locks(tables=(value,)),
        lambda: Locks(guests=(value,)) if not isinstance(value, set) else seat([value]),
        lambda: solve_features([value], [2] * 4, [2] * 4, people=8),
        lambda: solve(np.ones((8, 8)), [2] * 4, [2] * 4, apart=[(0, value)]) if value is not True else seat([value]),
    ):
        with pytest.raises((RuleInvalid, GuestInvalid)):
            call()


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: seat(GUESTS, seconds="x"), "seconds must be a number or None, not 'x'"),
        (lambda: seat(GUESTS, seed=True), "seed must be a whole number, not True"),
        (lambda: seat(GUESTS, rules={CloseInAge()}), "rules must be a list, not {"),
        (lambda: seat(GUESTS, progress=1), "progress must be a function or None, not 1"),
        (lambda: seat(GUESTS, locked=[1]), r"locked must be of type Locks, not \[1\]"),
        (lambda: seat(GUESTS, processes=10**9), "at most 1000 processes can work, not 1000000000"),
        (lambda: seat(GUESTS, size=(5, 10**9)), "fewest <= most <= 10000"),
        (lambda: seat(GUESTS, size=True), "fewest <= most <= 10000, not True"),
        (lambda: seat(GUESTS, size="45"), "fewest <= most <= 10000, not '4'"),
        (lambda: seat("abc"), "guests must be a list, not 'abc'"),
        (lambda: seat(["abc"]), "'abc' is no guest"),
        (lambda: seat(GUESTS, best_effort=np.zeros(2)), "best_effort must be true or false, not array"),
        (lambda: CloseInAge("much"), "weight must be a number, not 'much'"),
        (lambda: Guest("a", age="old"), "the age of a guest must be a number or None, not 'old'"),
        (lambda: seat([Guest("a", party=["x"])]), "the party of a guest must be a text or None"),
        (lambda: Traits("x", 0.5, 0.5, 0.5, 0.5), "the extraversion of a guest must be a number, not 'x'"),
        (lambda: Crowd.of_columns(-1), "there can't be -1 guests"),
        (lambda: Crowd.of_columns(2, age=["x", "y"]), "age must be numbers"),
        (lambda: solve_features([1], [2], [2], people=2), "1 is no term"),
        (lambda: Locks.of(SEATING, tables=["1"]), "there is no table '1' to lock"),
    ],
)
def test_the_words_name_the_argument_and_what_it_must_be(call, told):
    with pytest.raises((RuleInvalid, GuestInvalid), match=told):
        call()


def test_numbers_and_truths_of_numpy_are_as_good_as_those_of_python():
    told = seat(GUESTS, size=np.int64(5), seed=np.int32(3), best_effort=np.True_, rules=(CloseInAge(np.float32(2)), Floor(np.float64(5))))
    assert len(told.tables) == 2
