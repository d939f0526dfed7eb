"""A host sees what they have earned, and says where it goes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dinnerkit import Kit
from dinnerkit.accounts.rules import User
from dinnerkit.booking.paying import PayingService
from dinnerkit.clock import utcnow
from dinnerkit.identity import Role
from dinnerkit.ids import new_id
from dinnerkit.testing import run_background
from tests.web.browser import Browser
from tests.web.conftest import World

Browse = Callable[..., Browser]


def test_a_host_sees_what_is_owed_and_says_where_it_goes(browse: Browse, world: World, host: User, kit: Kit) -> None:
    guest = world.user()
    booking = world.booked(guest.id, world.event(host))
    kit.service(PayingService).pay(guest.id, booking, "pm_card_visa", payment_id=new_id())
    run_background(kit)
    browser = browse(host)
    browser.open("/hosting")
    browser.follow("Earnings")
    assert "not paid out yet." in browser.text
    browser.send("Say where my money goes", country="de")
    assert browser.links["Go to the payment service"].endswith("/hosting/earnings")
    browser.open("/hosting/earnings")
    assert "Your account is ready." in browser.text
    assert browser.client.get(browser.links["Statement"]).mimetype == "text/csv"


def test_what_was_paid_out_is_listed(browse: Browse, host: User, kit: Kit) -> None:
    payout: dict[str, Any] = {
        "_id": "event:EUR:0",
        "payee": host.id,
        "occasion": "event",
        "currency": "EUR",
        "number": 0,
        "status": "failed",
        "amount": 4250,
        "created_at": utcnow(),
        "sent_at": utcnow(),
    }
    kit.database["payouts"].insert_one(payout)
    browser = browse(host)
    browser.open("/hosting/earnings")
    assert "€42.50" in browser.text
    assert "Came back" in browser.text


@pytest.mark.parametrize("country", ["", "Germany", "1"])
def test_what_is_no_country_is_said(browse: Browse, host: User, country: str) -> None:
    browser = browse(host)
    browser.open("/hosting/earnings")
    answer = browser.client.post("/hosting/earnings/account", data=browser.form("Say where my money goes").values | {"country": country})
    assert answer.status_code == 422
    assert "Nobody is paid in that country." in answer.text


def test_a_guest_earns_nothing(browse: Browse, world: World) -> None:
    assert browse(world.user(Role.GUEST)).open("/hosting/earnings").status_code == 403
