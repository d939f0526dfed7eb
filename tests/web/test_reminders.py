"""Reminders are stopped from a mail by one click, and chosen in the account."""

from __future__ import annotations

from collections.abc import Callable

from dinnerkit import Kit
from dinnerkit.accounts.people import People
from dinnerkit.accounts.recovery import RecoveryService
from dinnerkit.accounts.unsubscribing import Unsubscribing
from tests.web.browser import Browser
from tests.web.conftest import World

Browse = Callable[..., Browser]


def wants(kit: Kit, user_id: str) -> bool:
    found = kit.service(People).contact(user_id)
    assert found
    return found.reminders


def test_a_mail_program_stops_the_reminders_by_itself(browse: Browse, world: World, kit: Kit) -> None:
    user = world.user()
    link = f"/unsubscribe/{kit.service(Unsubscribing).token(user.id)}"
    client = browse().client
    headers = {"Sec-Fetch-Site": "cross-site"}
    assert client.get(link).status_code == 200
    assert wants(kit, user.id), "to look at a link changes nothing"
    for _ in range(2):
        assert client.post(link, data={"List-Unsubscribe": "One-Click"}, headers=headers).status_code == 200
    assert not wants(kit, user.id)


def test_a_guest_stops_them_by_the_link_and_takes_that_back_in_the_account(browse: Browse, world: World, kit: Kit) -> None:
    user = world.user()
    browser = browse()
    browser.open(f"/unsubscribe/{kit.service(Unsubscribing).token(user.id)}")
    browser.send("Stop the reminders")
    assert "No more reminders" in browser.text
    assert not wants(kit, user.id)

    browser = browse(user)
    browser.open("/account")
    assert "reminders" not in browser.form("Save").values
    browser.send("Save", reminders="on")
    assert wants(kit, user.id)
    browser.open("/account")
    assert browser.form("Save").values["reminders"] == "on"


def test_another_token_stops_nothing(browse: Browse, world: World, kit: Kit) -> None:
    user = world.user()
    token = kit.service(Unsubscribing).token(user.id)
    reset = kit.service(RecoveryService).reset_token(user.id)
    client = browse().client
    for wrong in (token[:-2], token + "x", reset, "x", "x" * 3000):
        for answer in (client.get(f"/unsubscribe/{wrong}"), client.post(f"/unsubscribe/{wrong}")):
            assert answer.status_code == 404
            assert wants(kit, user.id)


def test_a_form_elsewhere_still_needs_its_token(browse: Browse, world: World) -> None:
    browser = browse(world.user())
    assert browser.client.post("/account", data={"name": "Mallory"}).status_code == 403
