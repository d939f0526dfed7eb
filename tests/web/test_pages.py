"""What holds for every page: status, markup, headers, and that what people type stays text."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask

from dinnerkit import Kit
from dinnerkit.accounts.rules import User
from dinnerkit.clock import utcnow
from dinnerkit.events.rules import Format, Venue
from dinnerkit.identity import Role
from dinnerkit.money import Money
from tests.web.browser import Browser
from tests.web.conftest import World, dinner
from tests.web.markup import faults

Browse = Callable[..., Browser]
HOSTILE = "<script>alert('x')</script>\"'><img src=x onerror=alert(1)>{{ 7*7 }}&amp;"


@dataclass
class Town:
    """Somebody of each kind, and something of each kind."""

    guest: User
    host: User
    admin: User
    event: str
    night: str
    draft: str
    held: str
    seated: str
    bank: str

    def pages(self) -> Iterator[tuple[User | None, str]]:
        for path in ("/", "/?city=Berlin&date=2030-01-01", "/login", "/register", "/forgot", "/reset?token=x", "/verify?token=x"):
            yield None, path
        yield None, f"/events/{self.event}"
        for path in (
            "",
            f"/{self.held}",
            f"/{self.held}/cancel",
            f"/{self.seated}",
            f"/{self.seated}/transfer",
            f"/{self.seated}/companions",
            f"/{self.bank}/authenticate",
        ):
            yield self.guest, f"/bookings{path}"
        for path in ("/account", "/account/questionnaire", f"/events/{self.event}", f"/events/{self.night}"):
            yield self.guest, path
        for path in (
            "",
            "/new",
            "/vouchers",
            f"/{self.draft}",
            f"/{self.draft}/edit",
            f"/{self.draft}/photo",
            f"/{self.event}/photo",
            f"/{self.night}",
            f"/{self.night}/call-off",
        ):
            yield self.host, f"/hosting{path}"
        yield self.host, f"/nights/{self.night}"
        yield self.admin, "/admin/dead-letters"


@pytest.fixture(scope="module")
def town(kit: Kit, app: Flask) -> Town:
    world = World(kit)
    guest, host, admin = world.user(name=HOSTILE[:60]), world.user(Role.HOST, HOSTILE[:60]), world.user(Role.ADMIN)
    words = {
        "title": HOSTILE,
        "description": HOSTILE,
        "cuisine": HOSTILE[:90],
        "city": HOSTILE[:90],
        "venue": _venue(),
        "tags": (HOSTILE[:35],),
    }
    event = world.event(host, **words)
    night = world.event(host, format=Format.MATCH_NIGHT, price=Money(0, "EUR"), **words)
    seated = world.booked(guest.id, night)
    for person in world.people(7, interests=(HOSTILE[:40],), languages=("en",), visibility="public"):
        world.booked(person, night)
    world.seat(host, night)
    kit.database.dead_letters.insert_one(_letter())
    browser = Browser(app)
    browser.sign_in(guest.email)
    browser.open(f"/events/{world.event(host)}")
    browser.send("Hold my seats")
    browser.send("Pay €35", payment_method="pm_card_authenticationRequired")
    bank = browser.path.split("/")[2]
    return Town(guest, host, admin, event, night, world.event(host, published=False), world.booked(guest.id, event), seated, bank)


@pytest.fixture
def visit(town: Town, browse: Browse) -> Callable[[User | None, str], Browser]:
    browsers: dict[str | None, Browser] = {}

    def visit(user: User | None, path: str) -> Browser:
        key = user.email if user else None
        browser = browsers.setdefault(key, browse(user)) if key not in browsers else browsers[key]
        browser.open(path)
        return browser

    return visit


def test_every_page_is_there_and_well_made(town: Town, visit: Callable[..., Browser]) -> None:
    wrong = {}
    for user, path in town.pages():
        browser = visit(user, path)
        assert browser.path == path
        assert browser.answer.status_code == 200, path
        if found := faults(browser.html):
            wrong[path] = found
    assert wrong == {}


def test_what_people_type_is_shown_as_text_and_never_run(town: Town, visit: Callable[..., Browser]) -> None:
    seen = 0
    for user, path in town.pages():
        html = visit(user, path).html
        assert "<script>alert" not in html, path
        assert html.count("<img") == html.count('<img src="/bookings/'), path
        seen += "&lt;script&gt;alert" in html
    assert seen > 10
    assert "{{ 7*7 }}" in visit(None, f"/events/{town.event}").html


def test_every_page_has_strict_headers_and_is_kept_by_nobody_else(town: Town, visit: Callable[..., Browser]) -> None:
    for user, path in town.pages():
        headers = visit(user, path).answer.headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'; script-src 'self'; style-src 'self'" in policy, path
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert "Cookie" in headers["Vary"]
        if user is not None:
            assert headers["Cache-Control"] == "private, no-store", path


def test_pages_with_secrets_in_their_address_are_not_kept(app: Flask) -> None:
    for path in ("/reset?token=x", "/verify?token=x", "/login"):
        assert app.test_client().get(path).headers["Cache-Control"] == "private, no-store"


def test_a_public_page_is_asked_for_again_and_not_sent_again(app: Flask, town: Town) -> None:
    client = app.test_client()

    for path in ("/", f"/events/{town.event}"):
        first = client.get(path)
        assert first.headers["Cache-Control"] == "public, no-cache"
        assert "Set-Cookie" not in first.headers
        again = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b"")


def test_an_error_is_a_page_with_its_status(browse: Browse, town: Town) -> None:
    for user, path, status in (
        (None, "/events/06gzzzzzzzzzzzzzzzzzzzzz", 404),
        (None, "/events/not-an-id", 404),
        (None, "/no/such/page", 404),
        (town.guest, "/hosting", 403),
        (town.host, "/admin/dead-letters", 403),
    ):
        browser = browse(user)
        browser.open(path)
        assert browser.answer.status_code == status, path
        assert faults(browser.html) == []
        assert browser.answer.headers["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize("path", ["/", "/nothing", "/health/live", "/assets/1/a.css"])
@pytest.mark.parametrize("name", ["a..b", "x" * 64])
def test_a_host_that_is_none_is_refused_in_plain_words(app: Flask, name: str, path: str) -> None:
    answer = app.test_client().get(path, headers={"Host": name})
    assert answer.status_code == 400
    assert answer.headers["X-Request-Id"]
    assert "number below" not in answer.text


def test_a_page_that_only_takes_forms_says_so_to_those_who_open_it(app: Flask, town: Town) -> None:
    answer = app.test_client().get(f"/events/{town.event}/book")

    assert (answer.status_code, answer.mimetype) == (405, "text/html")


def test_what_breaks_is_a_page_that_tells_nothing_but_its_number(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("the secret recipe")

    monkeypatch.setattr("dinnerkit.web.home.show_public", broken)
    answer = app.test_client().get("/", headers={"X-Request-Id": "number-4711"})

    assert answer.status_code == 500
    assert "secret recipe" not in answer.text
    assert "number-4711" in answer.text
    assert faults(answer.text) == []


def _venue() -> Venue:
    return Venue(HOSTILE[:90], HOSTILE, dinner().venue.location)


def _letter() -> dict[str, Any]:
    return {
        "_id": "letter:one",
        "handler": "notifications.test",
        "queue": "emails",
        "kind": "test",
        "data": {"hostile": HOSTILE},
        "attempts": 8,
        "error": HOSTILE,
        "created_at": utcnow(),
        "died_at": utcnow(),
    }
