"""More guests than every way can be tried for: whoever can be seated can be seated again, with most of them where they sat."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from dinnerkit.matching import Changes, SeatingImpossible, reseat, seat
from dinnerkit.matching.seating.audit import breaches

from .judging_seatings import RULES, company
from .test_more_rules import crowd

VENUE = [(2, 4), (3, 5), (4, 5), (4, 5), (3, 6), (3, 6)]


@pytest.mark.parametrize(("number", "seed"), [(12, 0), (13, 0), (30, 1), (79, 0), (129, 0)])  # the earlier tables of these lead to none
def test_whoever_can_be_seated_can_be_seated_again_with_few_moves(number, seed):
    chance = random.Random(number)
    count = chance.randint(16, 22)
    everyone = company(chance, count + 3)
    people, late = everyone[:count], everyone[count:]
    rules = tuple(rule for rule in RULES if chance.random() < 0.5)
    size = chance.choice([4, (3, 4), (4, 5), VENUE])
    seating = seat(people, size=size, rules=rules if chance.random() < 0.5 else (), best_effort=True)
    gone = frozenset(chance.sample([guest.id for guest in people], 3))
    found = reseat(seating, Changes(gone, tuple(late)), guests=people, size=size, rules=rules, seed=seed)
    there = [guest for guest in everyone if guest.id not in gone]
    assert seat(there, size=size, rules=rules, seed=seed).unseated == ()
    assert breaches(found.seating, there, size=size, rules=rules) == []
    assert found.seating.unseated == ()
    assert 0 < found.needed == len(found.moved) < len(people) / 2


def test_who_can_sit_at_no_table_is_told_as_where_all_are_seated_for_the_first_time():
    people = crowd(20, languages=frozenset({"en"}))
    late = replace(people[0], id="late", languages=frozenset({"fi"}))
    with pytest.raises(SeatingImpossible, match=r"^guest 'late' shares no language with anyone") as caught:
        reseat(seat(people), Changes(come=(late,)), guests=people)
    assert caught.value.details["proved"]
