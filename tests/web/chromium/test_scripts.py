"""What pages gain where scripts run: each module of ours, in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from dinnerkit import Kit
from dinnerkit.accounts.rules import User
from dinnerkit.booking.paying import PayingService
from dinnerkit.booking.service import BookingService
from dinnerkit.clock import utcnow
from dinnerkit.events.rules import Format, TableSize
from dinnerkit.identity import Principal, Role
from dinnerkit.ids import new_id
from dinnerkit.matching.computing import SeatingWork
from dinnerkit.matching.service import SeatingService
from dinnerkit.money import Money
from dinnerkit.testing import run_background
from tests.services.chromium import let_go
from tests.web.conftest import World

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

OpenPage = Callable[..., "Page"]
FREE = Money(0, "EUR")


def posts(page: Page) -> list[str]:
    """Fills with the addresses that forms are sent to."""
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    return sent


@pytest.mark.parametrize("path", ["/", "/login", "/register"])
def test_a_page_for_everybody_runs_without_a_fault(open_page: OpenPage, path: str) -> None:
    page = open_page()
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.goto(path)
    assert page.locator("h1").count() == 1
    assert faults == []


def test_the_time_left_runs_down_and_when_it_is_over_the_page_is_read_anew(open_page: OpenPage, world: World, host: User) -> None:
    guest = world.user()
    booking = world.booked(guest.id, world.event(host))
    page = open_page(guest)
    page.clock.install(time=utcnow())
    page.goto(f"/bookings/{booking}")
    left = page.locator("time[data-countdown]")
    page.clock.run_for(61_000)
    assert left.inner_text().startswith("8:")
    with page.expect_navigation(url=f"**/bookings/{booking}"):
        page.clock.fast_forward(600_000)


def test_a_second_click_sends_a_form_no_second_time(open_page: OpenPage, world: World, host: User, kit: Kit) -> None:
    guest, event = world.user(), world.event(host)
    page = open_page(guest)
    page.goto(f"/events/{event}")
    sent = posts(page)
    button = page.get_by_role("button", name="Hold my seats")
    with page.expect_navigation(url="**/bookings/**"):
        button.evaluate("(button) => { button.click(); button.click(); }")
    assert len(sent) == 1
    assert len(kit.service(BookingService).page(guest.id, limit=5)) == 1

    page.go_back()  # and the form works again
    page.goto(f"/events/{event}")
    page.get_by_role("link", name="My bookings").click()
    page.get_by_role("heading", name="My bookings").wait_for()


def test_a_form_that_was_stopped_in_the_browser_can_be_sent_again(open_page: OpenPage, world: World, host: User) -> None:
    page = open_page(world.user())
    page.goto(f"/events/{world.event(host)}")
    held: list[Route] = []
    page.route("**/*", lambda route: held.append(route) if route.request.method == "POST" else route.continue_())
    # What the browser's button does, once the request is on its way.
    page.evaluate("navigation.addEventListener('navigate', () => setTimeout(() => stop(globalThis.stopped = true), 300), { once: true })")
    page.get_by_role("button", name="Hold my seats").click()
    page.wait_for_function("() => globalThis.stopped")
    page.unroute("**/*")
    let_go(held)
    page.get_by_role("button", name="Hold my seats").click()
    page.get_by_role("heading", name="Pay").wait_for()


def test_a_form_of_which_nothing_comes_can_be_sent_again_after_a_while(open_page: OpenPage, world: World, host: User) -> None:
    page = open_page(world.user())
    page.clock.install()
    page.goto(f"/events/{world.event(host)}")
    sent = "() => document.querySelectorAll('form[data-sent]').length"
    page.evaluate("() => document.addEventListener('submit', (event) => event.preventDefault())")
    page.get_by_role("button", name="Hold my seats").click()
    assert page.evaluate(sent) == 1
    page.clock.fast_forward(29_000)
    assert page.evaluate(sent) == 1
    page.clock.fast_forward(2_000)
    assert page.evaluate(sent) == 0


def test_after_a_problem_reading_goes_on_there(open_page: OpenPage, world: World, host: User) -> None:
    page = open_page(world.user())
    page.goto(f"/events/{world.event(host)}")
    page.get_by_text("You have a voucher?").click()
    page.get_by_label("Its code").fill("NO-SUCH-CODE")
    page.get_by_role("button", name="Hold my seats").click()
    page.get_by_role("alert").wait_for()
    assert page.evaluate("document.activeElement.className") == "problems"


def test_answered_statements_are_counted(open_page: OpenPage, world: World) -> None:
    page = open_page(world.user())
    page.goto("/account/questionnaire")
    line = page.locator("[data-progress]")
    assert line.inner_text().strip() == "0 of 50"
    for statement in (0, 1, 0):
        page.locator("fieldset.statement").nth(statement).locator("input").nth(2).check(force=True)
    assert line.inner_text().strip() == "2 of 50"
    assert page.locator("progress").evaluate("(bar) => bar.value") == 2


def test_on_the_night_a_trait_is_picked_and_a_guest_is_found(open_page: OpenPage, world: World, host: User) -> None:
    event = world.seated_night(host, world.people(9), table_size=TableSize(3, 3))
    page = open_page(host)
    page.goto(f"/nights/{event}")
    picks = page.locator("button.pick")
    picks.first.click()
    assert [pick.get_attribute("aria-pressed") for pick in picks.all()] == ["true", "false", "false", "false", "false"]
    assert page.locator("[data-night]").get_attribute("data-picked") == picks.first.get_attribute("data-trait")
    picks.first.click()
    assert page.locator("[data-night]").get_attribute("data-picked") is None

    find = page.get_by_label("Find a guest")
    find.fill("name3")
    page.get_by_text("At one table").wait_for()
    assert page.locator(".sitting.aside-for-now").count() == 2
    find.fill("nobody")
    page.get_by_text("Nobody of that name").wait_for()
    find.fill("")
    assert page.locator(".sitting.aside-for-now").count() == 0


def test_tables_that_are_made_show_by_themselves(open_page: OpenPage, world: World, host: User, kit: Kit) -> None:
    event = world.event(host, format=Format.MATCH_NIGHT, price=FREE, table_size=TableSize(3, 3))
    for guest in world.people(6):
        world.booked(guest, event)
    seating = kit.service(SeatingService).request(Principal(host.id, Role.HOST), event, seating_id=new_id())
    page = open_page(host)
    page.goto(f"/hosting/{event}")
    page.get_by_text("The tables are being made.").wait_for()
    page.evaluate("globalThis.same = true")
    kit.service(SeatingWork).compute(seating.id)
    page.get_by_role("link", name="Look at the tables").wait_for()
    assert page.evaluate("globalThis.same") is True  # the page itself was not loaded anew


def test_seats_that_somebody_takes_are_gone_from_the_page_at_once(open_page: OpenPage, world: World, host: User) -> None:
    event = world.event(host, price=FREE, seats=12)
    page = open_page(world.user())
    page.goto(f"/events/{event}")
    part = page.locator("#seats-left")
    page.locator("#seats-left[data-told=yes]").wait_for()
    assert part.get_attribute("data-seats") == "12"
    world.booked(world.user().id, event, 5)
    page.locator("#seats-left[data-seats='7']").wait_for()


def test_a_booking_that_is_cancelled_elsewhere_says_so(open_page: OpenPage, world: World, host: User, kit: Kit) -> None:
    guest = world.user()
    booking = world.booked(guest.id, world.event(host, price=FREE))
    page = open_page(guest)
    page.goto(f"/bookings/{booking}")
    page.locator("#status[data-told=yes]").wait_for()
    kit.service(BookingService).cancel(guest.id, booking)
    run_background(kit)
    page.locator("#status").get_by_text("Cancelled").wait_for()
    page.get_by_text("You cancelled it.").wait_for()


def test_a_payment_that_comes_by_another_way_takes_the_form_to_pay_away(open_page: OpenPage, world: World, host: User, kit: Kit) -> None:
    guest = world.user()
    booking = world.booked(guest.id, world.event(host))
    page = open_page(guest)
    page.goto(f"/bookings/{booking}")
    page.locator("#status[data-told=yes]").wait_for()
    page.get_by_role("button", name="Pay €35").wait_for()
    kit.service(PayingService).pay(guest.id, booking, "pm_card_visa", payment_id=new_id())
    run_background(kit)
    page.locator("#status").get_by_text("Confirmed").wait_for()
    assert page.get_by_role("button", name="Pay €35").count() == 0
