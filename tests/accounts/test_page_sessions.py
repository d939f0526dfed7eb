"""Browsers that are signed in: by an opaque cookie, until their session ends, and not by what lies in the store."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from pymongo.errors import AutoReconnect

from dinnerkit.accounts import page_sessions
from dinnerkit.accounts.errors import BadToken
from dinnerkit.accounts.page_sessions import LONGEST_PAGE_SESSION, PageSessions, SessionsUnavailable
from dinnerkit.accounts.passwords import Passwords
from dinnerkit.accounts.rules import User
from dinnerkit.accounts.secrecy import digest, random_secret
from dinnerkit.accounts.service import AccountService
from dinnerkit.accounts.sign_in import SignInService
from dinnerkit.backends.sessions import COLLECTION
from dinnerkit.errors import Unavailable
from dinnerkit.identity import Principal, Role
from dinnerkit.ports.sessions import MOST_BYTES
from tests.accounts.conftest import PASSWORD

EMAIL = "anna@example.com"


@pytest.fixture
def anna(accounts: Any) -> User:
    return accounts[AccountService].register(email=EMAIL, password=PASSWORD, name="Anna")


@pytest.fixture
def sign_in(accounts: Any, anna: User) -> SignInService:
    return accounts[SignInService]


@pytest.fixture
def pages(accounts: Any) -> PageSessions:
    return accounts[PageSessions]


def test_a_browser_is_signed_in_by_its_cookie(sign_in: SignInService, pages: PageSessions, anna: User) -> None:
    session = sign_in.open_session(EMAIL, PASSWORD)

    assert pages.find(session.token) == session
    assert session.principal == Principal(anna.id, Role.GUEST)
    assert session.name == "Anna"
    assert session.csrf not in session.token
    assert anna.id not in session.token
    assert sign_in.open_session(EMAIL, PASSWORD).csrf != session.csrf


def test_the_store_holds_nothing_that_opens_a_session(accounts: Any, sign_in: SignInService, anna: User) -> None:
    token = sign_in.open_session(EMAIL, PASSWORD).token

    [row] = accounts.database[COLLECTION].find()
    assert row["_id"] == digest(token)
    assert len(row["value"]) < MOST_BYTES // 8
    for secret in (token, EMAIL, accounts.row(anna.id)["stamp"], accounts.row(anna.id)["password"]):
        assert secret not in str(row)


def test_who_can_write_to_the_store_can_make_no_session(accounts: Any, sign_in: SignInService, pages: PageSessions, anna: User) -> None:
    hers = sign_in.open_session(EMAIL, PASSWORD)
    sealed = accounts.database[COLLECTION].find_one({"_id": digest(hers.token)})["value"]
    mine = random_secret()

    accounts.sessions.put(digest(mine), sealed, 600)
    assert pages.find(mine) is None
    accounts.sessions.put(digest(mine), sealed[:32] + sealed[32:].replace(anna.id.encode(), b"another"), 600)
    assert pages.find(mine) is None
    for rubbish in (b"", b"x" * 40, b"{}"):
        accounts.sessions.put(digest(mine), rubbish, 600)
        assert pages.find(mine) is None
    assert pages.find(hers.token) == hers


def test_a_session_lives_for_a_day_after_its_last_use(sign_in: SignInService, pages: PageSessions, clock: Any) -> None:
    token = sign_in.open_session(EMAIL, PASSWORD).token

    for _ in range(3):
        clock.advance(hours=23)
        assert pages.find(token)
    clock.advance(hours=24)
    assert pages.find(token) is None


def test_however_much_it_is_used_it_ends_some_day(sign_in: SignInService, pages: PageSessions, clock: Any) -> None:
    token, began = sign_in.open_session(EMAIL, PASSWORD).token, clock()

    while clock() + timedelta(hours=20) < began + LONGEST_PAGE_SESSION:
        clock.advance(hours=20)
        assert pages.find(token)
    clock.advance(hours=20)
    assert pages.find(token) is None


def test_a_closed_session_is_closed(sign_in: SignInService, pages: PageSessions) -> None:
    here, elsewhere = sign_in.open_session(EMAIL, PASSWORD), sign_in.open_session(EMAIL, PASSWORD)

    pages.close(here.token)

    assert pages.find(here.token) is None
    assert pages.find(elsewhere.token)


def test_all_sessions_end_at_once_where_their_user_says_so(accounts: Any, sign_in: SignInService, pages: PageSessions, anna: User) -> None:
    accounts[AccountService].register(email="ben@example.com", password=PASSWORD, name="Ben")
    browsers = [sign_in.open_session(EMAIL, PASSWORD) for _ in range(2)]
    program, others = sign_in.login(EMAIL, PASSWORD), sign_in.open_session("ben@example.com", PASSWORD)

    sign_in.sign_out_everywhere(anna.id)

    assert [pages.find(browser.token) for browser in browsers] == [None, None]
    with pytest.raises(BadToken):
        sign_in.authenticate(program.access_token)
    with pytest.raises(BadToken):
        sign_in.refresh(program.refresh_token)
    assert pages.find(others.token) == others
    assert pages.find(sign_in.open_session(EMAIL, PASSWORD).token)


def test_a_password_that_changes_while_it_is_checked_opens_nothing(
    accounts: Any, sign_in: SignInService, pages: PageSessions, anna: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    matches = Passwords.matches

    def changed_meanwhile(self: Passwords, kept: str | None, password: str) -> bool:
        accounts.database["users"].update_one({"_id": anna.id}, {"$set": {"password": "another", "stamp": "another"}})
        return matches(self, kept, password)

    monkeypatch.setattr(Passwords, "matches", changed_meanwhile)

    assert pages.find(sign_in.open_session(EMAIL, PASSWORD).token) is None


@pytest.mark.parametrize("token", ["", ".", "a", "a.b", "x" * 42, "x" * 43, "x" * 3000, "\ud800" * 43, "x" * 42 + "\n"])
def test_a_made_up_cookie_is_nobodys(sign_in: SignInService, pages: PageSessions, token: str) -> None:
    pages.close(token)

    assert pages.find(token) is None


def test_tokens_of_programs_and_cookies_of_pages_do_not_stand_in_for_one_another(sign_in: SignInService, pages: PageSessions) -> None:
    tokens = sign_in.login(EMAIL, PASSWORD)
    page = sign_in.open_session(EMAIL, PASSWORD)

    _, family, secret = tokens.refresh_token.split(".")
    assert pages.find(family) is None
    assert pages.find(secret) is None
    with pytest.raises(BadToken):
        sign_in.refresh(page.token)
    with pytest.raises(BadToken):
        sign_in.authenticate(page.token)


def test_a_store_that_fails_signs_nobody_out_and_is_left_alone_for_a_moment(
    accounts: Any, sign_in: SignInService, pages: PageSessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, calls = sign_in.open_session(EMAIL, PASSWORD), []

    def fails(*_: object) -> None:
        calls.append(1)
        raise Unavailable("it is away, on purpose")

    with monkeypatch.context() as away:
        for name in ("get", "put", "delete", "prolong"):
            away.setattr(accounts.sessions, name, fails)
        for _ in range(5):
            with pytest.raises(SessionsUnavailable):
                pages.find(session.token)
        assert len(calls) == 1
        for call in (lambda: pages.close(session.token), lambda: sign_in.open_session(EMAIL, PASSWORD)):
            with pytest.raises(SessionsUnavailable):
                call()
    monkeypatch.setattr(pages._breaker, "_until", 0.0)  # the moment is over
    assert pages.find(session.token) == session


def test_a_store_that_takes_no_writes_still_says_who_is_signed_in(
    accounts: Any, sign_in: SignInService, pages: PageSessions, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = sign_in.open_session(EMAIL, PASSWORD)
    clock.advance(hours=2)

    def fails(*_: object) -> None:
        raise AutoReconnect("not primary, on purpose")

    monkeypatch.setattr(accounts.sessions, "prolong", fails)
    assert pages.find(session.token) == session


def test_a_program_signs_out_everywhere(client: FlaskClient, sign_in: SignInService, pages: PageSessions) -> None:
    browser, program = sign_in.open_session(EMAIL, PASSWORD), sign_in.login(EMAIL, PASSWORD)
    bearer = {"Authorization": f"Bearer {program.access_token}"}

    assert client.post("/v1/auth/logout/everywhere").status_code == 401
    assert client.post("/v1/auth/logout/everywhere", headers=bearer).status_code == 204
    assert client.get("/v1/me", headers=bearer).status_code == 401
    assert pages.find(browser.token) is None


def test_of_too_many_browsers_the_oldest_are_signed_out(
    accounts: Any, pages: PageSessions, anna: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_sessions, "MOST_PAGE_SESSIONS", 3)
    ben = accounts[AccountService].register(email="ben@example.com", password=PASSWORD, name="Ben")
    his = pages.open(accounts.row(ben.id))
    browsers = [pages.open(accounts.row(anna.id)) for _ in range(5)]

    assert [pages.find(browser.token) is not None for browser in browsers] == [False, False, True, True, True]
    assert pages.find(his.token)
    assert accounts.row(anna.id)["page_sessions"] == [digest(browser.token) for browser in browsers[2:]]
    assert accounts.database[COLLECTION].count_documents({}) == 4
