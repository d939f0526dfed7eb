"""The door as a host keeps it: by names and by tickets, with a script and without."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from dinnerkit import Kit
from dinnerkit.accounts.rules import User
from dinnerkit.booking.checking_in import CheckIn
from dinnerkit.booking.store import BookingStore
from dinnerkit.clock import utcnow
from dinnerkit.identity import Role
from dinnerkit.money import Money
from tests.web.browser import Browser
from tests.web.conftest import World
from tests.web.markup import faults

Browse = Callable[..., Browser]
JSON = {"Accept": "application/json"}


@pytest.fixture
def dinner(world: World, host: User) -> tuple[str, User, str]:
    """A dinner, a guest of it, and that guest's booking."""
    event_id = world.event(host, price=Money(0, "EUR"))
    guest = world.user(name="Ada Guest")
    return event_id, guest, world.booked(guest.id, event_id, 2)


def status(kit: Kit, booking: str) -> str:
    found = kit.service(BookingStore).find(booking)
    assert found
    return found.status


def test_a_host_taps_a_name(browse: Browse, kit: Kit, host: User, dinner: tuple[str, User, str]) -> None:
    event_id, _, booking = dinner
    browser = browse(host)
    browser.open(f"/hosting/{event_id}")
    browser.follow("Keep the door with a phone")
    assert "Ada Guest" in browser.text
    assert "0 of 2 are in" in browser.text
    assert faults(browser.html) == []
    assert "camera=(self)" in browser.answer.headers["Permissions-Policy"]
    browser.send("Is in")
    assert "2 of 2 are in" in browser.text
    assert status(kit, booking) == "checked_in"


def test_a_host_types_a_ticket(browse: Browse, kit: Kit, host: User, dinner: tuple[str, User, str]) -> None:
    event_id, guest, booking = dinner
    browser = browse(host)
    browser.open(f"/hosting/{event_id}/door")
    browser.send("Check in", ticket="nonsense")
    assert (browser.answer.status_code, status(kit, booking)) == (404, "confirmed")
    browser.send("Check in", ticket=kit.service(CheckIn).ticket(guest.id, booking))
    assert "2 of 2 are in" in browser.text


def test_after_the_beginning_somebody_may_be_missed_and_come_all_the_same(
    browse: Browse, kit: Kit, host: User, dinner: tuple[str, User, str]
) -> None:
    event_id, _, booking = dinner
    begun = utcnow() - timedelta(hours=1)
    kit.database["events"].update_one({"_id": event_id}, {"$set": {"starts_at": begun}})
    browser = browse(host)
    browser.open(f"/hosting/{event_id}/door")
    browser.send("Is in")
    browser.send("Not here")
    assert status(kit, booking) == "no_show"
    browser.send("Is in")
    assert status(kit, booking) == "checked_in"


def test_a_phone_that_had_no_connection_tells_later_and_may_tell_twice(
    browse: Browse, kit: Kit, host: User, dinner: tuple[str, User, str]
) -> None:
    event_id, guest, booking = dinner
    browser = browse(host)
    browser.open(f"/hosting/{event_id}/door")
    csrf = browser.form("Check in").values["csrf"]
    at = utcnow() - timedelta(minutes=20)
    for shown in ({"booking": booking, "came": "yes"}, {"ticket": kit.service(CheckIn).ticket(guest.id, booking)}) * 2:
        answer = browser.client.post(f"/hosting/{event_id}/door", data={"csrf": csrf, "at": at.isoformat(), **shown}, headers=JSON)
        assert (answer.status_code, answer.get_json()["status"]) == (200, "checked_in")
    found = kit.service(BookingStore).find(booking)
    assert found
    assert found.checked_in_at == at.replace(microsecond=at.microsecond // 1000 * 1000)


def test_what_a_phone_tells_that_can_t_be_is_refused_with_a_code(
    browse: Browse, world: World, host: User, dinner: tuple[str, User, str]
) -> None:
    event_id, _, _ = dinner
    browser = browse(host)
    browser.open(f"/hosting/{event_id}/door")
    csrf = browser.form("Check in").values["csrf"]
    elsewhere = world.booked(world.user().id, world.event(host, price=Money(0, "EUR")))
    for wrong in ({"booking": elsewhere}, {"booking": "x"}, {}, {"ticket": "x" * 5000, "at": "yesterday"}):
        answer = browser.client.post(f"/hosting/{event_id}/door", data={"csrf": csrf, **wrong}, headers=JSON)
        assert (answer.status_code, answer.get_json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("role", [Role.GUEST, Role.HOST])
def test_the_door_is_its_host_s_alone(browse: Browse, world: World, kit: Kit, dinner: tuple[str, User, str], role: Role) -> None:
    event_id, _, booking = dinner
    browser = browse(world.user(role))
    csrf = browser.form("Sign out").values
    assert browser.client.get(f"/hosting/{event_id}/door").status_code == 403
    assert browser.client.post(f"/hosting/{event_id}/door", data=csrf | {"booking": booking}, headers=JSON).status_code == 403
    assert status(kit, booking) == "confirmed"
