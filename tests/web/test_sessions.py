"""Signing in and out, and what keeps others from doing it for us."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from http.cookies import SimpleCookie

import pytest
from flask import Flask
from pymongo.errors import ServerSelectionTimeoutError

from dinnerkit import Kit
from dinnerkit.accounts.page_sessions import PageSessions
from dinnerkit.accounts.rules import User
from dinnerkit.backends.sessions import COLLECTION
from dinnerkit.booking.service import BookingService
from dinnerkit.clock import utcnow
from dinnerkit.ids import new_id
from dinnerkit.money import Money
from tests.web.browser import PASSWORD, Browser
from tests.web.conftest import World

Browse = Callable[..., Browser]


def cookies(headers: list[str]) -> dict[str, str]:
    """The Set-Cookie headers by the cookies' names."""
    return {next(iter(SimpleCookie(header))): header for header in headers}


def test_the_session_lies_in_a_cookie_that_no_script_and_no_other_site_can_use(browse: Browse, world: World) -> None:
    user = world.user()
    browser = browse()
    browser.open("/login")

    answer = browser.post("Sign in", email=user.email, password=PASSWORD)

    cookie = cookies(answer.headers.getlist("Set-Cookie"))["dinnerkit_session"]
    assert answer.status_code == 303
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie
    assert "Secure" not in cookie


def test_over_https_the_cookie_is_bound_to_the_host_and_to_https(browse: Browse, world: World) -> None:
    user = world.user()
    browser = browse(base="https://dinners.example")
    browser.open("/login")

    answer = browser.post("Sign in", email=user.email, password=PASSWORD)

    cookie = cookies(answer.headers.getlist("Set-Cookie"))["__Host-dinnerkit_session"]
    assert "Secure" in cookie
    assert browser.open("/account").status_code == 200
    assert user.name in browser.text


def test_signing_out_ends_the_session_on_the_server_too(browse: Browse, world: World, app: Flask) -> None:
    browser = browse(world.user())
    stolen = browser.client.get_cookie("dinnerkit_session")
    assert stolen is not None

    browser.send("Sign out")

    assert "You are signed out." in browser.text
    thief = app.test_client()
    thief.set_cookie("dinnerkit_session", stolen.value)
    assert thief.get("/account").location == "/login?next=/account"


def test_signing_out_everywhere_ends_all_sessions_of_this_user_and_no_others(browse: Browse, world: World) -> None:
    user = world.user()
    here, there, another = browse(user), browse(user), browse(world.user())
    here.open("/account")

    here.send("Sign out everywhere")

    assert "You are signed out, here and everywhere else." in here.text
    assert here.client.get_cookie("dinnerkit_session") is None
    assert there.client.get("/account").location == "/login?next=/account"
    assert another.client.get("/account").status_code == 200
    assert browse().client.post("/logout/everywhere").status_code == 403


def test_each_sign_in_gives_a_fresh_cookie_whatever_the_browser_brought(browse: Browse, world: World) -> None:
    user = world.user()
    browser = browse(world.user())
    before = browser.client.get_cookie("dinnerkit_session").value
    browser.open("/")
    csrf = browser.form("Sign out").values["csrf"]

    answer = browser.client.post("/login", data={"csrf": csrf, "email": user.email, "password": PASSWORD})

    assert answer.status_code == 303
    after = browser.client.get_cookie("dinnerkit_session").value
    assert after != before
    browser.client.set_cookie("dinnerkit_session", before)
    assert browser.client.get("/account").location == "/login?next=/account"


def test_wrong_credentials_are_said_to_be_so_and_nothing_more(browse: Browse, world: World) -> None:
    user = world.user()
    browser = browse()
    browser.open("/login")

    browser.send("Sign in", email=user.email, password="not the password")
    known = browser.text.replace(user.email, "")
    assert browser.answer.status_code == 401
    browser.send("Sign in", email="nobody@example.test", password="not the password")

    assert browser.text == known
    assert "The e-mail address and the password don't belong together." in browser.text
    assert "not the password" not in browser.html


def test_what_was_asked_for_is_shown_after_signing_in(browse: Browse, world: World) -> None:
    user = world.user()
    browser = browse()

    browser.open("/account/questionnaire")
    assert browser.path == "/login?next=/account/questionnaire"
    browser.send("Sign in", email=user.email, password=PASSWORD)

    assert browser.path == "/account/questionnaire"


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "\\/evil.example",
        "/%09/evil.example",
        "javascript:alert(1)",
        "/suggest",
        "/suggest?q=a",
        "/checkout/1.js",
        "/hosting/one/door/worker.js",
        "/v1/events",
        "/docs",
        "/no/such/page",
        "/\nevil.example",
        "account",
        "/" + "a" * 5000,
        "http:account",
        "/account@evil.example",
    ],
)
def test_nobody_is_sent_anywhere_but_to_our_pages(browse: Browse, world: World, elsewhere: str) -> None:
    user = world.user()
    browser = browse()
    browser.open("/login", query_string={"next": elsewhere})
    assert browser.form("Sign in").values["next"] == "/"

    answer = browser.post("Sign in", email=user.email, password=PASSWORD, next=elsewhere)

    assert answer.location == "/"


def test_a_page_of_ours_with_its_question_is_kept(browse: Browse, world: World) -> None:
    user = world.user()
    browser = browse()
    browser.open("/login", query_string={"next": "/?city=S%C3%A3o+Paulo"})

    assert browser.post("Sign in", email=user.email, password=PASSWORD).location == "/?city=S%C3%A3o+Paulo"


def test_a_form_without_its_token_is_refused_and_changes_nothing(browse: Browse, world: World, host: User, kit: Kit) -> None:
    guest = world.user()
    event_id = world.event(host, price=Money(0, "EUR"))
    browser = browse(guest)
    browser.open(f"/events/{event_id}")

    for wrong in ("", "made up", "é"):
        answer = browser.post("Book", csrf=wrong)
        assert answer.status_code == 403
    assert b"out of date" in answer.data
    assert kit.service(BookingService).page(guest.id, limit=5) == []


def test_a_token_of_somebody_else_is_refused(browse: Browse, world: World, host: User) -> None:
    event_id = world.event(host, price=Money(0, "EUR"))
    mallory, browser = browse(world.user()), browse(world.user())
    mallory.open(f"/events/{event_id}")
    browser.open(f"/events/{event_id}")

    answer = browser.post("Book", csrf=mallory.form("Book").values["csrf"])

    assert answer.status_code == 403


def test_the_right_token_from_another_site_is_refused(browse: Browse, world: World, host: User) -> None:
    event_id = world.event(host, price=Money(0, "EUR"))
    browser = browse(world.user())
    browser.open(f"/events/{event_id}")
    form = browser.form("Book")

    for site, status in (("cross-site", 403), ("same-site", 403), ("same-origin", 303)):
        answer = browser.client.post(form.action, data=form.values, headers={"Sec-Fetch-Site": site})
        assert answer.status_code == status


def test_nobody_can_be_signed_in_by_another_site(app: Flask, world: World) -> None:
    user = world.user()
    form = {"email": user.email, "password": PASSWORD}

    bare = app.test_client().post("/login", data=form)
    guessed = app.test_client().post("/login", data=form | {"csrf": "guessed"})

    assert bare.status_code == guessed.status_code == 403
    assert "Set-Cookie" not in bare.headers


def test_the_token_of_a_form_changes_when_one_signs_in(browse: Browse, world: World) -> None:
    user = world.user()
    browser = browse()
    browser.open("/login")
    before = browser.form("Sign in").values["csrf"]

    browser.send("Sign in", email=user.email, password=PASSWORD)

    assert browser.form("Sign out").values["csrf"] != before
    assert browser.client.get_cookie("dinnerkit_visit") is None


def test_a_form_of_a_session_that_is_over_leads_to_signing_in_and_back(browse: Browse, world: World, host: User, kit: Kit) -> None:
    guest = world.user()
    event_id = world.event(host, price=Money(0, "EUR"))
    browser = browse(guest)
    browser.open(f"/events/{event_id}")
    kit.database[COLLECTION].update_many({}, {"$set": {"expires_at": utcnow() - timedelta(minutes=1)}})

    answer = browser.post("Book")

    assert answer.location == f"/login?next=/events/{event_id}"


def test_a_made_up_note_is_not_shown(app: Flask) -> None:
    client = app.test_client()
    client.set_cookie("dinnerkit_notice", "Call 555-1234 now")

    assert b"555-1234" not in client.get("/").data


def test_who_is_signed_in_does_not_see_the_sign_in_form(browse: Browse, world: World) -> None:
    browser = browse(world.user())

    assert browser.open("/login").request.path == "/"
    assert browser.open("/register").request.path == "/"


def test_each_page_says_who_looks_at_it_and_one_that_cant_tell_says_nothing(
    browse: Browse, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: object) -> None:
        raise ServerSelectionTimeoutError("unreachable on purpose")

    user = world.user()
    stranger, known = browse(), browse(user)
    for path in ("/", f"/events/{new_id()}"):
        stranger.open(path)
        assert '<meta name="dinnerkit-user" content="">' in stranger.html
        known.open(path)
        assert f'<meta name="dinnerkit-user" content="{user.id}">' in known.html
    monkeypatch.setattr(PageSessions, "find", unreachable)
    assert known.open("/").status_code == 503
    assert "dinnerkit-user" not in known.html
