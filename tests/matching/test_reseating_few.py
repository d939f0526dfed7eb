"""Of a few guests every way to seat them again is tried: none moves more than must, and a budget buys the most there is."""

from __future__ import annotations

import random

import numpy as np
import pytest

from dinnerkit.matching import (
    Changes,
    CommonLanguage,
    Floor,
    Guest,
    Seating,
    SeatingImpossible,
    SomebodyExperienced,
    moves_against_score,
    reseat,
    seat,
)
from dinnerkit.matching.seating.audit import breaches

from .judging_seatings import RULES, VENUE, WORTH, Judge, company


def changed(chance: random.Random) -> tuple[list[Guest], Seating, Changes, dict]:
    """Guests, a seating of them by some of the rules or none, and what then happens."""
    people = company(chance, chance.randint(4, 6))
    late = company(chance, len(people) + chance.randint(0, 1))[len(people) :]
    rules = (*(rule for rule in RULES if chance.random() < 0.4), *WORTH, *([Floor(80)] if chance.random() < 0.2 else []))
    size = chance.choice([(2, 4), (2, 3), (3, 4), 3, VENUE])
    seating = seat(people, size=size, rules=rules if chance.random() < 0.5 else (), best_effort=True)
    gone = frozenset(guest.id for guest in people if chance.random() < 0.2)
    return people, seating, Changes(gone, tuple(late)), {"size": size, "rules": rules}


@pytest.mark.parametrize("number", [*range(40), 606])  # of 606 two must move, and a third would score more
def test_as_few_move_as_can_and_a_budget_buys_the_best_there_is(number):
    chance = random.Random(number)
    guests, seating, changes, options = changed(chance)
    people = [guest for guest in guests if guest.id not in changes.gone] + list(changes.come)
    judge = Judge(people, **options)
    tables = [(table.at if judge.venue else number, table) for number, table in enumerate(seating.tables)]
    home = np.array([next((place for place, table in tables if one.id in table.guests), -1) for one in people])
    best = judge.curve(home, len(judge.sound) if judge.venue else len(seating.tables) + 2)
    budget = chance.randint(0, len(people))
    if not best:
        with pytest.raises(SeatingImpossible, match=r"^(?!.*was found)") as caught:
            reseat(seating, changes, budget, guests=guests, **options)
        assert caught.value.details["proved"]
        return
    found = reseat(seating, changes, budget, guests=guests, **options)
    assert breaches(found.seating, people, **options) == []
    assert found.needed == min(best) == len(reseat(seating, changes, guests=guests, **options).moved)
    within = {moves: worth for moves, worth in best.items() if moves <= max(budget, found.needed)}
    assert judge.worth_of(found.seating) == pytest.approx(max(within.values()), abs=0.02)
    assert len(found.moved) == min(moves for moves, worth in within.items() if worth >= max(within.values()) - 1e-4)
    curve = moves_against_score(seating, changes, guests=guests, **options)
    assert [point.moves for point in curve] == [
        moves for moves, worth in best.items() if worth > max((best[fewer] for fewer in best if fewer < moves), default=-np.inf) + 1e-4
    ]


def test_a_refusal_names_the_rules_that_are_in_the_way():
    people = [Guest(name, languages=frozenset({"en" if name in "ab" else "fi"}), dinners=0 if name in "ab" else 1) for name in "abcd"]
    seating = seat(people, size=2, rules=())
    with pytest.raises(SeatingImpossible) as caught:
        reseat(seating, Changes(), 9, guests=people, size=2, rules=(CommonLanguage(), SomebodyExperienced()))
    assert caught.value.message == (
        "there is no seating that keeps every rule: guests 'a', 'b' would be left without a table; "
        "without the rule 'common_language' or 'somebody_experienced' everybody could be seated"
    )
    assert caught.value.details["proved"]
