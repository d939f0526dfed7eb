"""Other people's bookings, the admins' page, and pages that need somebody."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dinnerkit import Kit
from dinnerkit.accounts.rules import User
from dinnerkit.clock import utcnow
from dinnerkit.delivery.service import DeliveryService
from dinnerkit.identity import Role
from tests.web.browser import Browser
from tests.web.conftest import World

Browse = Callable[..., Browser]


@pytest.mark.parametrize("page", ["", "/authenticate", "/cancel", "/transfer", "/voucher", "/companions", "/dinner.ics", "/ticket.svg"])
def test_another_s_booking_is_not_there(browse: Browse, world: World, host: User, page: str) -> None:
    booking_id = world.booked(world.user().id, world.event(host))

    for user in (world.user(), host, world.user(Role.ADMIN)):
        browser = browse(user)
        assert browser.open(f"/bookings/{booking_id}{page}").status_code == 404
        assert "Supper" not in browser.text


@pytest.mark.parametrize("verb", ["pay", "accept", "authenticate", "cancel", "voucher"])
def test_another_s_booking_can_t_be_touched(browse: Browse, world: World, host: User, kit: Kit, verb: str) -> None:
    booking_id = world.booked(world.user().id, world.event(host))
    browser = browse(world.user())
    form = browser.form("Sign out").values | {"payment_method": "pm_card_visa", "answer": "approve", "voucher": "SUMMER26"}

    assert browser.client.post(f"/bookings/{booking_id}/{verb}", data=form).status_code == 404
    assert kit.database.bookings.find_one({"_id": booking_id})["status"] == "held"


@pytest.mark.parametrize(
    "path",
    [
        "/bookings",
        "/bookings/06gzzzzzzzzzzzzzzzzzzzzz",
        "/account",
        "/account/questionnaire",
        "/hosting",
        "/hosting/statement.csv",
        "/hosting/earnings",
        "/admin/dead-letters",
    ],
)
def test_what_needs_somebody_leads_to_signing_in(browse: Browse, path: str) -> None:
    answer = browse().client.get(path)

    assert (answer.status_code, answer.location) == (303, f"/login?next={path}")


def test_what_needs_somebody_does_nothing_for_nobody(browse: Browse, world: World, host: User, kit: Kit) -> None:
    event_id = world.event(host)
    browser = browse()
    browser.open("/login")
    form = browser.form("Sign in").values

    answer = browser.client.post(f"/events/{event_id}/book", data=form | {"guests": "1"})

    assert (answer.status_code, answer.location) == (303, f"/login?next=/events/{event_id}")
    assert kit.database.bookings.count_documents({"event": event_id}) == 0


def test_a_draft_is_its_host_s_alone(browse: Browse, world: World, host: User) -> None:
    event_id = world.event(host, published=False)

    assert browse(host).open(f"/events/{event_id}").status_code == 200
    for user in (None, world.user(), world.user(Role.HOST)):
        assert browse(user).open(f"/events/{event_id}").status_code == 404


def test_an_admin_tries_dead_letters_again_or_forgets_them(browse: Browse, world: World, kit: Kit) -> None:
    kit.database.dead_letters.insert_many([_letter("letter:a"), _letter("letter:b")])
    browser = browse(world.user(Role.ADMIN))
    browser.follow("Dead letters")
    assert "2 letters." in browser.text
    assert "Unavailable: the mail server is gone" in browser.text

    browser.send("Try again")
    assert "It will be delivered again." in browser.text
    browser.send("Discard")
    assert "It is forgotten." in browser.text

    assert "None. Everything was delivered." in browser.text
    assert kit.service(DeliveryService).dead_letter_count() == 0
    assert kit.database.deliveries.count_documents({"_id": "letter:a", "state": "pending"}) == 1


@pytest.mark.parametrize("role", [Role.GUEST, Role.HOST])
def test_nobody_but_admins_touches_dead_letters(browse: Browse, world: World, kit: Kit, role: Role) -> None:
    kit.database.dead_letters.insert_one(_letter(f"letter:{role}"))
    browser = browse(world.user(role))
    form = browser.form("Sign out").values | {"letter": f"letter:{role}"}

    assert "Dead letters" not in browser.links
    assert browser.client.get("/admin/dead-letters").status_code == 403
    for verb in ("retry", "discard"):
        assert browser.client.post(f"/admin/dead-letters/{verb}", data=form).status_code == 403
    assert kit.database.dead_letters.find_one({"_id": f"letter:{role}"}) is not None


def test_a_letter_that_is_gone_is_not_there(browse: Browse, world: World) -> None:
    browser = browse(world.user(Role.ADMIN))
    form = browser.form("Sign out").values

    for letter in ("", "gone", "x" * 5000):
        assert browser.client.post("/admin/dead-letters/discard", data=form | {"letter": letter}).status_code == 404


def _letter(name: str) -> dict[str, Any]:
    return {
        "_id": name,
        "handler": "notifications.test",
        "queue": "emails",
        "kind": "test",
        "data": {},
        "attempts": 8,
        "error": "Unavailable: the mail server is gone",
        "created_at": utcnow(),
        "died_at": utcnow(),
    }
