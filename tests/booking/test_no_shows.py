"""Who did not come."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dinnerkit.booking.checking_in import CORRECTABLE_FOR
from dinnerkit.booking.errors import BookingNotConfirmed, DinnerNotBegun, NoSuchBooking, TooLateToCorrect
from dinnerkit.booking.rules import OVER_AFTER
from dinnerkit.booking.store import Booking
from dinnerkit.events.errors import NotTheHost
from dinnerkit.identity import Principal, Role
from tests.booking.scenes import FREE
from tests.booking.world import HOST, World


def dinner_with(world: World, *users: str) -> tuple[str, list[Booking]]:
    event = world.host_dinner(len(users), FREE)
    return event, [world.reserve(user, event) for user in users]


def hours_after(world: World, booking: Booking, hours: float) -> None:
    world.clock.now = booking.about["starts_at"] + timedelta(hours=hours)


def test_who_was_not_checked_in_where_others_were_did_not_come(world: World) -> None:
    event, (ada, ben, cleo) = dinner_with(world, "ada", "ben", "cleo")
    world.store.seat(event, {ben.id})
    world.door.check_in(HOST, event, world.tickets.of(ada))
    hours_after(world, ada, OVER_AFTER.total_seconds() / 3600 - 0.1)
    assert world.find_no_shows() == 0, "it may not be over yet"
    hours_after(world, ada, OVER_AFTER.total_seconds() / 3600)
    assert (world.find_no_shows(), world.find_no_shows()) == (2, 0)
    assert [world.now(booking).status for booking in (ada, ben, cleo)] == ["checked_in", "no_show", "no_show"]


def test_where_nobody_is_checked_in_nothing_is_known_of_anybody(world: World) -> None:
    event, (ada, ben) = dinner_with(world, "ada", "ben")
    dinner_with(world, "eve")
    hours_after(world, ada, 12)
    assert world.find_no_shows() == 0
    assert {world.now(booking).status for booking in (ada, ben)} == {"confirmed"}
    world.door.note(HOST, event, ada.id, came=True)
    assert world.find_no_shows() == 1


def test_the_host_puts_right_who_came_for_a_week(world: World) -> None:
    event, (ada, ben) = dinner_with(world, "ada", "ben")
    world.door.note(HOST, event, ada.id, came=True)
    with pytest.raises(DinnerNotBegun):
        world.door.note(HOST, event, ben.id, came=False)
    hours_after(world, ada, 12)
    world.find_no_shows()

    came = [world.door.note(HOST, event, ben.id, came=True).booking for _ in range(2)]
    missed = [world.door.note(HOST, event, ada.id, came=False).booking for _ in range(2)]

    assert [(booking.status, booking.checked_in_at) for booking in came] == [("checked_in", world.clock())] * 2
    assert [(booking.status, booking.checked_in_at) for booking in missed] == [("no_show", None)] * 2
    world.clock.now = ada.about["starts_at"] + CORRECTABLE_FOR + timedelta(seconds=1)
    with pytest.raises(TooLateToCorrect):
        world.door.note(HOST, event, ada.id, came=True)


def test_a_door_that_tells_late_puts_it_right_too(world: World) -> None:
    event, (ada, ben) = dinner_with(world, "ada", "ben")
    world.door.check_in(HOST, event, world.tickets.of(ada))
    hours_after(world, ada, 7)
    assert world.find_no_shows() == 1
    scanned = ben.about["starts_at"]
    arrival = world.door.check_in(HOST, event, world.tickets.of(ben), scanned)
    assert (arrival.booking.status, arrival.booking.checked_in_at) == ("checked_in", scanned)


def test_attendance_is_noted_by_the_host_alone_and_only_of_those_who_had_seats(world: World) -> None:
    event, (ada,) = dinner_with(world, "ada")
    elsewhere, (ben,) = dinner_with(world, "ben")
    world.bookings.cancel("ben", ben.id)
    with pytest.raises(NotTheHost):
        world.door.note(Principal("other", Role.HOST), event, ada.id, came=True)
    for wrong in (ben.id, "0" * 24):
        with pytest.raises(NoSuchBooking):
            world.door.note(HOST, event, wrong, came=True)
    with pytest.raises(BookingNotConfirmed):
        world.door.note(HOST, elsewhere, ben.id, came=True)
    world.events.cancel(HOST, event)
    with pytest.raises(BookingNotConfirmed):
        world.door.note(HOST, event, ada.id, came=True)


def test_each_change_is_told_once(world: World) -> None:
    event, (ada, ben) = dinner_with(world, "ada", "ben")
    world.work()
    for _ in range(2):
        world.door.note(HOST, event, ada.id, came=True)
    hours_after(world, ada, 7)
    world.find_no_shows()
    told = {
        kind: [e["data"]["booking_id"] for row in world.database["bookings"].find() for e in row["outbox"] if e["kind"] == kind]
        for kind in ("booking.checked_in", "booking.no_show")
    }
    assert told == {"booking.checked_in": [ada.id], "booking.no_show": [ben.id]}
