"""Those whom guests bring, by forms: named, sent a link, and asked without an account."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from dinnerkit import Kit
from dinnerkit.accounts.rules import User
from dinnerkit.matching.people.items import ITEMS
from dinnerkit.money import Money
from tests.web.browser import Browser
from tests.web.conftest import World
from tests.web.markup import faults

Browse = Callable[..., Browser]
ANSWERS = {item.id: "4" for item in ITEMS}


@pytest.fixture
def booked(world: World, host: User) -> tuple[User, str]:
    """A guest, and the id of their booking of two seats that cost nothing."""
    guest = world.user(name="Gina Guest")
    return guest, world.booked(guest.id, world.event(host, price=Money(0, "EUR")), 2)


def with_link(browse: Browse, booked: tuple[User, str]) -> tuple[Browser, str]:
    browser = browse(booked[0])
    browser.open(f"/bookings/{booked[1]}")
    browser.follow("Say who comes with you")
    browser.send("Save", name1="Bea Brought", diets1="nuts, fish")
    browser.send("Make a link for Bea Brought")
    found = re.search(r'value="(http://[^"]+/companions/[^"]+)"', browser.html)
    assert found
    return browser, found[1].removeprefix("http://localhost")


def test_a_companion_is_named_and_answers_without_an_account(browse: Browse, booked: tuple[User, str], kit: Kit, host: User) -> None:
    browser, link = with_link(browse, booked)
    assert faults(browser.html) == []

    brought = browse()
    brought.open(link)
    assert "Hello Bea Brought, who are you?" in brought.text
    assert faults(brought.html) == []
    assert brought.answer.headers["Referrer-Policy"] == "no-referrer"
    brought.send("Done", **dict.fromkeys(list(ANSWERS)[:30], "4"))
    assert "20 statements are still open." in brought.text
    brought.send("Done", **ANSWERS)
    assert "Thank you." in brought.text
    [companion] = kit.database.bookings.find_one({"_id": booked[1]})["companions"]
    assert companion["traits"].keys() == {"extraversion", "neuroticism", "agreeableness", "conscientiousness", "openness"}

    browser.open(f"/bookings/{booked[1]}/companions")
    assert "Bea Brought has answered" in browser.text
    browser.open(f"/bookings/{booked[1]}")
    assert "2: you, Bea Brought" in browser.text
    hosting = browse(host)
    hosting.open(f"/hosting/{kit.database.bookings.find_one({'_id': booked[1]})['event']}")
    assert "with Bea Brought" in hosting.text
    assert "fish (1), nuts (1)" in hosting.text


def test_a_new_link_replaces_the_old_one(browse: Browse, booked: tuple[User, str]) -> None:
    browser, link = with_link(browse, booked)
    browser.send("Make a new link for Bea Brought")
    other = browse()
    assert other.open(link).status_code == 404
    assert "This link is not good any more" in other.text


def test_another_s_party_is_not_there(browse: Browse, world: World, booked: tuple[User, str]) -> None:
    other = browse(world.user())
    form = other.form("Sign out").values
    assert other.open(f"/bookings/{booked[1]}/companions").status_code == 404
    for path in ("", "/1/link"):
        assert other.client.post(f"/bookings/{booked[1]}/companions{path}", data=form).status_code == 404


def test_what_is_no_name_is_shown_again(browse: Browse, booked: tuple[User, str]) -> None:
    browser = browse(booked[0])
    browser.open(f"/bookings/{booked[1]}/companions")
    browser.send("Save", name1="x" * 200, diets1="y" * 300)
    assert browser.answer.status_code == 422
    assert 'href="#f-name1"' in browser.html
    assert 'href="#f-diets1"' in browser.html


@pytest.mark.parametrize("token", ["nonsense", "a.b.c", "x" * 3000])
def test_a_link_that_is_none_of_ours_says_so(browse: Browse, token: str) -> None:
    assert browse().open(f"/companions/{token}").status_code == 404
