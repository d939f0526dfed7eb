from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from flask import Flask

from dinnerkit.accounts.rules import User
from dinnerkit.testing.proxy import Proxy, proxy
from tests.services.chromium import PATIENCE, chromium, served
from tests.web.browser import PASSWORD

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture(scope="module")
def site(app: Flask) -> Iterator[str]:
    """Where the pages are."""
    with served(app) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def line(site: str) -> Iterator[Proxy]:
    """What connects the browser with the pages."""
    with proxy(int(urlsplit(site).port or 0)) as connecting:
        yield connecting


@pytest.fixture
def open_page(browser: Browser, line: Proxy) -> Iterator[Callable[..., Page]]:
    """Gives a page in a browser profile of its own, signed in as that user; what goes wrong in its scripts fails the test."""
    contexts, said = [], []

    def open_page(user: User | None = None, **options: object) -> Page:
        context = browser.new_context(base_url=f"http://127.0.0.1:{line.port}", **options)  # type: ignore[arg-type]
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.on("pageerror", lambda error: said.append(str(error)))
        if user is not None:
            page.goto("/login")
            page.get_by_label("E-mail").fill(user.email)
            page.get_by_label("Password").fill(PASSWORD)
            page.get_by_role("button", name="Sign in").click()
            page.get_by_role("button", name="Sign out").wait_for()
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert said == []
