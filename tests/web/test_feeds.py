"""The page and the address of a host's calendar."""

from __future__ import annotations

from collections.abc import Callable

from dinnerkit.accounts.rules import User
from tests.web.browser import Browser
from tests.web.conftest import World

Browse = Callable[..., Browser]


def address(browser: Browser) -> str:
    return browser.html.split('value="http://localhost')[1].split('"')[0]


def test_a_host_makes_an_address_which_a_calendar_reads_until_it_is_made_worthless(browse: Browse, world: World, host: User) -> None:
    world.event(host)
    browser = browse(host)
    browser.open("/hosting")
    browser.send("Make the address")
    reader, url = browse().client, address(browser)

    first = reader.get(url)
    again = reader.get(url, headers={"If-None-Match": first.headers["ETag"]})
    api = reader.get(f"/v1{url}")
    assert (first.status_code, first.mimetype, again.status_code, again.data) == (200, "text/calendar", 304, b"")
    assert "Supper by the river (0 of 12)" in first.text
    assert (api.status_code, api.data) == (200, first.data)
    assert "private" in first.headers["Cache-Control"]

    browser.send("Make this address worthless")
    assert reader.get(url).status_code == reader.get(f"/v1{url}").status_code == 404
    browser.send("Make the address")
    assert address(browser) != url
