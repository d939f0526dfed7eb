"""The door."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dinnerkit import Kit, Settings
from dinnerkit.accounts.service import AccountService, NewUser
from dinnerkit.booking.checking_in import CheckIn
from dinnerkit.booking.errors import AlreadyCheckedIn, AlreadyConfirmed, BookingNotConfirmed, NoSuchBooking, NoSuchTicket, TooLateToCancel
from dinnerkit.booking.paying import PayingService
from dinnerkit.booking.service import BookingService
from dinnerkit.booking.store import Booking, BookingStore
from dinnerkit.booking.tickets import LONGEST_TICKET, drawn
from dinnerkit.events.errors import NotTheHost
from dinnerkit.events.seats import Seats
from dinnerkit.events.service import EventService
from dinnerkit.identity import Principal, Role
from dinnerkit.ids import new_id
from dinnerkit.testing import StandingClock, run_background, settings_for_tests
from tests.fire.dinners import HOST, PRICE, host_dinner


@pytest.fixture
def kit(database_url: str, tmp_path: Path) -> Iterator[Kit]:
    with Kit.open(Settings(**settings_for_tests(database_url, tmp_path)), clock=StandingClock()) as kit:
        yield kit


@pytest.fixture
def door(kit: Kit) -> CheckIn:
    return kit.service(CheckIn)


def booked(kit: Kit, event: str, *, paid: bool = True) -> Booking:
    [user] = kit.service(AccountService).import_users([NewUser(email=f"{new_id()}@example.org", name="Ada Lovelace")])
    booking = kit.service(BookingService).reserve(user, event, 2, booking_id=new_id())
    return kit.service(PayingService).pay(user, booking.id, "pm_card_visa", payment_id=new_id()).booking if paid else booking


def test_a_ticket_lets_its_guests_in_once_and_says_since_when(kit: Kit, door: CheckIn) -> None:
    booking = booked(kit, host_dinner(kit, seats=4))
    ticket = door.ticket(booking.user, booking.id)

    arrival = door.check_in(HOST, booking.event, f" {ticket.lower()}\n")
    came = kit.clock()
    kit.clock.advance(minutes=5)  # type: ignore[attr-defined]
    with pytest.raises(AlreadyCheckedIn) as again:
        door.check_in(HOST, booking.event, ticket)

    assert (arrival.name, arrival.booking.guests, arrival.booking.status, arrival.booking.checked_in_at) == (
        "Ada Lovelace",
        2,
        "checked_in",
        came,
    )
    assert again.value.details == {"checked_in_at": "2026-11-01T12:00:00Z"}
    assert len(ticket) <= LONGEST_TICKET


def test_a_ticket_of_another_event_or_of_nobody_is_none(kit: Kit, door: CheckIn) -> None:
    booking = booked(kit, host_dinner(kit, seats=4))
    elsewhere = host_dinner(kit, seats=4)
    ticket = door.ticket(booking.user, booking.id)
    for event, shown in (
        (elsewhere, ticket),
        (booking.event, ticket[:-1]),
        (booking.event, f"{ticket[:-1]}{'A' if ticket[-1] != 'A' else 'B'}"),
        (booking.event, booking.id),
        (booking.event, f"{new_id()}.{ticket.partition('.')[2]}"),
        (booking.event, ""),
        (booking.event, "ſ\N{KELVIN SIGN}.\0"),
    ):
        with pytest.raises(NoSuchTicket):
            door.check_in(HOST, event, shown)


def test_a_ticket_is_worth_nothing_to_whom_the_seats_belonged_before(kit: Kit, door: CheckIn) -> None:
    booking = booked(kit, host_dinner(kit, seats=4))
    ticket = door.ticket(booking.user, booking.id)
    kit.database["bookings"].update_one({"_id": booking.id}, {"$set": {"user": "somebody else"}})
    with pytest.raises(NoSuchTicket):
        door.check_in(HOST, booking.event, ticket)


def test_what_is_not_confirmed_has_no_ticket_and_is_not_let_in(kit: Kit, door: CheckIn) -> None:
    event = host_dinner(kit, seats=8)
    held, gone = booked(kit, event, paid=False), booked(kit, event)
    ticket = door.ticket(gone.user, gone.id)
    kit.service(BookingService).cancel(gone.user, gone.id)
    for booking in (held, gone):
        with pytest.raises(BookingNotConfirmed):
            door.ticket(booking.user, booking.id)
    with pytest.raises(BookingNotConfirmed) as refused:
        door.check_in(HOST, event, ticket)
    assert refused.value.details == {"booking_status": "cancelled"}


def test_only_the_host_and_admins_keep_the_door(kit: Kit, door: CheckIn) -> None:
    booking = booked(kit, host_dinner(kit, seats=4))
    ticket = door.ticket(booking.user, booking.id)
    other = Principal("other", Role.HOST)
    with pytest.raises(NotTheHost):
        door.check_in(other, booking.event, ticket)
    with pytest.raises(NotTheHost):
        door.arrivals(other, booking.event)
    with pytest.raises(NoSuchBooking):
        door.ticket("other", booking.id)
    assert door.check_in(Principal("admin", Role.ADMIN), booking.event, ticket).booking.status == "checked_in"


def test_a_door_without_a_connection_knows_true_tickets_and_tells_later(kit: Kit, door: CheckIn) -> None:
    event = host_dinner(kit, seats=8)
    first, second, _held = booked(kit, event), booked(kit, event), booked(kit, event, paid=False)
    tickets = [door.ticket(booking.user, booking.id) for booking in (first, second)]
    known = {arrival.ticket_digest: arrival.booking.id for arrival in door.arrivals(HOST, event)}
    assert [known[hashlib.sha256(ticket.encode()).hexdigest()] for ticket in tickets] == [first.id, second.id]
    assert len(known) == 2

    scanned = kit.clock()
    kit.clock.advance(hours=2)  # type: ignore[attr-defined]
    assert door.check_in(HOST, event, tickets[0], at=scanned).booking.checked_in_at == scanned
    fast = kit.clock() + timedelta(hours=1)
    assert door.check_in(HOST, event, tickets[1], at=fast).booking.checked_in_at == kit.clock()
    assert [arrival.booking.status for arrival in door.arrivals(HOST, event)] == ["checked_in", "checked_in"]


def test_who_is_in_keeps_the_seats_and_can_neither_cancel_nor_pay_again(kit: Kit, door: CheckIn) -> None:
    booking = booked(kit, host_dinner(kit, seats=2))
    door.check_in(HOST, booking.event, door.ticket(booking.user, booking.id))
    with pytest.raises(TooLateToCancel):
        kit.service(BookingService).cancel(booking.user, booking.id)
    with pytest.raises(AlreadyConfirmed):
        kit.service(PayingService).pay(booking.user, booking.id, "pm_card_visa", payment_id=new_id())
    kit.clock.advance(days=1)  # type: ignore[attr-defined]
    run_background(kit)
    assert kit.service(Seats).facts(booking.event).seats_left == 0
    assert kit.service(BookingService).live(booking.user, booking.event) is not None


def test_a_dinner_called_off_gives_those_who_are_in_their_money_back(kit: Kit, door: CheckIn) -> None:
    booking = booked(kit, host_dinner(kit, seats=4))
    door.check_in(HOST, booking.event, door.ticket(booking.user, booking.id))
    late = booked(kit, booking.event)
    ticket = door.ticket(late.user, late.id)
    kit.service(EventService).cancel(HOST, booking.event)
    with pytest.raises(BookingNotConfirmed):
        door.check_in(HOST, booking.event, ticket)
    run_background(kit)
    after = kit.service(BookingStore).find(booking.id)
    assert after is not None
    assert (after.status, after.refund) == ("cancelled", PRICE * 2)


def test_a_webhook_that_comes_after_the_guests_changes_nothing(kit: Kit, door: CheckIn) -> None:
    booking = booked(kit, host_dinner(kit, seats=2))
    door.check_in(HOST, booking.event, door.ticket(booking.user, booking.id))
    assert booking.payment is not None
    assert kit.service(PayingService).settle_again(booking.payment)
    run_background(kit)
    after = kit.service(BookingStore).find(booking.id)
    assert after is not None
    assert after.status == "checked_in"


SVG = "{http://www.w3.org/2000/svg}"


def texts(picture: bytes, element: str) -> list[str]:
    return [found.text or "" for found in ElementTree.fromstring(picture).iter(f"{SVG}{element}")]  # noqa: S314 - our own


def test_the_picture_is_a_drawing_with_the_words_of_the_dinner(kit: Kit, door: CheckIn) -> None:
    booking = booked(kit, host_dinner(kit, seats=4))
    assert texts(door.picture(booking.user, booking.id), "text") == ["Dumplings", "Sun 22 Nov 2026, 13:00 · 2 guests"]


def test_of_a_long_title_as_much_is_on_the_picture_as_can_be_read() -> None:
    title = "A dinner by the sea, " + "Donaudampfschifffahrt" * 4
    [shown, _] = texts(drawn("TICKET", title, "below"), "text")
    assert shown.endswith("…")
    assert len(shown) == 48
    assert title.startswith(shown.removesuffix("…"))


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=120), st.text("ABCDEF234567.", min_size=1, max_size=LONGEST_TICKET))
def test_no_title_breaks_the_picture(title: str, ticket: str) -> None:
    assert texts(drawn(ticket, title, "below"), "title") == [title]
