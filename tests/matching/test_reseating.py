from __future__ import annotations

from dataclasses import replace
from itertools import pairwise, product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dinnerkit.matching import (
    DEFAULT_RULES,
    Changes,
    Guest,
    GuestInvalid,
    NobodyAlone,
    RuleInvalid,
    SeatingImpossible,
    moves_against_score,
    reseat,
    seat,
)
from dinnerkit.matching.seating.audit import breaches
from dinnerkit.matching.seating.scoring import STEP

from .people import assert_sound, guests, may_share
from .test_more_rules import crowd

SLOW = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@st.composite
def cases(draw, most=18, late=3):
    """A seating of some, and changes to it."""
    people = draw(guests(most=most))
    low = draw(st.integers(2, 4))
    size = (low, low + draw(st.integers(0, 3)))
    come = people[len(people) - draw(st.integers(0, min(late, len(people)))) :]
    before = [guest for guest in people if guest not in come]
    seating = seat(before, size=size, best_effort=True)
    left_out = {one.guest for one in seating.unseated}
    before = [guest for guest in before if guest.id not in left_out]
    gone = draw(st.frozensets(st.sampled_from([guest.id for guest in before]), max_size=4)) if before else frozenset()
    return seating, before, Changes(gone, tuple(come)), size


def after(before, changes):
    return [guest for guest in before if guest.id not in changes.gone] + list(changes.come)


def attempt(seating, changes, budget, **options):
    try:
        return reseat(seating, changes, budget, **options)
    except SeatingImpossible:
        return None


def fits_without_moves(seating, before, changes, size):
    """By trying every table, and every new one, for every newcomer."""
    people = {guest.id: guest for guest in after(before, changes)}
    tables = [[people[name] for name in table.guests if name in people] for table in seating.tables]
    tables += [[] for _ in changes.come]
    for places in product(range(len(tables)), repeat=len(changes.come)):
        filled = [
            [*table, *(guest for guest, at in zip(changes.come, places, strict=True) if at == place)] for place, table in enumerate(tables)
        ]
        used = [table for table in filled if table]
        where = {guest.id: place for place, table in enumerate(filled) for guest in table}
        parties = {}
        for guest in people.values():
            if guest.party is not None:
                parties.setdefault(guest.party, set()).add(where[guest.id])
        if all(size[0] <= len(table) <= size[1] and may_share(table) for table in used) and all(len(at) == 1 for at in parties.values()):
            return True
    return False


@SLOW
@given(case=cases(), budget=st.integers(0, 6))
def test_reseating_never_breaks_a_hard_rule_and_keeps_to_its_budget(case, budget):
    seating, before, changes, size = case
    found = attempt(seating, changes, budget, guests=before, size=size)
    if found is None:
        return
    people = after(before, changes)
    assert_sound(found.seating, people, *size)
    assert found.seating.unseated == ()
    assert breaches(found.seating, people, size=size) == []
    assert len(found.moved) <= max(budget, found.needed)
    assert {move.guest for move in found.moved}.isdisjoint(guest.id for guest in changes.come)
    for move in found.moved:
        assert move.guest in seating.tables[move.before - 1].guests
        assert move.guest in found.seating.tables[move.after - 1].guests


@SLOW
@given(case=cases())
def test_without_a_budget_nobody_moves_who_need_not(case):
    seating, before, changes, size = case
    found = attempt(seating, changes, 0, guests=before, size=size)
    if fits_without_moves(seating, before, changes, size):
        assert found is not None
        assert found.moved == ()
    elif found is not None:
        assert found.needed == len(found.moved) > 0


@SLOW
@given(case=cases(late=2))
def test_more_moves_never_score_less(case):
    seating, before, changes, size = case
    try:
        curve = moves_against_score(seating, changes, guests=before, size=size)
    except SeatingImpossible:
        return
    assert [point.moves for point in curve] == sorted({point.moves for point in curve})
    assert all(after.score >= before.score - STEP for before, after in pairwise(curve))  # what is less is less by rounding


def test_where_nothing_has_changed_nobody_moves():
    people = crowd(30)
    seating = seat(people)
    found = reseat(seating, Changes(), guests=people)
    assert (found.moved, found.needed) == ((), 0)
    assert found.seating.tables == seating.tables


def test_a_cancellation_that_leaves_its_table_large_enough_moves_nobody():
    people = crowd(18)
    seating = seat(people)
    found = reseat(seating, Changes(gone=frozenset({"4"})), guests=people)
    assert found.moved == ()
    assert sorted(len(table.guests) for table in found.seating.tables) == [5, 6, 6]


def test_a_table_that_becomes_too_small_is_filled_up_by_one_move():
    people = crowd(18)
    seating = seat(people, size=(6, 7)) if len(people) % 7 == 0 else seat(people, size=(4, 7))
    small = min(seating.tables, key=lambda table: len(table.guests))
    gone = frozenset(small.guests[: len(small.guests) - 3])
    found = reseat(seating, Changes(gone), guests=people, size=(4, 7))
    assert (found.needed, len(found.moved)) == (1, 1)


def test_a_table_of_which_hardly_anybody_is_left_is_dissolved_if_that_moves_fewer():
    people = crowd(24)
    seating = seat(people, size=(6, 7))
    gone = frozenset(seating.tables[1].guests[:5])
    found = reseat(seating, Changes(gone), guests=people, size=(6, 7))
    assert len(found.moved) == 1
    assert len(found.seating.tables) == 3


def test_late_bookings_find_places_and_may_make_a_table_of_their_own():
    people = crowd(36)
    seating = seat(people[:30], size=6)
    found = reseat(seating, Changes(come=tuple(people[30:])), guests=people[:30], size=6)
    assert found.moved == ()
    assert set(found.seating.tables[-1].guests) == {guest.id for guest in people[30:]}


def test_a_budget_buys_score_and_the_curve_tells_how_much():
    people = crowd(48)
    seating = seat(people[:42], size=(6, 7))
    changes = Changes(gone=frozenset({"1", "2", "3"}), come=tuple(people[42:]))
    curve = moves_against_score(seating, changes, guests=people[:42], size=(6, 7), most=8)
    assert curve[-1].moves <= max(8, curve[0].moves)
    assert curve[-1].score > curve[0].score
    free, paid = (reseat(seating, changes, budget, guests=people[:42], size=(6, 7)) for budget in (0, 8))
    assert (free.seating.score, free.seating.floor) == (curve[0].score, curve[0].floor)
    assert (paid.seating.score, paid.seating.floor) == (curve[-1].score, curve[-1].floor)
    assert len(paid.moved) == curve[-1].moves


def test_rules_about_whole_tables_and_a_venues_own_tables_are_kept_too():
    people = [replace(guest, stated={"gender": "woman" if int(guest.id) < 6 else "man"}) for guest in crowd(22)]
    rules, size = (*DEFAULT_RULES, NobodyAlone("gender")), [(4, 8), (4, 8), (4, 8)]
    seating = seat(people[:20], size=size, rules=rules)
    women = [name for name in seating.tables[0].guests if int(name) < 6] or ["0"]
    found = reseat(seating, Changes(frozenset(women[:1]), tuple(people[20:])), guests=people[:20], size=size, rules=rules)
    left = [guest for guest in people if guest.id != women[0]]
    assert breaches(found.seating, left, size=size, rules=rules) == []


def test_the_same_seed_gives_the_same_answer():
    people = crowd(30)
    seating = seat(people)
    changes = Changes(frozenset({"1", "7", "8"}))
    assert reseat(seating, changes, 6, guests=people, seed=3) == reseat(seating, changes, 6, guests=people, seed=3)


def test_what_cant_be_kept_after_the_changes_is_told():
    people = crowd(10, languages=frozenset({"en"}))
    seating = seat(people)
    late = Guest("late", languages=frozenset({"fi"}))
    with pytest.raises(SeatingImpossible, match="guest 'late' shares no language with anyone") as caught:
        reseat(seating, Changes(come=(late,)), guests=people)
    assert "late" in caught.value.details["causes"][0]["guests"]


def test_what_comes_of_a_block_is_told_under_its_name():
    people = [Guest(str(number)) for number in range(4)]
    seating = seat(people, size=2)
    one, other = seating.tables[0].guests
    blocked = [replace(guest, blocked=frozenset(str(number) for number in range(4))) for guest in people if guest.id == one]
    after = [guest for guest in people if guest.id != one] + blocked
    with pytest.raises(SeatingImpossible) as caught:
        reseat(seating, Changes(), guests=after, size=2)
    assert [cause["rule"] for cause in caught.value.details["causes"]] == ["apart"]
    with pytest.raises(SeatingImpossible) as caught:
        reseat(seating, Changes(frozenset({other})), guests=people, size=2)
    assert [cause["rule"] for cause in caught.value.details["causes"]] == ["table_size"]


def test_nobody_left_is_no_tables():
    people = crowd(6)
    assert reseat(seat(people), Changes(frozenset(guest.id for guest in people)), guests=people).seating.tables == ()


def test_changes_that_make_no_sense_are_refused():
    people = crowd(6)
    seating = seat(people)
    with pytest.raises(GuestInvalid, match="guest 'x' can't be gone"):
        reseat(seating, Changes(frozenset({"x"})), guests=people)
    with pytest.raises(GuestInvalid, match="guest '3' has come, but is there already"):
        reseat(seating, Changes(come=(people[3],)), guests=people)
    with pytest.raises(GuestInvalid, match="guest '5' has a table in the seating, and is not among the guests"):
        reseat(seating, Changes(), guests=people[:5])
    with pytest.raises(RuleInvalid, match="budget of moves"):
        reseat(seating, Changes(), -1, guests=people)
    with pytest.raises(RuleInvalid, match="not made for this list"):
        reseat(seating, Changes(), guests=people, size=[6])
