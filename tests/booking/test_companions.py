"""Those whom guests bring: named until the cut-off, and asked by a private link that is theirs alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from threading import Event, Thread
from typing import Any

import pytest

from dinnerkit.accounts.errors import BadToken, TooManyAttempts
from dinnerkit.booking.companions import LINK_LIMIT
from dinnerkit.booking.errors import BookingNotConfirmed, NoSuchBooking, NoSuchCompanion, TooLateToChange
from dinnerkit.booking.presenting import presented
from dinnerkit.booking.store import Booking, Companion
from dinnerkit.errors import Invalid
from dinnerkit.ids import new_id
from tests.booking.balance import come_to_rest
from tests.booking.scenes import FREE
from tests.booking.world import World
from tests.waiting import DEADLINE

TRAITS = {"extraversion": 0.6, "neuroticism": 0.2, "agreeableness": 0.9, "conscientiousness": 0.5, "openness": 0.7}
BEA, CARL = Companion("Bea Brought", ("nuts",)), Companion("Carl")


@pytest.fixture
def booking(world: World) -> Booking:
    """Of ada, who brings two."""
    world.invite("ada", "ben")
    return world.reserve("ada", world.host_dinner(4, FREE), 3)


def test_they_are_named_renamed_and_left_out(world: World, booking: Booking) -> None:
    named = world.companions.name("ada", booking.id, [Companion("  Bea   Brought ", ("Nuts", "nuts")), CARL])
    assert [(one.name, one.diets) for one in named.companions] == [("Bea Brought", ("nuts",)), ("Carl", ())]
    assert [one.name for one in world.companions.name("ada", booking.id, [CARL]).companions] == ["Carl"]
    assert world.companions.name("ada", booking.id, []).companions == ()
    come_to_rest(world)


def test_they_are_named_while_the_seats_are_only_held(world: World) -> None:
    held = world.reserve("ada", world.host_dinner(2), 2)
    world.companions.name("ada", held.id, [BEA])
    assert world.pay(held).booking.companions[0].name == "Bea Brought"


def test_each_answers_by_a_link_and_keeps_that_while_place_and_name_stay(world: World, booking: Booking) -> None:
    world.companions.name("ada", booking.id, [BEA, CARL])
    token = world.companions.link("ada", booking.id, 1).token
    invitation = world.companions.invitation(token)
    assert (invitation.companion.name, invitation.inviter, invitation.about["title"]) == ("Bea Brought", "Ada", "Dumplings")
    world.companions.answer(token, TRAITS)
    changed = world.companions.name("ada", booking.id, [replace(BEA, diets=("fish",)), Companion("Dora")])
    assert [(one.name, one.diets, dict(one.traits)) for one in changed.companions] == [
        ("Bea Brought", ("fish",), TRAITS),
        ("Dora", (), {}),
    ]
    assert world.companions.name("ada", booking.id, [CARL]).companions[0].traits == {}
    with pytest.raises(BadToken):
        world.companions.answer(token, TRAITS)


def test_the_booker_sees_that_somebody_answered_and_never_what(world: World, booking: Booking) -> None:
    world.companions.name("ada", booking.id, [BEA, CARL])
    world.companions.answer(world.companions.link("ada", booking.id, 1).token, TRAITS)
    assert presented(world.now(booking))["companions"] == [
        {"name": "Bea Brought", "diets": ["nuts"], "answered": True},
        {"name": "Carl", "diets": [], "answered": False},
    ]


def test_a_new_link_makes_the_earlier_one_worth_nothing(world: World, booking: Booking) -> None:
    world.companions.name("ada", booking.id, [BEA, CARL])
    first, second = (world.companions.link("ada", booking.id, 1).token for _ in range(2))
    other = world.companions.link("ada", booking.id, 2).token
    with pytest.raises(BadToken):
        world.companions.invitation(first)
    for token in (second, other):
        world.companions.answer(token, TRAITS)


def test_a_link_is_good_for_nothing_else_and_nothing_else_for_it(world: World, booking: Booking) -> None:
    world.companions.name("ada", booking.id, [BEA])
    token = world.companions.link("ada", booking.id, 1).token
    with pytest.raises(BadToken):
        world.transfers.offered(token)
    offered = world.transfers.offer("ada", booking.id, "ben@example.org", transfer_id=new_id())
    for wrong in (world.transfers.token(offered) or "", token[:-1], "", "a.b.c"):
        with pytest.raises(BadToken):
            world.companions.answer(wrong, TRAITS)


@pytest.mark.parametrize("ended", ["begun", "cancelled", "transferred"])
def test_a_link_ends_with_the_beginning_and_with_the_booking(world: World, booking: Booking, ended: str) -> None:
    world.companions.name("ada", booking.id, [BEA])
    token = world.companions.link("ada", booking.id, 1).token
    if ended == "begun":
        world.clock.now = booking.about["starts_at"]
    elif ended == "cancelled":
        world.bookings.cancel("ada", booking.id)
    else:
        offered = world.transfers.offer("ada", booking.id, "ben@example.org", transfer_id=new_id())
        taken = world.transfers.accept("ben", world.transfers.token(offered) or "")
        assert taken.companions == (), "whom the giver wanted to bring is nobody's business"
    with pytest.raises(BadToken):
        world.companions.answer(token, TRAITS)


def test_nothing_changes_after_the_cut_off(world: World, booking: Booking) -> None:
    world.companions.name("ada", booking.id, [BEA])
    token = world.companions.link("ada", booking.id, 1).token
    world.clock.now = booking.about["starts_at"] - timedelta(hours=2)
    with pytest.raises(TooLateToChange):
        world.companions.name("ada", booking.id, [CARL])
    with pytest.raises(TooLateToChange):
        world.companions.link("ada", booking.id, 1)
    world.companions.answer(token, TRAITS)


def test_who_is_nobodys_to_bring_is_refused(world: World, booking: Booking) -> None:
    for companions in (
        [BEA, CARL, CARL],
        [Companion(" ")],
        [Companion("x" * 101)],
        [Companion("two\nlines")],
        [Companion("A", ("x" * 99,))],
    ):
        with pytest.raises(Invalid):
            world.companions.name("ada", booking.id, companions)
    for number in (0, 1, -1):
        with pytest.raises(NoSuchCompanion):
            world.companions.link("ada", booking.id, number)
    with pytest.raises(NoSuchBooking):
        world.companions.name("ben", booking.id, [BEA])
    world.bookings.cancel("ada", booking.id)
    with pytest.raises(BookingNotConfirmed):
        world.companions.name("ada", booking.id, [BEA])


def test_nobody_makes_links_without_end(world: World, booking: Booking) -> None:
    world.companions.name("ada", booking.id, [BEA])
    for _ in range(LINK_LIMIT.most):
        world.companions.link("ada", booking.id, 1)
    with pytest.raises(TooManyAttempts):
        world.companions.link("ada", booking.id, 1)


@pytest.mark.parametrize("at", range(1, 6))
def test_an_answer_that_comes_while_names_change_is_not_lost(world: World, booking: Booking, at: int) -> None:
    world.companions.name("ada", booking.id, [BEA, CARL])
    token = world.companions.link("ada", booking.id, 1).token
    world.killer.interrupt(at, lambda: world.companions.answer(token, TRAITS))
    world.companions.name("ada", booking.id, [BEA, Companion("Dora")])
    interrupted = world.killer.paused
    world.killer.disarm()
    if interrupted:
        assert world.now(booking).companions[0].traits == TRAITS
        assert world.now(booking).companions[1].name == "Dora"


def test_a_link_that_is_written_while_names_are_is_not_lost(world: World, booking: Booking, monkeypatch: pytest.MonkeyPatch) -> None:
    world.companions.name("ada", booking.id, [BEA, CARL])
    token = world.companions.link("ada", booking.id, 2).token
    has_read, may_write, move, links = Event(), Event(), world.store.move, list[str]()
    linking = Thread(target=lambda: links.append(world.companions.link("ada", booking.id, 1).token))

    def held_up(read: Booking, since: Any, values: dict[str, Any], *messages: Any, **options: Any) -> Booking | None:
        if "companions" not in values and not has_read.is_set():  # the link, which has read what there was before the answer
            has_read.set()
            assert may_write.wait(DEADLINE)
        elif "companions" in values and not may_write.is_set():  # the names, which have read what there is after it
            may_write.set()
            linking.join(DEADLINE)
        return move(read, since, values, *messages, **options)

    monkeypatch.setattr(world.store, "move", held_up)
    linking.start()
    assert has_read.wait(DEADLINE)
    world.companions.answer(token, TRAITS)
    world.companions.name("ada", booking.id, [BEA, CARL])
    assert world.companions.invitation(links[0]).companion.name == BEA.name
    assert world.companions.invitation(token).companion.traits == TRAITS
