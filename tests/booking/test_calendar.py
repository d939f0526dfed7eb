"""Bookings as calendar entries."""

from __future__ import annotations

from collections.abc import Iterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any, cast

import icalendar
import pytest

from dinnerkit import Kit, Settings
from dinnerkit.accounts.service import AccountService, NewUser
from dinnerkit.booking.calendar import BookingCalendar
from dinnerkit.booking.errors import NoSuchBooking
from dinnerkit.booking.paying import PayingService
from dinnerkit.booking.service import BookingService
from dinnerkit.booking.store import Booking
from dinnerkit.events.rules import DINNER_LENGTH
from dinnerkit.events.service import EventService
from dinnerkit.ids import new_id
from dinnerkit.money import Money
from dinnerkit.testing import StandingClock, run_background, settings_for_tests
from tests.fire.dinners import HOST, host_dinner


@pytest.fixture
def kit(database_url: str, tmp_path: Path) -> Iterator[Kit]:
    with Kit.open(Settings(**settings_for_tests(database_url, tmp_path)), clock=StandingClock()) as kit:
        yield kit


@pytest.fixture
def ada(kit: Kit) -> str:
    [user] = kit.service(AccountService).import_users([NewUser(email="ada@example.org", name="Ada")])
    return user


@pytest.fixture
def booking(kit: Kit, ada: str) -> Booking:
    return kit.service(BookingService).reserve(ada, host_dinner(kit, seats=4), 2, booking_id=new_id())


def read(text: bytes) -> tuple[str, Any]:
    """The method of a calendar file, and its one entry."""
    calendar = icalendar.Calendar.from_ical(text)
    [entry] = calendar.walk("VEVENT")
    return str(calendar["METHOD"]), entry


def entry_of(kit: Kit, booking: Booking) -> tuple[str, Any]:
    return read(kit.service(BookingCalendar).of_guest(booking.user, booking.id))


def test_an_entry_says_what_when_and_where(kit: Kit, booking: Booking) -> None:
    method, entry = entry_of(kit, booking)
    starts_at = booking.about["starts_at"]
    assert (method, str(entry["STATUS"])) == ("PUBLISH", "TENTATIVE")
    assert (entry["DTSTART"].dt, entry["DTEND"].dt, entry["DTSTAMP"].dt) == (starts_at, starts_at + DINNER_LENGTH, kit.clock())
    assert str(entry["SUMMARY"]) == "Dumplings"
    assert str(entry["LOCATION"]) == "Bahnwärter Thiel, Tumblingerstraße 45, München"
    assert str(entry["DESCRIPTION"]) == "2 guests"
    assert str(entry["URL"]).endswith(f"/bookings/{booking.id}")


def test_the_uid_stays_and_the_sequence_rises_with_every_step_and_change(kit: Kit, booking: Booking) -> None:
    entries = [entry_of(kit, booking)[1]]
    kit.service(PayingService).pay(booking.user, booking.id, "pm_card_visa", payment_id=new_id())
    entries.append(entry_of(kit, booking)[1])
    kit.service(EventService).update(HOST, booking.event, {"title": "Dumplings and tea"})
    entries.append(entry_of(kit, booking)[1])
    kit.service(BookingService).cancel(booking.user, booking.id)
    method, last = entry_of(kit, booking)
    entries.append(last)

    assert {str(entry["UID"]) for entry in entries} == {f"{booking.id}@dinnerkit"}
    sequences = [int(entry["SEQUENCE"]) for entry in entries]
    assert sequences == sorted(set(sequences))
    assert [str(entry["STATUS"]) for entry in entries] == ["TENTATIVE", "CONFIRMED", "CONFIRMED", "CANCELLED"]
    assert str(entries[2]["SUMMARY"]) == "Dumplings and tea"
    assert method == "CANCEL"


def test_a_hold_that_ran_out_is_a_cancellation_and_a_late_payment_comes_after_it(kit: Kit, booking: Booking) -> None:
    kit.clock.advance(minutes=11)  # type: ignore[attr-defined]
    method, expired = entry_of(kit, booking)
    assert (method, str(expired["STATUS"])) == ("CANCEL", "CANCELLED")
    kit.service(EventService).cancel(HOST, booking.event)
    assert int(entry_of(kit, booking)[1]["SEQUENCE"]) > int(expired["SEQUENCE"])


def test_a_dinner_that_was_called_off_is_a_cancellation_at_once(kit: Kit, booking: Booking) -> None:
    kit.service(EventService).cancel(HOST, booking.event)
    assert entry_of(kit, booking)[0] == "CANCEL"


def test_another_guests_booking_has_no_entry(kit: Kit, booking: Booking) -> None:
    with pytest.raises(NoSuchBooking):
        kit.service(BookingCalendar).of_guest("somebody else", booking.id)


def test_a_title_can_not_smuggle_in_lines(kit: Kit, booking: Booking) -> None:
    kit.service(EventService).update(HOST, booking.event, {"title": "Soup; BEGIN:VALARM, \\n and more"})
    text = kit.service(BookingCalendar).of_guest(booking.user, booking.id)
    assert b"SUMMARY:Soup\\; BEGIN:VALARM\\, \\\\n and more\r\n" in text
    assert read(text)[1].subcomponents == []


def test_the_mails_about_a_booking_bring_its_entry(kit: Kit, ada: str, tmp_path: Path) -> None:
    event = host_dinner(kit, seats=4, price=Money(0, "EUR"))
    booking = kit.service(BookingService).reserve(ada, event, 1, booking_id=new_id())
    run_background(kit)
    kit.clock.advance(hours=1)  # type: ignore[attr-defined]
    kit.service(BookingService).cancel(ada, booking.id)
    run_background(kit)

    mails = [cast("EmailMessage", message_from_bytes(path.read_bytes(), policy=default)) for path in (tmp_path / "mail").iterdir()]
    parts = [part for mail in mails for part in mail.iter_attachments()]

    assert sorted(str(part["Content-Type"].params["method"]) for part in parts) == ["CANCEL", "PUBLISH"]
    assert {(read(part.get_content().encode())[0], part["Content-Type"].params["method"]) for part in parts} == {
        ("CANCEL", "CANCEL"),
        ("PUBLISH", "PUBLISH"),
    }
