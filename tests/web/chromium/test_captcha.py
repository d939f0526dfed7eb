"""The captcha in a real browser: the proof of work is done while the form is filled in, and a provider's widget is let in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dinnerkit import Kit, Settings, create_app
from dinnerkit.testing import settings_for_tests
from tests.services.chromium import PATIENCE, served
from tests.services.siteverify import Provider, provider
from tests.web.browser import PASSWORD

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FORM_AGAIN = "the server responded with a status of 422"

OpenPage = Callable[[str], "Page"]


@pytest.fixture
def page_with(browser: Browser, database_url: str, tmp_path: Path) -> Iterator[OpenPage]:
    """Gives the page to join on a site with that captcha, which spares nobody; what goes wrong in its scripts fails the test."""
    closing: list[Callable[[], object]] = []
    said: list[str] = []

    def page_with(captcha: str) -> Page:
        kit = Kit.open(Settings(**settings_for_tests(database_url, tmp_path, captcha=captcha, captcha_spared=0)))
        site = served(create_app(kit.settings, kit=kit))
        context = browser.new_context(base_url=site.__enter__())
        closing.extend((context.close, lambda: site.__exit__(None, None, None), kit.close))
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on(
            "console", lambda message: said.append(message.text) if message.type == "error" and FORM_AGAIN not in message.text else None
        )
        page.goto("/register")
        return page

    yield page_with
    for close in closing:
        close()
    assert said == []


@pytest.fixture
def turnstile() -> Iterator[Provider]:
    with provider() as running:
        yield running


def fill_in(page: Page) -> None:
    page.get_by_label("Your name").fill("Ann")
    page.get_by_label("E-mail").fill("ann@example.test")
    page.get_by_label("Password").fill(PASSWORD)


def test_the_work_is_done_meanwhile_and_a_form_that_is_sent_too_soon_waits_for_it(page_with: OpenPage) -> None:
    page = page_with("proof-of-work://")
    fill_in(page)
    page.get_by_role("button", name="Join").click()
    page.get_by_role("button", name="Sign out").wait_for()
    assert "Welcome!" in page.locator("body").inner_text()


def test_a_form_that_comes_back_asks_anew(page_with: OpenPage) -> None:
    page = page_with("proof-of-work://?cost=10&tries=4")
    fill_in(page)
    page.get_by_label("Password").fill("password123")
    page.get_by_role("button", name="Join").click()
    page.locator("#f-password-error").wait_for()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Join").click()
    page.get_by_role("button", name="Sign out").wait_for()


def test_the_widget_of_a_provider_is_answered(page_with: OpenPage, turnstile: Provider) -> None:
    script = f"http://127.0.0.1:{turnstile.port}/api.js?action=register%26name=turnstile"
    page = page_with(turnstile.url(script=script))
    fill_in(page)
    page.get_by_role("button", name="I am no robot").click()
    page.get_by_role("button", name="Join").click()
    page.get_by_role("button", name="Sign out").wait_for()
    assert turnstile.asked[-1]["secret"] == "hunter22-secret"


def test_a_widget_that_is_blocked_is_said_and_the_form_can_be_sent(page_with: OpenPage, turnstile: Provider) -> None:
    page = page_with(turnstile.url(script=f"http://127.0.0.1:{turnstile.port}/api.js"))
    page.context.route("**/api.js", lambda route: route.fulfill(status=200, content_type="text/javascript", body="0"))
    fill_in(page)
    page.get_by_text("The check for robots did not load").wait_for()
    page.get_by_role("button", name="Join").click()
    page.get_by_text("Show that you are no robot").first.wait_for()
