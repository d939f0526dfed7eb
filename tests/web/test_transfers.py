"""Seats given to somebody else by forms: offered, taken by a link after joining, or taken back."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from dinnerkit import Kit
from dinnerkit.accounts.rules import User
from dinnerkit.booking.service import BookingService
from dinnerkit.booking.transferring import TransferService
from dinnerkit.money import Money
from tests.web.browser import PASSWORD, Browser
from tests.web.conftest import World
from tests.web.markup import faults

Browse = Callable[..., Browser]


@pytest.fixture
def booked(world: World, host: User) -> tuple[User, str]:
    """A guest, and the id of their booking of two seats that cost nothing."""
    guest = world.user(name="Gina Giver")
    return guest, world.booked(guest.id, world.event(host, price=Money(0, "EUR"), title="Supper to give away"), 2)


def link_of(kit: Kit, booking_id: str) -> str:
    booking = kit.database.bookings.find_one({"_id": booking_id})
    token = kit.service(TransferService).token(kit.service(BookingService).get(booking["user"], booking_id))
    return f"/transfers/{token}"


def test_a_friend_joins_by_the_link_and_takes_the_seats(browse: Browse, booked: tuple[User, str], kit: Kit) -> None:
    guest, booking_id = booked
    giving = browse(guest)
    giving.open(f"/bookings/{booking_id}")
    giving.follow("Give these seats to somebody else")
    assert faults(giving.html) == []
    giving.send("Send the offer", email="fred@example.test")
    assert "You keep your seats until it is taken." in giving.text
    assert "You offer these seats to fred@example.test." in giving.text

    friend = browse()
    friend.open(link_of(kit, booking_id))
    assert "Gina has a place for you" in friend.text
    assert faults(friend.html) == []
    friend.follow("Sign in to take them")
    friend.follow("Join")
    friend.send("Join", name="Fred Friend", email="fred@example.test", password=PASSWORD)
    friend.send("Take the seats")
    assert "Your seats are yours." in friend.text
    assert "Confirmed" in friend.text

    giving.open(f"/bookings/{booking_id}")
    assert "Given to somebody else" in giving.text
    assert giving.client.get(f"/bookings/{booking_id}/ticket.svg").status_code == 404


def test_the_answer_is_the_same_whoever_has_the_address(browse: Browse, world: World, booked: tuple[User, str]) -> None:
    guest, booking_id = booked
    pages = []
    for email in (world.user().email, "nobody@example.test"):
        browser = browse(guest)
        browser.open(f"/bookings/{booking_id}/transfer")
        browser.send("Send the offer", email=email)
        pages.append(re.sub(r"to \S+@\S+", "to somebody", browser.text))
    assert pages[0] == pages[1]


def test_another_address_can_not_take_them_and_an_offer_can_be_taken_back(
    browse: Browse, world: World, booked: tuple[User, str], kit: Kit
) -> None:
    guest, booking_id = booked
    giving = browse(guest)
    giving.open(f"/bookings/{booking_id}/transfer")
    giving.send("Send the offer", email="somebody@example.test")
    link = link_of(kit, booking_id)

    other = browse(world.user())
    other.open(link)
    other.send("Take the seats")
    assert other.answer.status_code == 403
    assert "another e-mail address" in other.text

    giving.open(f"/bookings/{booking_id}")
    giving.send("Take the offer back")
    assert "The offer is taken back." in giving.text
    assert other.open(link).status_code == 404
    assert "This offer is over" in other.text


@pytest.mark.parametrize("email", ["", "nobody", "a@b\r\nBcc: c@example.test"])
def test_what_is_no_address_is_shown_again(browse: Browse, booked: tuple[User, str], email: str) -> None:
    guest, booking_id = booked
    browser = browse(guest)
    browser.open(f"/bookings/{booking_id}/transfer")
    browser.send("Send the offer", email=email)
    assert browser.answer.status_code == 422
    assert 'href="#f-email"' in browser.html


def test_another_s_seats_are_not_there_to_give(browse: Browse, world: World, booked: tuple[User, str]) -> None:
    _, booking_id = booked
    other = browse(world.user())
    form = other.form("Sign out").values | {"email": "me@example.test"}
    assert other.open(f"/bookings/{booking_id}/transfer").status_code == 404
    for verb in ("transfer", "transfer/withdraw"):
        assert other.client.post(f"/bookings/{booking_id}/{verb}", data=form).status_code == 404


@pytest.mark.parametrize("token", ["nonsense", "a.b.c", "x" * 3000])
def test_a_link_that_is_none_of_ours_says_so(browse: Browse, token: str) -> None:
    assert browse().open(f"/transfers/{token}").status_code == 404


@pytest.mark.parametrize("signed_in", [False, True])
def test_a_link_that_is_cut_short_says_what_to_do(browse: Browse, world: World, *, signed_in: bool) -> None:
    browser = browse(world.user() if signed_in else None)
    browser.open("/transfers/a.b.c")
    assert "This link leads to no offer" in browser.text
    assert "ask whoever offered you the seats to send it again." in browser.text
    assert "token" not in browser.text
