"""The sessions' Redis is refused, hangs, hangs up or is slow: pages go on, nobody is signed out, and all is well again by itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dinnerkit.accounts.service import AccountService
from dinnerkit.app import create_app
from dinnerkit.ids import new_id
from dinnerkit.kit import Kit
from dinnerkit.settings import Settings
from dinnerkit.testing import settings_for_tests
from dinnerkit.testing.proxy import Proxy, proxy
from tests.services.redis import PASSWORD as REDIS_PASSWORD
from tests.services.redis import redis_server, say
from tests.waiting import until
from tests.web.browser import PASSWORD, Browser

EMAIL = "ada@example.org"


@pytest.fixture
def between(server: int) -> Iterator[Proxy]:
    with proxy(server) as opened:
        yield opened


@pytest.fixture
def kit(database_url: str, tmp_path: Path, between: Proxy) -> Iterator[Kit]:
    place = f"redis://:{REDIS_PASSWORD}@127.0.0.1:{between.port}?prefix=t{new_id().lower()[:30]}"
    with Kit.open(Settings(**settings_for_tests(database_url, tmp_path, sessions=place))) as opened:
        opened.service(AccountService).create_user(email=EMAIL, name="Ada", password=PASSWORD)
        yield opened


def browsers(kit: Kit) -> tuple[Browser, Browser]:
    """One who is signed in, and one who is not."""
    app = create_app(kit=kit)
    return signed_in(app), Browser(app)


def signed_in(app: object) -> Browser:
    browser = Browser(app)
    until(lambda: browser.sign_in(EMAIL).status_code == 200 and browser.client.get_cookie("dinnerkit_session") is not None)
    return browser


@pytest.mark.parametrize("mode", ["hangs", "refuses", "drops", "slow"])
def test_pages_go_on_and_nobody_is_signed_out(kit: Kit, between: Proxy, mode: str) -> None:
    ada, visitor = browsers(kit)
    until(lambda: ada.open("/account").status_code == 200)
    save = ada.form("Save")
    session = ada.client.get_cookie("dinnerkit_session")
    between.turn(mode)

    assert ada.open("/").status_code == 200
    assert "Sign out" not in ada.html
    assert "dinnerkit-user" not in ada.html  # who knows nothing must not have the door's page forgotten
    for answer in (ada.client.get("/account"), ada.client.post(save.action, data=save.values)):
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    visitor.open("/login")
    refused = visitor.post("Sign in", email=EMAIL, password=PASSWORD)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    assert visitor.client.get_cookie("dinnerkit_session") is None
    health = visitor.client.get("/health/ready").json
    assert (health["status"], health["backends"]["sessions"]["state"]) == ("degraded", "down")
    assert 'dinnerkit_backend_up{backend="sessions"} 0.0' in visitor.client.get("/metrics").text
    assert ada.client.get_cookie("dinnerkit_session") == session

    between.turn("well")
    until(lambda: ada.open("/account").status_code == 200)
    assert "Ada" in ada.text
    until(lambda: ada.client.post(save.action, data=save.values).status_code == 303)
    until(lambda: visitor.client.get("/health/ready").json["status"] == "ready")
    until(lambda: visitor.sign_in(EMAIL).status_code == 200)
    assert "Sign out" in visitor.html


def test_who_signs_out_meanwhile_is_out_in_this_browser(kit: Kit, between: Proxy) -> None:
    ada, _ = browsers(kit)
    ada.open("/about-nothing")
    until(lambda: ada.open("/account").status_code == 200)
    out = ada.form("Sign out")
    until(lambda: ada.client.get("/account").status_code == 200)
    store = kit.backends.sessions
    found, delete = store.get, store.delete

    def away(key: str) -> None:
        between.turn("refuses")
        delete(key)

    store.get, store.delete = found, away  # type: ignore[method-assign]  # it goes away just when the session is to end
    answer = ada.client.post(out.action, data=out.values)
    assert answer.status_code == 303
    assert ada.client.get_cookie("dinnerkit_session") is None
    assert b"sign out everywhere when you are back" in ada.client.get("/").data


def test_a_redis_that_is_full_keeps_who_is_signed_in_and_lets_nobody_else_in(database_url: str, tmp_path: Path) -> None:
    with redis_server(tmp_path) as port:
        place = f"redis://:{REDIS_PASSWORD}@127.0.0.1:{port}?timeout=2"
        with Kit.open(Settings(**settings_for_tests(database_url, tmp_path, sessions=place))) as kit:
            kit.service(AccountService).create_user(email=EMAIL, name="Ada", password=PASSWORD)
            ada, visitor = browsers(kit)
            say(port, "CONFIG", "SET", "maxmemory", "1")
            assert ada.open("/account").status_code == 200
            visitor.open("/login")
            assert visitor.post("Sign in", email=EMAIL, password=PASSWORD).status_code == 503
            assert visitor.client.get("/health/ready").json["backends"]["sessions"]["state"] == "down"
            say(port, "CONFIG", "SET", "maxmemory", "0")
            assert visitor.sign_in(EMAIL).status_code == 200
