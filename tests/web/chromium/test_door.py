"""The door on a phone: with a connection, without one, and what is left on the phone afterwards."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask, Response
from pymongo.errors import ServerSelectionTimeoutError

from dinnerkit import Kit
from dinnerkit.accounts.page_sessions import PageSessions
from dinnerkit.accounts.rules import User
from dinnerkit.booking.checking_in import CheckIn
from dinnerkit.booking.store import BookingStore
from dinnerkit.clock import utcnow
from dinnerkit.identity import Role
from dinnerkit.money import Money
from dinnerkit.testing.proxy import Proxy
from dinnerkit.web.places import PAGES
from tests.services.chromium import PATIENCE
from tests.web.conftest import World

if TYPE_CHECKING:
    from playwright.sync_api import Page

OpenPage = Callable[..., "Page"]
COPIES = "() => caches.keys()"
KEPT = """async () => {
  const copies = await Promise.all((await caches.keys()).map((name) => caches.open(name)));
  return (await Promise.all(copies.map((copy) => copy.keys()))).flat().map(({url}) => new URL(url).pathname);
}"""
HAS_COPY = "async (path) => navigator.serviceWorker.controller && !!(await caches.match(path))"
KEEP = """async () => {
  const { keep } = await import(document.querySelector("script[src$='pages.js']").src.replace("pages.js", "door_copy.js"));
  await keep((await caches.keys())[0], location.pathname);
  return caches.keys();
}"""
NO_COPY = "async () => !(await caches.keys()).length"


class Dinner:
    def __init__(self, world: World, host: User) -> None:
        self.world, self.host = world, host
        self.event = world.event(host, price=Money(0, "EUR"))
        self.ada, self.bela = world.user(name="Ada Guest"), world.user(name="Béla Guest")
        self.adas, self.belas = world.booked(self.ada.id, self.event, 2), world.booked(self.bela.id, self.event)
        self.path = f"/hosting/{self.event}/door"

    def status(self, booking: str) -> str:
        found = self.world.kit.service(BookingStore).find(booking)
        assert found
        return found.status

    def ticket(self) -> str:
        return self.world.kit.service(CheckIn).ticket(self.ada.id, self.adas)


@pytest.fixture
def dinner(world: World, host: User) -> Dinner:
    return Dinner(world, host)


@pytest.fixture
def door(open_page: OpenPage, dinner: Dinner) -> Page:
    """The door's page, which has a copy of itself."""
    page = open_page(dinner.host)
    page.goto(dinner.path)
    until(page, HAS_COPY, dinner.path)
    return page


def until(page: Page, condition: str, given: object = None) -> None:
    """Wait for what a function says that has to wait itself; Playwright's own way takes its promise for a yes."""
    loop = f"""async (given) => {{
        const end = Date.now() + {PATIENCE};
        while (!(await ({condition})(given))) {{
            if (Date.now() > end) throw new Error("in vain");
            await new Promise((done) => setTimeout(done, 20));
        }}
    }}"""
    page.evaluate(loop, given)


def come_in(page: Page, name: str) -> None:
    page.get_by_role("button", name=f"{name} is in").click()


def in_words(page: Page) -> str:
    return page.locator(".lead").inner_text()


def wait_until_told(page: Page) -> None:
    until(page, "() => localStorage.length === 0")


def disconnect(page: Page, line: Proxy) -> None:
    """Take the connection away, and let the browser know; it alone forgets now and then that it shall ask nothing after a reload."""
    line.turn("refuses")
    page.context.set_offline(offline=True)


def connect(page: Page, line: Proxy) -> None:
    line.turn("well")
    page.context.set_offline(offline=False)


def test_a_tap_counts_at_once_and_is_told(door: Page, dinner: Dinner) -> None:
    come_in(door, "Ada Guest")
    wait_until_told(door)
    assert in_words(door) == "2 of 3 are in"
    assert dinner.status(dinner.adas) == "checked_in"


def test_with_the_keyboard_one_guest_is_let_in_after_another(door: Page, dinner: Dinner) -> None:
    door.get_by_role("button", name="Ada Guest is in").press("Enter")
    wait_until_told(door)
    door.wait_for_function("(booking) => document.activeElement.dataset.booking === booking", arg=dinner.adas)
    door.keyboard.press("Tab")
    door.keyboard.press("Enter")
    door.get_by_text("3 of 3 are in").wait_for()
    wait_until_told(door)
    assert dinner.status(dinner.belas) == "checked_in"


def test_a_ticket_is_typed(door: Page, dinner: Dinner) -> None:
    door.get_by_label("Ticket").fill(dinner.ticket().lower())
    door.keyboard.press("Enter")
    wait_until_told(door)
    assert dinner.status(dinner.adas) == "checked_in"
    door.get_by_label("Ticket").fill(dinner.ticket())
    door.keyboard.press("Enter")
    door.get_by_text("These guests are in already.").wait_for()


def test_a_name_is_found(door: Page) -> None:
    door.get_by_label("Find a name").fill("béla")
    assert door.locator(".door-list li:visible").count() == 1
    assert door.get_by_role("button", name="Béla Guest is in").is_visible()


def test_who_looks_for_a_name_that_nobody_has_is_told_so(door: Page) -> None:
    found = door.locator("[data-nobody]")
    door.get_by_label("Find a name").fill("zeno")
    assert found.text_content() == "Nobody here has that name."
    door.get_by_label("Find a name").fill("ada")
    assert found.text_content() == ""


def test_without_a_connection_the_page_opens_anew_and_loses_nothing(door: Page, dinner: Dinner, line: Proxy) -> None:
    come_in(door, "Béla Guest")
    wait_until_told(door)
    until(
        door, "async (path) => (await (await caches.match(path)).text()).includes('<strong data-arrived>1<')", dinner.path
    )  # the copy knows
    disconnect(door, line)
    come_in(door, "Ada Guest")
    door.get_by_text("No connection.").wait_for()

    door.reload()

    door.get_by_text("1 to be sent as soon as there is a connection.").wait_for()
    assert in_words(door) == "3 of 3 are in"
    assert door.locator(".door-list").evaluate("(list) => getComputedStyle(list.querySelector('li')).display") == "flex"  # it has its style
    assert dinner.status(dinner.adas) == "confirmed"
    connect(door, line)
    wait_until_told(door)
    assert dinner.status(dinner.adas) == "checked_in"


def test_without_a_connection_a_false_ticket_is_told_from_a_true_one(door: Page, dinner: Dinner, line: Proxy) -> None:
    disconnect(door, line)
    door.reload()
    door.get_by_label("Ticket").fill("NOT-A-TICKET")
    door.keyboard.press("Enter")
    door.get_by_text("This is not a ticket of the list that this phone has.").wait_for()
    door.get_by_label("Ticket").fill(dinner.ticket())
    door.keyboard.press("Enter")
    door.get_by_text("1 to be sent").wait_for()
    assert in_words(door) == "2 of 3 are in"


def test_a_server_that_is_broken_is_as_good_as_none(door: Page, dinner: Dinner, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr(CheckIn, "arrivals", broken)
    door.reload()
    assert in_words(door) == "0 of 3 are in"


def test_a_page_that_cant_tell_who_looks_at_it_leaves_the_copy(door: Page, dinner: Dinner, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: Any) -> None:
        raise ServerSelectionTimeoutError("unreachable on purpose")

    monkeypatch.setattr(PageSessions, "find", unreachable)
    door.evaluate("caches.open('dinnerkit-door:any:any:0')")  # is over, and the newest: the last that is forgotten
    answer = door.goto("/hosting")
    assert answer
    assert answer.status == 503
    until(door, "async () => !(await caches.has('dinnerkit-door:any:any:0'))")
    door.goto(dinner.path)
    assert in_words(door) == "0 of 3 are in"


@pytest.mark.parametrize(
    ("status", "stays"), [(401, False), (403, False), (404, False), (410, False), (400, True), (429, True), (503, True)]
)
def test_the_copy_goes_only_where_the_list_is_not_this_hosts_any_more(
    door: Page, dinner: Dinner, app: Flask, monkeypatch: pytest.MonkeyPatch, *, status: int, stays: bool
) -> None:
    monkeypatch.setitem(app.view_functions, f"{PAGES}.door.keep", lambda **_: Response("No.", status))
    assert bool(door.evaluate(KEEP)) == stays
    door.reload()
    assert door.get_by_text("0 of 3 are in").count() == stays
    assert bool(door.evaluate(COPIES)) == stays


def test_the_copy_has_the_door_and_its_files_and_no_other_page(door: Page, dinner: Dinner, line: Proxy) -> None:
    for path in (f"/hosting/{dinner.event}", "/hosting", "/bookings", dinner.path):
        door.goto(path)
    kept = door.evaluate(KEPT)
    assert {path for path in kept if "/assets/" not in path} == {dinner.path}
    assert {path.rpartition("/")[2] for path in kept if "/assets/" in path} >= {"door.js", "door_notes.js", "door.css", "base.css"}
    disconnect(door, line)
    assert door.evaluate("fetch('/hosting').then(() => 'answered', () => 'no connection')") == "no connection"


def test_who_signs_out_leaves_no_names_behind(door: Page, dinner: Dinner) -> None:
    door.get_by_role("button", name="Sign out").click()
    door.get_by_role("link", name="Sign in").wait_for()
    until(door, NO_COPY)
    door.goto(dinner.path)
    assert "/login" in door.url


def test_whoever_signs_in_next_does_not_find_another_hosts_list(door: Page, dinner: Dinner, open_page: OpenPage) -> None:
    stolen = door.evaluate(COPIES)
    door.context.clear_cookies()
    door.goto("/login")
    until(door, NO_COPY)
    assert dinner.host.id in stolen[0]


def test_when_the_session_is_over_the_copy_goes_with_the_next_look(door: Page, dinner: Dinner) -> None:
    door.context.clear_cookies()
    door.goto(dinner.path)
    assert "/login" in door.url
    until(door, NO_COPY)
    until(door, "async () => !(await navigator.serviceWorker.getRegistrations()).length")


def test_a_day_after_the_dinner_the_list_is_gone(door: Page, dinner: Dinner) -> None:
    later = (utcnow() + timedelta(days=12)).timestamp() * 1000
    door.clock.install(time=later)
    door.goto("/hosting")
    until(door, NO_COPY)


def test_only_hosts_get_the_worker_and_it_reaches_one_door(open_page: OpenPage, world: World, dinner: Dinner, kit: Kit) -> None:
    page = open_page(dinner.host)
    answer = page.request.get(f"{dinner.path}/worker.js")
    assert answer.headers["service-worker-allowed"] == dinner.path
    assert answer.headers["cache-control"] == "no-cache"
    stranger = open_page(world.user(Role.GUEST))
    assert stranger.request.get(f"{dinner.path}/worker.js").status == 403
