"""The id that a form hides comes from whoever sends it: for anything but what it was shown for, it is worth no more than a new one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dinnerkit import Kit
from dinnerkit.accounts.rules import User
from dinnerkit.booking.service import BookingService
from dinnerkit.events.rules import TableSize
from dinnerkit.ids import id_at, made_at, new_id
from dinnerkit.money import Money
from dinnerkit.web.forms import OPERATION_FIELD
from tests.web.browser import Browser
from tests.web.conftest import World

Browse = Callable[..., Browser]


class Guest:
    """A guest whose every form has one hidden id, and what they come to have."""

    def __init__(self, kit: Kit, browser: Browser, user: User) -> None:
        self._kit, self._browser, self._user = kit, browser, user
        self._browser.open("/")
        self.always = {OPERATION_FIELD: new_id()}

    def send(self, path: str, button: str, **values: Any) -> None:
        self._browser.open(path)
        self._browser.send(button, **values | self.always)

    def bookings(self) -> dict[str, tuple[str, int]]:
        """The status and party of each of the guest's bookings, by event."""
        found = self._kit.service(BookingService).page(self._user.id, limit=10)
        return {booking.event: (booking.status, booking.guests) for booking in found}

    def ids(self) -> dict[str, str]:
        return {booking.event: booking.id for booking in self._kit.service(BookingService).page(self._user.id, limit=10)}

    def payments(self) -> list[str]:
        """What each payment that succeeded was for."""
        return [row["reference"] for row in self._kit.database.payments.find({"user": self._user.id, "status": "succeeded"})]

    def newest_payment(self) -> str:
        row = self._kit.database.payments.find_one({"user": self._user.id}, sort=[("created_at", -1)])
        assert row
        return str(row["_id"])


@pytest.fixture
def guest(kit: Kit, browse: Browse, world: World) -> Guest:
    user = world.user()
    return Guest(kit, browse(user), user)


@pytest.mark.parametrize("other_price", [3500, 1200, 0])
def test_one_id_books_and_pays_two_dinners_each_by_itself(guest: Guest, world: World, host: User, other_price: int) -> None:
    first, second = world.event(host), world.event(host, price=Money(other_price, "EUR"))
    guest.send(f"/events/{first}", "Hold my seats", guests=2)
    guest.send(f"/events/{second}", "Hold my seats" if other_price else "Book", guests=1)
    assert guest.bookings() == {first: ("held", 2), second: ("held" if other_price else "confirmed", 1)}

    ids = guest.ids()
    guest.send(f"/bookings/{ids[first]}", "Pay €70", payment_method="pm_card_visa")
    assert guest.bookings()[first] == ("confirmed", 2)
    assert guest.payments() == [ids[first]]
    if other_price:
        assert guest.bookings()[second] == ("held", 1)
        guest.send(f"/bookings/{ids[second]}", f"Pay €{other_price // 100}", payment_method="pm_card_visa")
        assert sorted(guest.payments()) == sorted(ids.values())
    assert guest.bookings() == {first: ("confirmed", 2), second: ("confirmed", 1)}


def test_one_id_of_a_place_in_line_and_of_a_booking_are_two(guest: Guest, world: World, host: User) -> None:
    full, free = world.event(host, seats=2, table_size=TableSize(1, 2)), world.event(host)
    world.booked(world.user().id, full, 2)
    guest.send(f"/events/{full}", "Join the waiting list", guests=1)
    guest.send(f"/events/{free}", "Hold my seats", guests=1)
    assert guest.bookings() == {full: ("waitlisted", 1), free: ("held", 1)}


def test_the_same_form_again_makes_nothing_more(guest: Guest, world: World, host: User) -> None:
    event = world.event(host)
    guest._browser.open(f"/events/{event}")
    for _ in range(2):
        answer = guest._browser.post("Hold my seats", guests=2, **guest.always)
        assert answer.headers["Location"].endswith(f"/bookings/{guest.ids()[event]}")
    assert guest.bookings() == {event: ("held", 2)}


def test_a_form_of_a_booking_that_was_cancelled_takes_no_seats(guest: Guest, world: World, host: User, kit: Kit) -> None:
    event = world.event(host)
    guest._browser.open(f"/events/{event}")
    form = guest._browser.form("Hold my seats")
    guest._browser.post("Hold my seats", guests=2, **guest.always)
    booking = guest.ids()[event]
    kit.service(BookingService).cancel(guest._user.id, booking)

    again = guest._browser.client.post(form.action, data=dict(form.values) | {"guests": "2"} | guest.always)
    assert again.status_code == 409
    assert guest.bookings() == {event: ("cancelled", 2)}
    [stored] = kit.database.events.find({"_id": event}, ("holds", "seats_left"))
    assert (stored["holds"], stored["seats_left"]) == ([], 12)


@pytest.mark.parametrize("days", [-2, 1, 400, None])
def test_what_a_form_makes_has_the_time_at_which_it_was_made(guest: Guest, world: World, host: User, days: int | None) -> None:
    now = datetime.now(UTC)
    sent = id_at(int((now + timedelta(days=days)).timestamp() * 1000), 1) if days is not None else "z" * 24
    guest.always = {OPERATION_FIELD: sent}
    event = world.event(host)
    guest.send(f"/events/{event}", "Hold my seats", guests=1)
    booking = guest.ids()[event]
    guest.send(f"/bookings/{booking}", "Pay €35", payment_method="pm_card_visa")
    assert guest.bookings() == {event: ("confirmed", 1)}
    for made in (booking, guest.newest_payment()):
        assert abs(made_at(made) - now) < timedelta(minutes=10)
