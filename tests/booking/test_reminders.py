"""Reminders: a day and two hours before, once each."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dinnerkit.accounts.unsubscribing import Unsubscribing
from dinnerkit.booking.reminders import Reminders
from dinnerkit.booking.rules import REMINDERS, next_reminder
from dinnerkit.booking.store import Booking
from tests.booking.killing import Killed
from tests.booking.scenes import FREE
from tests.booking.world import HOST, NOW, World

DAY, HOURS = timedelta(hours=24), timedelta(hours=2)
TOMORROW, SOON = "Tomorrow: Dumplings", "In two hours: Dumplings"


def booked(world: World, starts_in: timedelta) -> Booking:
    world.invite("ada")
    return world.reserve("ada", world.host_dinner(4, FREE, starts_in=starts_in))


def reminders(world: World) -> list[str]:
    return [subject for _, subject in world.postbox.mails if subject in {TOMORROW, SOON}]


def at(world: World, booking: Booking, before: timedelta) -> None:
    world.clock.now = booking.about["starts_at"] - before


def test_a_guest_is_reminded_a_day_and_two_hours_before_once_each(world: World) -> None:
    booking = booked(world, timedelta(days=7))
    at(world, booking, DAY + timedelta(seconds=1))
    assert world.remind() == 0
    for before, known in ((DAY, [TOMORROW]), (DAY / 2, [TOMORROW]), (HOURS, [TOMORROW, SOON]), (timedelta(minutes=1), [TOMORROW, SOON])):
        at(world, booking, before)
        world.remind()
        world.remind()
        assert reminders(world) == known
    assert "remind_at" not in (world.database["bookings"].find_one({"_id": booking.id}) or {})


@pytest.mark.parametrize(("starts_in", "expected"), [(timedelta(hours=23), [SOON]), (timedelta(hours=1), [])])
def test_who_books_within_the_day_is_not_told_what_they_know(world: World, starts_in: timedelta, expected: list[str]) -> None:
    booking = booked(world, starts_in)
    for before in (timedelta(hours=22), HOURS, timedelta(0)):
        at(world, booking, before)
        world.remind()
    assert reminders(world) == expected


def test_the_time_to_pay_does_not_count_but_the_confirmation(world: World) -> None:
    world.invite("ada")
    event = world.host_dinner(4, starts_in=DAY + timedelta(minutes=5))
    booking = world.reserve("ada", event)
    world.clock.now += timedelta(minutes=6)
    world.pay(booking)
    assert world.now(booking).remind_at == booking.about["starts_at"] - HOURS


def test_a_reminder_says_when_in_the_zone_of_the_place_and_how_to_stop(world: World) -> None:
    booking = booked(world, timedelta(days=2, hours=7))
    at(world, booking, DAY)
    world.remind()
    mail = world.postbox.last
    assert mail
    text = mail.get_content()
    assert "Tuesday, 3 November 2026 at 20:00 (Europe/Berlin)" in text
    link = mail["List-Unsubscribe"].strip("<>")
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert link in text
    unsubscribing = world.kit.service(Unsubscribing)
    assert unsubscribing.check(link.rpartition("/")[2]) == "ada"


def test_who_wants_no_reminders_gets_none(world: World) -> None:
    booking = booked(world, timedelta(days=2))
    unsubscribing = world.kit.service(Unsubscribing)
    world.database["users"].update_one({"_id": "ada"}, {"$set": {"role": "guest", "created_at": NOW}})
    for _ in range(2):
        unsubscribing.stop(unsubscribing.token("ada"))
    at(world, booking, DAY)
    world.remind()
    assert reminders(world) == []


def test_nobody_is_reminded_of_what_they_cancelled_or_the_host_called_off(world: World) -> None:
    booking = booked(world, timedelta(days=2))
    event = world.host_dinner(4, FREE, starts_in=timedelta(days=2))
    world.reserve("ada", event)
    world.bookings.cancel("ada", booking.id)
    world.events.cancel(HOST, event)
    world.work()
    at(world, booking, DAY)
    assert world.remind() == 0
    at(world, booking, HOURS)
    assert world.remind() == 0


def test_a_mail_that_waited_until_the_guest_had_cancelled_is_not_sent(world: World) -> None:
    booking = booked(world, timedelta(days=2))
    world.work()
    at(world, booking, DAY)
    assert world.kit.service(Reminders).run() == 1
    world.bookings.cancel("ada", booking.id)
    world.work()
    assert reminders(world) == []


def test_another_time_moves_the_reminders(world: World) -> None:
    booking = booked(world, timedelta(days=7))
    at(world, booking, DAY)
    world.remind()
    world.events.update(HOST, booking.event, {"starts_at": booking.about["starts_at"] + timedelta(days=3)})
    world.work()
    moved = world.now(booking)
    assert moved.remind_at == moved.about["starts_at"] - DAY
    for before in (DAY, HOURS):
        at(world, moved, before)
        world.remind()
    assert reminders(world) == [TOMORROW, TOMORROW, SOON], "the first was for another day"


def test_after_a_long_outage_only_the_nearer_reminder_is_sent(world: World) -> None:
    booking = booked(world, timedelta(days=7))
    at(world, booking, timedelta(hours=1))
    world.remind()
    assert reminders(world) == [SOON]
    late = booked_again(world)
    world.clock.now = late.about["starts_at"] + timedelta(minutes=1)
    world.remind()
    assert reminders(world) == [SOON], "it has begun"


def booked_again(world: World) -> Booking:
    return world.reserve("ada", world.host_dinner(4, FREE, starts_in=timedelta(days=7)))


def test_a_crash_at_any_write_reminds_once_and_not_never(world: World) -> None:
    for last in (1, 2, 3):
        for before in (True, False):
            world.clear()
            booking = booked(world, timedelta(days=2))
            world.work()
            at(world, booking, DAY)
            world.killer.arm(last, before=before)
            try:
                world.remind()
            except Killed:
                world.restart()
            world.recover()
            world.remind()
            world.recover()
            assert set(reminders(world)) == {TOMORROW}
            told = world.database["deliveries"].count_documents({"handler": "notifications.reminder"})
            assert told == 1


@given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)), st.integers(-1, 50 * 3600))  # noqa: DTZ001 - aware below
def test_the_next_reminder_lies_ahead_and_is_the_first_of_its_kind(starts_at: datetime, seconds: int) -> None:
    now = starts_at - timedelta(seconds=seconds)
    due = next_reminder(starts_at, now)
    left = [starts_at - lead for lead in REMINDERS if starts_at - lead > now]
    assert due == (min(left) if left else None)
    assert due is None or now < due < starts_at
