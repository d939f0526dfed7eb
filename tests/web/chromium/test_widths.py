"""Nobody has to scroll sideways on a phone, whatever words others have typed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from flask import Flask

from dinnerkit.events.rules import Format, Location, TableSize, Venue
from dinnerkit.identity import Role
from tests.web.conftest import World

if TYPE_CHECKING:
    from playwright.sync_api import Page

PHONE = {"width": 360, "height": 740}
WORD = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbau"
"""One word that is wider than a phone."""


def addresses(app: Flask, **ids: str) -> list[str]:
    """Of each page about one of these, or about nothing."""
    with app.test_request_context():
        rules = [rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ()) and rule.arguments <= ids.keys()]
        paths = [app.url_for(rule.endpoint, **{name: ids[name] for name in rule.arguments}) for rule in rules]
    return sorted(
        path for path in paths if path.startswith("/") and not path.startswith(("/v1/", "/health/", "/metrics")) and "." not in path
    )


@pytest.mark.parametrize(("role", "name"), [(Role.GUEST, "Robin"), (Role.HOST, "Robin"), (Role.HOST, WORD)])
def test_the_navigation_of_guests_and_hosts_is_one_line_on_a_phone(
    role: Role, name: str, world: World, open_page: Callable[..., Page]
) -> None:
    page = open_page(world.user(role, name), viewport={"width": 375, "height": 740})
    links = page.get_by_role("navigation", name="Main").get_by_role("link")
    tops = links.evaluate_all("(all) => all.map((one) => one.getBoundingClientRect().top)")
    assert len(tops) == (3 if role is Role.GUEST else 4)
    assert max(tops) - min(tops) < 10
    site = page.get_by_role("banner").get_by_role("link").first.bounding_box()
    out = page.get_by_role("button", name="Sign out").bounding_box()
    assert site
    assert out
    assert site["x"] + site["width"] <= out["x"]
    assert out["y"] + out["height"] <= min(tops) + 1


def test_no_page_is_wider_than_a_phone_for_long_names_and_titles(app: Flask, world: World, open_page: Callable[..., Page]) -> None:
    host = world.user(Role.ADMIN, WORD)
    words = {"title": WORD * 2, "cuisine": WORD, "city": WORD, "description": WORD * 4, "tags": (WORD[:40],)}
    words |= {"venue": Venue(WORD, WORD * 2, Location(52.5, 13.4)), "table_size": TableSize(2, 4)}
    guests = [world.user(name=WORD + str(number)).id for number in range(4)]
    event = world.seated_night(host, [host.id, *guests], **words)
    booking = world.booked(host.id, world.event(host, format=Format.TABLE, **words), 2)
    page = open_page(host, viewport=PHONE)

    too_wide = []
    for path in addresses(app, event_id=event, booking_id=booking):
        page.goto(path)
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            too_wide.append(path)

    assert too_wide == []
