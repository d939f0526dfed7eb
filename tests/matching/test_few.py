"""Of a few guests every way to seat them is tried: the tables are the best there are, and what is refused is impossible."""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np
import pytest

from dinnerkit.matching import (
    Balanced,
    BlockedApart,
    CloseInAge,
    CommonLanguage,
    Crowd,
    Demand,
    DietsServed,
    Guest,
    NeverMet,
    NobodyAlone,
    PartiesTogether,
    RunRecord,
    Seating,
    SeatingImpossible,
    SomebodyExperienced,
    Table,
    VenueTable,
    seat,
    wish,
)
from dinnerkit.matching.seating.audit import breaches
from dinnerkit.matching.seating.scoring import Scoring

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


def divisions(guests: int, size: object) -> Iterator[tuple[list[int], list[int | None]]]:
    """Every way to divide guests: the table of each, and the tables' places in a venue."""
    if isinstance(size, list):
        for code in range(len(size) ** guests):
            labels = [code // len(size) ** one % len(size) for one in range(guests)]
            yield labels, list(range(len(size)))
        return

    def grow(labels: list[int]) -> Iterator[list[int]]:
        if len(labels) == guests:
            yield labels
            return
        for table in range(max(labels, default=-1) + 2):
            yield from grow([*labels, table])

    for labels in grow([]):
        yield labels, [None] * (max(labels) + 1)


def best_of_all(people: list[Guest], size: object, rules: tuple) -> float | None:
    """The best score of all seatings of which the audit finds nothing wrong, the number of tables going first; None if there are none."""
    crowd = Crowd.of(people)
    scoring = Scoring.of(crowd, rules)
    best: tuple[float, int, float] | None = None
    for labels, at in divisions(len(people), size):
        used = sorted(set(labels))
        tables = tuple(Table(tuple(p.id for p, t in zip(people, labels, strict=True) if t == one), 0.0, (), at[one]) for one in used)
        low, high = (1, 9) if isinstance(size, list) else size
        if not all(low <= len(table.guests) <= high for table in tables):
            continue
        if not breaches(Seating(tables, 0.0, 0.0, 0.0, 0), people, size=size, rules=rules):
            numbers = np.searchsorted(used, labels)
            score = float(np.average(scoring.tables(crowd, numbers), weights=np.bincount(numbers)))
            off = 0.0 if isinstance(size, list) else abs(len(used) - 2 * len(people) / (low + high))
            best = max(filter(None, (best, (-off, -len(used), score))))
    return best and best[2]


@pytest.mark.parametrize("number", range(24))
def test_a_few_get_the_best_tables_that_keep_all_rules_and_are_refused_where_there_are_none(number):
    chance = random.Random(number)
    people = company(chance, chance.randint(4, 6))
    rules = (*(rule for rule in RULES if chance.random() < 0.4), *WORTH)
    size = chance.choice([(2, 4), (1, 3), (3, 4), VENUE])
    best = best_of_all(people, size, rules)
    if best is None:
        with pytest.raises(SeatingImpossible) as caught:
            seat(people, size=size, rules=rules)
        assert caught.value.details["proved"]
        return
    seating = seat(people, size=size, rules=rules)
    assert breaches(seating, people, size=size, rules=rules) == []
    assert seating.score == pytest.approx(best, abs=0.1)


def refusal(people: list[Guest], **options: object) -> SeatingImpossible:
    with pytest.raises(SeatingImpossible) as caught:
        seat(people, **options)
    assert caught.value.details["proved"]
    return caught.value


EN, FI = frozenset({"en"}), frozenset({"fi"})


def test_every_rule_is_named_without_which_all_could_be_seated():
    people = [Guest(name, languages=EN if name in "ab" else FI, dinners=0 if name in "ab" else 1) for name in "abcd"]
    error = refusal(people, size=2, rules=(CommonLanguage(), SomebodyExperienced()))
    assert error.message == (
        "there is no seating that keeps every rule: guests 'a', 'b' would be left without a table; "
        "without the rule 'common_language' or 'somebody_experienced' everybody could be seated"
    )
    assert error.details["causes"] == [{"rule": "common_language", "guests": ["a", "b"], "text": error.message}]


def test_rules_that_clash_in_more_ways_than_one_are_named_as_few_as_possible():
    # At tables of two all who speak English are new, and of five who have met two share one of four tables.
    met = frozenset("abcde")
    people = [
        Guest(n, languages=EN if n in "abef" else FI, dinners=0 if n in "abef" else 1, met=met if n in met else ()) for n in "abcdefgh"
    ]
    error = refusal(people, size=2, rules=(NeverMet(), CommonLanguage(), SomebodyExperienced()))
    assert error.message.endswith("; the rules 'common_language' and 'somebody_experienced' can't all be kept")
    error = refusal(people, size=2, rules=(CommonLanguage(), SomebodyExperienced(), NeverMet()))
    assert error.message.endswith("; the sizes of the tables and the rule 'never_met' can't all be kept")
    assert error.details["causes"][0]["rule"] == "all"


def test_what_comes_of_blocks_is_told_under_their_name():
    # One of four who speak Finnish is needed at the other table, or the other way round, and two of the others can't share one.
    people = [Guest(n, languages=EN | FI if n == "q" else EN if n in "abcp" else FI, blocked={"b"} if n == "a" else ()) for n in "abcpqdef"]
    error = refusal(people, size=4, rules=(CommonLanguage(), BlockedApart()))
    assert error.message.endswith("; without the rule 'common_language' or 'apart' everybody could be seated")
    assert error.details["causes"][0]["rule"] == "apart"


def test_the_best_effort_leaves_as_few_of_a_few_as_any_could():
    people = [Guest(name, stated={"gender": gender}) for name, gender in zip("abcdef", "wwmmxx", strict=True)]
    rules = (NobodyAlone("gender"), BlockedApart())
    assert seat(people, size=(2, 3), rules=rules, best_effort=True).unseated == ()
    people[4] = Guest("e", stated={"gender": "x"}, blocked={"f"})
    seating = seat(people, size=(2, 3), rules=rules, best_effort=True)
    assert [left.guest for left in seating.unseated] == ["e", "f"]
    assert {left.rule for left in seating.unseated} == {"apart"}


def test_even_tables_of_middle_size_are_made_of_those_who_are_all_alike():
    assert sorted(len(table.guests) for table in seat([Guest(str(one)) for one in range(13)], size=(2, 9)).tables) == [6, 7]


def test_a_few_need_no_search_and_say_so():
    told: list[float] = []
    seating = seat(company(random.Random(3), 6), size=3, rules=WORTH, progress=told.append, best=told.append)
    assert seating.run == RunRecord(0, 0, seating.run.seconds, "numpy")
    assert told == [pytest.approx(seating.score, abs=0.1), 1.0]
