"""Every action on a booking in every state: what is done, and with which code the rest is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from flask.testing import FlaskClient

from dinnerkit import Kit
from dinnerkit.accounts.secrecy import Keys
from dinnerkit.booking.checking_in import CheckIn
from dinnerkit.booking.paying import PayingService
from dinnerkit.booking.rules import STATUSES, TRANSITIONS
from dinnerkit.booking.service import BookingService
from dinnerkit.booking.store import Booking, BookingStore
from dinnerkit.booking.tickets import Tickets
from dinnerkit.booking.waiting import WaitingList
from dinnerkit.identity import Role
from dinnerkit.ids import new_id
from dinnerkit.money import Money
from dinnerkit.secret_key import secret_key
from tests.fire.dinners import HOST, host_dinner

Answer = tuple[int, str]

DONE = (200, "")
GOES_ON = (202, "")
PAY = (409, "payment_needed")
NO_SEATS_YET = (409, "still_waiting")
EXPIRED, CANCELLED, TRANSFERRED = (409, "hold_expired"), (409, "booking_cancelled"), (409, "booking_transferred")
CONFIRMED, UNCONFIRMED = (409, "already_confirmed"), (409, "not_confirmed")
IN_ALREADY, NOT_BEGUN, TOO_LATE = (409, "already_checked_in"), (409, "not_begun"), (409, "too_late_to_cancel")


def answers(**codes: Answer) -> Mapping[str, Answer]:
    """One row of the table."""
    return codes


TABLE: Mapping[str, Mapping[str, Answer]] = {
    "waitlisted": answers(
        pay=NO_SEATS_YET, authenticate=NO_SEATS_YET, accept=NO_SEATS_YET, cancel=DONE, ticket=UNCONFIRMED, come=UNCONFIRMED
    ),
    "offered": answers(pay=DONE, authenticate=GOES_ON, accept=PAY, cancel=DONE, ticket=UNCONFIRMED, come=UNCONFIRMED),
    "held": answers(pay=DONE, authenticate=GOES_ON, accept=PAY, cancel=DONE, ticket=UNCONFIRMED, come=UNCONFIRMED),
    "action_required": answers(pay=DONE, authenticate=GOES_ON, accept=PAY, cancel=DONE, ticket=UNCONFIRMED, come=UNCONFIRMED),
    "confirmed": answers(pay=CONFIRMED, authenticate=CONFIRMED, accept=CONFIRMED, cancel=DONE, ticket=DONE, come=DONE),
    "seated": answers(pay=CONFIRMED, authenticate=CONFIRMED, accept=CONFIRMED, cancel=DONE, ticket=DONE, come=DONE),
    "checked_in": answers(pay=CONFIRMED, authenticate=CONFIRMED, accept=CONFIRMED, cancel=TOO_LATE, ticket=DONE, come=IN_ALREADY),
    "no_show": answers(pay=CONFIRMED, authenticate=CONFIRMED, accept=CONFIRMED, cancel=TOO_LATE, ticket=DONE, come=DONE),
    "expired": answers(pay=EXPIRED, authenticate=EXPIRED, accept=EXPIRED, cancel=EXPIRED, ticket=UNCONFIRMED, come=UNCONFIRMED),
    "cancelled": answers(pay=CANCELLED, authenticate=CANCELLED, accept=CANCELLED, cancel=DONE, ticket=UNCONFIRMED, come=UNCONFIRMED),
    "transferred": answers(
        pay=TRANSFERRED, authenticate=TRANSFERRED, accept=TRANSFERRED, cancel=TRANSFERRED, ticket=UNCONFIRMED, come=UNCONFIRMED
    ),
}
"""The answer to each action. An action that was done already is done again, with the same answer."""

RESULTS = {"pay": "confirmed", "authenticate": "action_required", "cancel": "cancelled", "come": "checked_in"}


def test_every_state_has_its_row() -> None:
    assert TABLE.keys() == STATUSES


@pytest.mark.parametrize("status", sorted(STATUSES))
def test_an_action_moves_a_booking_where_it_may_or_is_refused_with_a_code(client: FlaskClient, kit: Kit, caller: Any, status: str) -> None:
    host = caller("door", Role.ADMIN)
    for number, (action, expected) in enumerate(TABLE[status].items()):
        guest = caller(f"guest{number}")
        booking = in_state(kit, guest.id, status)
        answer = act(client, kit, booking, action, host.headers if action == "come" else guest.headers)
        code = "" if answer.status_code < 400 else answer.get_json()["code"]
        assert (answer.status_code, code) == expected, f"{action} on {status}"
        after = kit.service(BookingStore).find(booking.id)
        assert after
        assert after.status == (RESULTS.get(action, status) if answer.status_code < 400 else status)
        assert after.status == status or after.status in TRANSITIONS[status]


@pytest.mark.parametrize("status", sorted(STATUSES))
def test_a_host_notes_who_came_where_that_can_be(client: FlaskClient, kit: Kit, caller: Any, status: str) -> None:
    booking = in_state(kit, caller("guest").id, status)
    path = f"/v1/events/{booking.event}/check-in/{booking.id}"
    headers = caller("door", Role.ADMIN).headers
    early = client.put(path, json={"came": False}, headers=headers)
    came = [client.put(path, json={"came": True}, headers=headers) for _ in range(2)]
    settled = status in {"confirmed", "seated", "checked_in", "no_show"}
    assert (early.status_code, early.get_json()["code"]) == NOT_BEGUN, "nobody has missed what has not begun"
    assert [answer.status_code for answer in came] == ([200, 200] if settled else [409, 409])
    assert [answer.get_json().get("code", answer.get_json()["status"]) for answer in came] == (
        ["checked_in"] * 2 if settled else ["not_confirmed"] * 2
    )


def act(client: FlaskClient, kit: Kit, booking: Booking, action: str, headers: dict[str, str]) -> Any:
    own = f"/v1/bookings/{booking.id}"
    tickets = Tickets(Keys(secret_key(kit.settings)).derive("tickets"))
    actions: dict[str, Callable[[], Any]] = {
        "pay": lambda: client.post(f"{own}/pay", json={"payment_method": "pm_card_visa"}, headers=headers),
        "authenticate": lambda: client.post(f"{own}/pay", json={"payment_method": "pm_card_authenticationRequired"}, headers=headers),
        "accept": lambda: client.post(f"{own}/accept", headers=headers),
        "cancel": lambda: client.post(f"{own}/cancel", headers=headers),
        "ticket": lambda: client.get(f"{own}/ticket.svg", headers=headers),
        "come": lambda: client.post(f"/v1/events/{booking.event}/check-in", json={"ticket": tickets.of(booking)}, headers=headers),
    }
    return actions[action]()


def in_state(kit: Kit, user: str, status: str) -> Booking:
    """A booking that has come to a state, by the ways of guests where these are short."""
    store, bookings = kit.service(BookingStore), kit.service(BookingService)
    event = host_dinner(kit, seats=1, price=Money(3500, "EUR"))
    if status in {"waitlisted", "offered"}:
        first = bookings.reserve("zoe", event, 1, booking_id=new_id())
        from_list = new_id()
        kit.service(WaitingList).join(event, user, 1, entry_id=from_list)
        if status == "offered":
            bookings.cancel("zoe", first.id)
        return found(store, from_list, status)
    booking = bookings.reserve(user, event, 1, booking_id=new_id())
    if status == "action_required":
        kit.service(PayingService).pay(user, booking.id, "pm_card_authenticationRequired", payment_id=new_id())
    if status in {"confirmed", "seated", "checked_in", "no_show", "transferred"}:
        booking = kit.service(PayingService).pay(user, booking.id, "pm_card_visa", payment_id=new_id()).booking
    match status:
        case "seated":
            store.seat(event, {booking.id})
        case "checked_in":
            kit.service(CheckIn).note(HOST, event, booking.id, came=True)
        case "no_show" | "transferred":
            store.move(booking, ("confirmed",), {"status": status})
        case "expired":
            store.move(booking, ("held",), {"status": "expired"})
        case "cancelled":
            bookings.cancel(user, booking.id)
    return found(store, booking.id, status)


def found(store: BookingStore, booking_id: str, status: str) -> Booking:
    booking = store.find(booking_id)
    assert booking
    assert booking.status == status
    return booking
