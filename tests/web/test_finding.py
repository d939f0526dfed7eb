"""Finding a dinner on the front page, without a script."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from flask import Flask

from dinnerkit import Kit
from dinnerkit.accounts.rules import User
from dinnerkit.errors import Unavailable
from dinnerkit.events.rules import Location, Venue
from dinnerkit.money import Money
from dinnerkit.testing import run_background
from dinnerkit.web.finding import query_of, wanted
from tests.web.browser import Browser
from tests.web.conftest import World
from tests.web.markup import faults

Browse = Callable[..., Browser]


@pytest.fixture
def word() -> str:
    """One that only this test's dinners have."""
    return f"w{uuid4().hex[:12]}"


@pytest.fixture
def dinners(kit: Kit, world: World, host: User, word: str) -> str:
    """Two dinners with the word."""
    world.event(
        host,
        title=f"Fondue {word}",
        city="Zermatt",
        cuisine="Swiss",
        price=Money(3000, "CHF"),
        starts_at=datetime(2030, 1, 20, 18, tzinfo=UTC),
        venue=Venue("Hut", "", Location(46.02, 7.75)),
    )
    world.event(
        host,
        title=f"Raclette {word}",
        city="Täsch",
        cuisine="Valais",
        price=Money(0, "CHF"),
        starts_at=datetime(2030, 2, 20, 18, tzinfo=UTC),
        venue=Venue("Barn", "", Location(46.07, 7.78)),
    )
    run_background(kit)
    return word


def test_words_find_dinners_and_links_narrow_and_widen(browse: Browse, dinners: str) -> None:
    browser = browse()
    browser.open(f"/?q={dinners}")
    assert f"Fondue {dinners}" in browser.text
    assert f"Raclette {dinners}" in browser.text
    assert "2 dinners" in browser.text
    assert faults(browser.html) == []
    assert {"Zermatt", "Täsch", "Swiss", "Valais", "January 2030", "February 2030", "free", "CHF20 to CHF40"} <= {
        link.replace("\xa0", "") for link in browser.links
    }
    browser.follow("February 2030")
    assert f"Fondue {dinners}" not in browser.text
    assert f"Raclette {dinners}" in browser.text
    assert "1 dinner" in browser.text
    assert faults(browser.html) == []
    browser.follow(next(words for words in browser.links if words.startswith("February 2030") and "take it away" in words))
    assert f"Fondue {dinners}" in browser.text
    assert parse_qs(urlsplit(browser.path).query) == {"q": [dinners]}


def test_what_is_around_a_city_is_found_the_nearest_first(browse: Browse, dinners: str) -> None:
    browser = browse()
    browser.open(f"/?city=T%C3%A4sch&within=10&q={dinners}")
    assert "Dinners around Täsch" in browser.text
    assert f"Raclette {dinners}" in browser.text
    assert "0.0 km away" in browser.text
    assert "6.0 km away" in browser.text
    browser.open(f"/?city=T%C3%A4sch&q={dinners}")
    assert f"Fondue {dinners}" not in browser.text
    assert "km away" not in browser.text


def test_who_finds_nothing_is_told_what_there_is(browse: Browse, dinners: str) -> None:
    browser = browse()
    browser.open(f"/?q=Raclette+{dinners}+unheardofthing")
    assert "No dinner like that is planned." in browser.text
    assert f"Raclette {dinners}" in browser.links


def test_a_script_is_told_completions(app: Flask, dinners: str) -> None:
    answer = app.test_client().get("/suggest", query_string={"q": f"fondue {dinners[:6]}"})
    assert answer.get_json() == {"items": [f"Fondue {dinners}"]}
    assert app.test_client().get("/suggest").get_json() == {"items": []}


def test_without_the_index_all_dinners_are_shown_and_the_page_says_so(
    browse: Browse, kit: Kit, dinners: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: Any) -> None:
        raise Unavailable("gone")

    monkeypatch.setattr(kit.backends.search, "_reading", gone)
    browser = browse()
    browser.open("/?q=unheardofthing&city=Zermatt")
    assert browser.answer.status_code == 200
    assert "Words can’t be looked for at the moment." in browser.text
    assert f"Fondue {dinners}" in browser.text
    assert faults(browser.html) == []


@pytest.mark.parametrize(
    "path", ["/?q=<script>alert(1)</script>", "/?q=%22%3E&city=%22%3E&price=%22", "/?month=x&price=7&within=9&sort=x&date=x"]
)
def test_what_makes_no_sense_is_left_out_and_what_is_typed_is_text(browse: Browse, path: str) -> None:
    browser = browse()
    browser.open(path)
    assert browser.answer.status_code == 200
    assert "<script>alert" not in browser.html
    assert faults(browser.html) == []


@pytest.mark.parametrize(
    ("price", "bounds"),
    [("0", (0, 0)), ("1-2000", (1, 2000)), ("10001-", (10_001, None)), ("", (None, None)), ("5-6", (None, None)), ("x", (None, None))],
)
def test_a_price_band_is_a_cheapest_and_a_dearest(price: str, bounds: tuple[int | None, int | None]) -> None:
    filters = query_of(wanted({"price": price}), None).filters
    assert (filters.min_price, filters.max_price) == bounds
