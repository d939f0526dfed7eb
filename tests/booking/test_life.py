"""The life of a booking: what may follow what, and that nothing else can."""

from __future__ import annotations

import pytest

from dinnerkit.booking.rules import LIVE, MOVES, OVER, SETTLED, STATES, STATUSES, TRANSITIONS, UNPAID, sources
from tests.booking.scenes import paid
from tests.booking.world import World

BEGINNINGS = {"waitlisted", "offered", "held", "confirmed", "expired"}
"""How a booking may be made: by the waiting list, by an offer to an entry of old, to pay, for nothing, or written off."""


def test_every_step_is_between_states_that_have_a_meaning():
    assert {status for move in MOVES for status in move} == set(STATES) == STATUSES
    assert all(source != target for source, target in MOVES)


def test_every_state_is_waiting_or_has_seats_or_is_over():
    assert {"waitlisted"} | LIVE | OVER == STATUSES
    assert len(STATUSES) == 1 + len(UNPAID) + len(SETTLED) + len(OVER)


def test_every_state_can_be_reached_and_all_but_the_last_can_be_left():
    reached = set(BEGINNINGS)
    while further := {target for source, target in MOVES if source in reached} - reached:
        reached |= further
    assert reached == STATUSES
    assert {status for status in STATUSES if not TRANSITIONS[status]} == {"cancelled", "transferred"}


def test_what_is_over_takes_no_seats_again_but_for_a_late_payment():
    assert {(source, target) for source, target in MOVES if source in OVER and target in LIVE} == {("expired", "confirmed")}


@pytest.mark.parametrize(("source", "target"), [("cancelled", "confirmed"), ("checked_in", "held"), ("transferred", "cancelled")])
def test_a_step_that_is_not_in_the_table_cannot_be_written(world: World, source: str, target: str):
    booking = paid(world)
    assert source not in sources(target)
    with pytest.raises(ValueError, match=f"no booking becomes {target}"):
        world.store.move(booking, (source,), {"status": target})
    assert world.now(booking).status == "confirmed"
