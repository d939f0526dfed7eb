"""Of a few guests every way to seat them is tried: the tables are the best there are, and what is refused is impossible."""

from __future__ import annotations

import random

import pytest

from dinnerkit.matching import (
    BlockedApart,
    CommonLanguage,
    Floor,
    Guest,
    NeverMet,
    NobodyAlone,
    RunRecord,
    SeatingImpossible,
    SomebodyExperienced,
    seat,
)
from dinnerkit.matching.seating.audit import breaches

from .judging_seatings import RULES, VENUE, WORTH, Judge, company


@pytest.mark.parametrize("number", range(24))
def test_a_few_get_the_best_tables_that_keep_all_rules_and_are_refused_where_there_are_none(number):
    chance = random.Random(number)
    people = company(chance, chance.randint(4, 6))
    rules = (*(rule for rule in RULES if chance.random() < 0.4), *WORTH, *([Floor(80)] if chance.random() < 0.3 else []))
    size = chance.choice([(2, 4), (1, 3), (3, 4), VENUE])
    judge = Judge(people, size, rules)
    best = judge.best()
    if best is None:
        with pytest.raises(SeatingImpossible) as caught:
            seat(people, size=size, rules=rules)
        assert caught.value.details["proved"]
        assert len(seat(people, size=size, rules=rules, best_effort=True).unseated) == len(people) - judge.most()
        everybody = seat(people, size=size, rules=rules, everybody=True)
        assert everybody.broken
        assert everybody.unseated == ()
        return
    for options in ({}, {"best_effort": True}, {"everybody": True}):
        seating = seat(people, size=size, rules=rules, **options)
        assert (breaches(seating, people, size=size, rules=rules), seating.unseated, seating.broken) == ([], (), ())
        assert judge.worth_of(seating) == pytest.approx(best, abs=0.02)


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
    # Two women must share a table and can't; and of five who have met their neighbours in a ring two share one of two tables.
    met = dict(zip("abcde", "bcdea", strict=True))
    people = [
        Guest(n, stated={"gender": "woman"} if n in "fg" else {}, blocked=frozenset("g" if n == "f" else ""), met=frozenset(met.get(n, ())))
        for n in "abcdefgh"
    ]
    error = refusal(people, size=4, rules=(NeverMet(), NobodyAlone("gender"), BlockedApart()))
    assert error.message.endswith("; the rules 'nobody_alone_gender' and 'apart' can't all be kept")
    error = refusal(people, size=4, rules=(NobodyAlone("gender"), BlockedApart(), NeverMet()))
    assert error.message.endswith("; the sizes of the tables and the rule 'never_met' can't all be kept")
    assert error.details["causes"][0]["rule"] == "all"


def test_what_comes_of_blocks_is_told_under_their_name():
    people = [Guest(n, stated={"gender": "woman"} if n in "ab" else {}, blocked=frozenset("b" if n == "a" else "")) for n in "abcdef"]
    error = refusal(people, size=3, rules=(NobodyAlone("gender"), BlockedApart()))
    assert error.message.endswith("; without the rule 'nobody_alone_gender' or 'apart' everybody could be seated")
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
