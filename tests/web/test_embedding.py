"""The pages inside an app that somebody else wrote."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask, Request

from dinnerkit import Dinnerkit, Kit
from dinnerkit.accounts.rules import User
from dinnerkit.identity import Principal
from dinnerkit.money import Money
from dinnerkit.web import mount_pages
from tests.web.browser import Browser
from tests.web.conftest import World
from tests.web.markup import faults

OVERRIDE = (
    """{% extends "dinnerkit/base.html" %}{% block title %}Ours{% endblock %}{% block main %}<h1>The club's own words</h1>{% endblock %}"""
)


def of_header(request: Request) -> Principal | None:
    """A host app's own idea of who asks."""
    user = request.headers.get("X-Club-Member")
    return Principal(user) if user else None


@pytest.fixture
def club(kit: Kit, tmp_path: Path) -> Flask:
    app = Flask("club", root_path=str(tmp_path))
    (tmp_path / "templates" / "dinnerkit").mkdir(parents=True)

    @app.route("/")
    def home() -> str:
        return "the club's home"

    @app.errorhandler(404)
    def missing(_: Exception) -> tuple[str, int]:
        return "the club's 404", 404

    Dinnerkit(app, kit=kit, url_prefix="/dinners", user_resolver=of_header)
    mount_pages(app, url_prefix="/dinners", sign_in="/club/login?from=dinners")
    return app


def test_the_pages_lie_under_the_prefix_and_leave_the_rest_alone(club: Flask, world: World, host: User) -> None:
    event_id = world.event(host)
    client = club.test_client()

    assert client.get("/").text == "the club's home"
    assert client.get("/nothing").text == "the club's 404"
    assert client.get(f"/events/{event_id}").text == "the club's 404"
    page = client.get(f"/dinners/events/{event_id}")
    assert page.status_code == 200
    assert faults(page.text) == []
    assert 'href="/dinners/assets/' in page.text


def test_what_is_missing_below_the_prefix_is_our_page(club: Flask) -> None:
    client = club.test_client()

    for path in ("/dinners/nothing", "/dinners/events/06gzzzzzzzzzzzzzzzzzzzzz"):
        answer = client.get(path)
        assert answer.status_code == 404
        assert "There is nothing here" in answer.text
        assert "Content-Security-Policy" in answer.headers
    assert client.get("/dinnersandmore").text == "the club's 404"
    assert client.get("/dinners/v1/nothing").mimetype == "application/problem+json"


def test_the_host_app_signs_people_in_and_our_forms_are_left_out(club: Flask, world: World, host: User) -> None:
    event_id = world.event(host)
    client = club.test_client()

    for path in ("/dinners/login", "/dinners/register", "/dinners/reset"):
        assert client.get(path).status_code == 404
    assert f'href="/club/login?from=dinners&amp;next=/dinners/events/{event_id}"' in client.get(f"/dinners/events/{event_id}").text
    assert client.get("/dinners/bookings").location == "/club/login?from=dinners&next=/dinners/bookings"


def test_the_host_app_s_users_book_with_tokens_of_our_own(club: Flask, world: World, host: User) -> None:
    event_id = world.event(host, price=Money(0, "EUR"))
    browser = Browser(club)
    browser.client.environ_base["HTTP_X_CLUB_MEMBER"] = world.user().id

    browser.open(f"/dinners/events/{event_id}")
    assert "Sign out" not in browser.buttons
    assert browser.post("Book", csrf="guessed").status_code == 403
    browser.send("Book")

    assert "Confirmed" in browser.text
    assert browser.path.startswith("/dinners/bookings/")


def test_a_template_of_the_app_takes_the_place_of_ours(club: Flask, tmp_path: Path) -> None:
    (tmp_path / "templates" / "dinnerkit" / "home.html").write_text(OVERRIDE)

    assert "The club's own words" in club.test_client().get("/dinners/").text


def test_under_a_server_s_own_prefix_every_address_has_it(club: Flask, world: World, host: User) -> None:
    event_id = world.event(host)
    client = club.test_client()

    page = client.get(f"/dinners/events/{event_id}", base_url="http://localhost/app").text

    assert 'href="/app/dinners/assets/' in page
    assert f"next=/app/dinners/events/{event_id}" in page
