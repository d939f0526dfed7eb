"""Vouchers by forms: a host makes and stops them, a guest uses one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dinnerkit import Kit
from dinnerkit.accounts.rules import User
from dinnerkit.booking.service import BookingService
from dinnerkit.events.rules import TableSize
from dinnerkit.identity import Role
from dinnerkit.testing import run_background
from tests.web.browser import Browser
from tests.web.conftest import World
from tests.web.markup import faults

Browse = Callable[..., Browser]


def test_a_host_makes_one_a_guest_uses_it_and_the_host_stops_it(browse: Browse, world: World, host: User) -> None:
    event_id = world.event(host, title="Supper with a voucher")
    hosting = browse(host)
    hosting.open("/hosting")
    hosting.follow("Vouchers")
    hosting.send("Make the voucher", code="Winter 26", kind="amount", amount="10", event=event_id, max_uses="5")
    assert "Your voucher is made." in hosting.text
    assert "WINTER 26 €10 off for Supper with a voucher 0 of 5" in hosting.text
    assert faults(hosting.html) == []

    guest = browse(world.user())
    guest.open(f"/events/{event_id}")
    guest.send("Hold my seats", voucher="winter-26")
    assert "€25, €10 off by your voucher" in guest.text
    assert "Pay €25" in guest.buttons

    hosting.send("Stop")
    assert "Nobody can use that voucher any more." in hosting.text
    late = browse(world.user())
    late.open(f"/events/{event_id}")
    late.send("Hold my seats", voucher="winter-26")
    assert late.answer.status_code == 409
    assert "This voucher is not good at this time." in late.text
    assert late.form("Hold my seats").values["voucher"] == "winter-26"


def test_who_waits_uses_one_and_so_does_who_was_offered_seats(browse: Browse, world: World, host: User, kit: Kit) -> None:
    event_id = world.event(host, title="Supper for two", seats=2, table_size=TableSize(1, 2))
    hosting = browse(host)
    hosting.open("/hosting/vouchers")
    hosting.send("Make the voucher", code="TENOFF", kind="amount", amount="10")
    first = world.user()
    taken = world.booked(first.id, event_id, 2)

    users = world.user(), world.user()
    waits, other = (browse(user) for user in users)
    for user, browser, code in zip(users, (waits, other), ("tenoff", ""), strict=True):
        browser.open(f"/events/{event_id}")
        browser.send("Join the waiting list", guests=1, voucher=code)
        assert "number 1" in browser.text or "number 2" in browser.text
        [booking] = kit.service(BookingService).page(user.id, limit=2)
        browser.open(f"/bookings/{booking.id}")
    assert "€25, €10 off by your voucher" in waits.text
    waits.follow("Use another voucher")
    assert faults(waits.html) == []
    waits.send("Use it", voucher="nosuch")
    assert "There is no such voucher for this dinner." in waits.text

    kit.service(BookingService).cancel(first.id, taken)
    run_background(kit)
    other.open(other.path)
    assert "Pay €35" in other.buttons
    other.follow("Use a voucher")
    other.send("Use it", voucher=" ")
    assert "Type the code." in other.text
    other.send("Use it", voucher="ten off")
    assert "Your voucher is used." in other.text
    assert "Pay €25" in other.buttons
    assert "Use a voucher" not in other.links
    other.send("Pay €25", payment_method="pm_card_visa")
    assert "Confirmed" in other.text


def test_a_voucher_for_everything_confirms_at_once(browse: Browse, world: World, host: User) -> None:
    event_id = world.event(host)
    hosting = browse(host)
    hosting.open("/hosting/vouchers")
    hosting.send("Make the voucher", code="ONTHEHOUSE", kind="free")
    guest = browse(world.user())
    guest.open(f"/events/{event_id}")
    guest.send("Hold my seats", voucher="onthehouse")
    assert "Confirmed" in guest.text


@pytest.mark.parametrize(
    ("typed", "named"),
    [
        ({"code": "!!"}, "code"),
        ({"kind": "percent", "percent": "ten"}, "percent"),
        ({"kind": "percent", "percent": "101"}, "percent"),
        ({"kind": "amount", "amount": "-1"}, "amount"),
        ({"kind": "amount", "amount": "9e999999"}, "amount"),
        ({"kind": "everything"}, "kind"),
        ({"kind": ""}, "kind"),
        ({"event": "elsewhere"}, "event"),
        ({"max_uses": "0"}, "max_uses"),
        ({"per_guest": ""}, "per_guest"),
        ({"minimum": "much"}, "minimum"),
        ({"valid_until": "soon"}, "valid_until"),
        ({"valid_from": "2030-01-02T10:00", "valid_until": "2030-01-01T10:00"}, "valid_until"),
    ],
)
def test_what_makes_no_sense_is_shown_again_with_what_is_wrong(browse: Browse, host: User, typed: dict[str, str], named: str) -> None:
    browser = browse(host)
    browser.open("/hosting/vouchers")
    browser.send("Make the voucher", **({"kind": "free", "code": "GOODCODE"} | typed))
    assert browser.answer.status_code == 422
    assert f'href="#f-{named}"' in browser.html


def test_the_summary_calls_each_field_by_its_label(browse: Browse, host: User) -> None:
    browser = browse(host)
    browser.open("/hosting/vouchers")
    browser.send("Make the voucher", kind="percent", percent="ten", event="elsewhere", per_guest="one", code="GOODCODE")
    assert "Per cent: A whole number." in browser.links
    assert "Bookings of one guest: A whole number." in browser.links
    assert "For which dinner? Choose one of the list." in browser.links


def test_another_hosts_voucher_is_neither_seen_nor_stopped(browse: Browse, world: World, host: User, kit: Kit) -> None:
    event_id = world.event(host)
    own = browse(host)
    own.open("/hosting/vouchers")
    own.send("Make the voucher", code="MINEALONE", kind="free")
    voucher = kit.database.vouchers.find_one({"code": "MINEALONE"})["_id"]

    other = browse(world.user(Role.HOST))
    other.open("/hosting/vouchers")
    assert "MINEALONE" not in other.text
    form = other.form("Make the voucher").values
    assert other.client.post(f"/hosting/vouchers/{voucher}/stop", data=form).status_code == 404
    assert other.post("Make the voucher", kind="free", event=event_id).status_code == 404
    assert kit.database.vouchers.find_one({"_id": voucher}).get("stopped_at") is None


def test_vouchers_are_for_hosts(browse: Browse, world: World) -> None:
    assert browse(world.user()).open("/hosting/vouchers").status_code == 403
