"""The live connection of the pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

from dinnerkit import Kit
from dinnerkit.accounts.page_sessions import PageSession, PageSessions
from dinnerkit.accounts.service import AccountService
from dinnerkit.accounts.sign_in import SignInService
from dinnerkit.identity import Principal
from dinnerkit.live import connection
from dinnerkit.web.sessions import SESSION
from tests.fire.dinners import host_dinner
from tests.live.talking import Talk

PASSWORD = "plum lantern orbit"
ORIGIN = "http://127.0.0.1"  # the client of these tests leaves the port out of Host, as a browser does not
Begin = Callable[..., Talk]
UPGRADE = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==", "Sec-WebSocket-Version": "13"}


@pytest.fixture
def cookie(kit: Kit) -> str:
    kit.service(AccountService).create_user(email="ada@example.org", name="Ada", password=PASSWORD)
    return f"{SESSION}={kit.service(SignInService).open_session('ada@example.org', PASSWORD).token}"


def test_a_page_listens_by_its_session(kit: Kit, address: str, talk: Begin, cookie: str) -> None:
    event = host_dinner(kit, seats=7)
    listening = talk(path="/live", headers={"Cookie": cookie, "Origin": ORIGIN})
    listening.ask(type="watch", topic="event", event_id=event)
    assert listening.hear()["seats_left"] == 7


def test_an_upgrade_looks_its_session_up_once(talk: Begin, cookie: str, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_up, find = [], PageSessions.find

    def noted(sessions: PageSessions, token: str) -> PageSession | None:
        looked_up.append(token)
        return find(sessions, token)

    monkeypatch.setattr(PageSessions, "find", noted)
    assert talk(path="/live", headers={"Cookie": cookie, "Origin": ORIGIN}).ask(type="watch", topic="bookings")["type"] == "watching"
    assert looked_up == [cookie.partition("=")[2]]


def test_the_session_of_an_upgrade_that_nobody_has_is_nobodys_page(address: str) -> None:
    headers = {**UPGRADE, "Origin": address, "Cookie": f"{SESSION}={'A' * 43}"}
    refused = requests.get(f"{address}/live", headers=headers, allow_redirects=False, timeout=30)
    assert (refused.status_code, refused.headers["Location"].partition("?")[0]) == (303, "/login")


@pytest.mark.parametrize("origin", [None, "null", "https://evil.example", "http://127.0.0.1:1", "{address}.evil.example"])
def test_pages_of_other_sites_get_no_further(address: str, cookie: str, origin: str | None) -> None:
    headers = {**UPGRADE, "Cookie": cookie} | ({"Origin": origin.format(address=address)} if origin else {})
    assert requests.get(f"{address}/live", headers=headers, timeout=30).status_code == 403


def test_nobody_listens_without_a_session_and_no_longer_than_it_lasts(
    kit: Kit, address: str, talk: Begin, cookie: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = requests.get(f"{address}/live", headers={**UPGRADE, "Origin": address}, allow_redirects=False, timeout=30)
    assert (refused.status_code, refused.headers["Location"].partition("?")[0]) == (303, "/login")
    monkeypatch.setattr(connection, "RECHECK_SECONDS", 1.0)
    listening = talk(path="/live", headers={"Cookie": cookie, "Origin": ORIGIN})
    assert listening.ask(type="authenticate", token="anything")["code"] == "unauthenticated"
    kit.service(PageSessions).close(cookie.partition("=")[2])
    assert listening.ended() == 4401


def test_pages_say_what_they_show_and_where_to_listen(kit: Kit, address: str, cookie: str) -> None:
    event = host_dinner(kit, seats=7)
    page = requests.get(f"{address}/events/{event}", headers={"Cookie": cookie}, timeout=30).text
    assert '<meta name="dinnerkit-live" content="/live">' in page
    assert f'data-live="{{&#34;event_id&#34;: &#34;{event}&#34;, &#34;topic&#34;: &#34;event&#34;}}"' in page
    assert "dinnerkit-live" not in requests.get(f"{address}/events/{event}", timeout=30).text


def test_an_apps_own_cookie_is_good_for_its_own_pages_alone(kit: Kit) -> None:
    from flask import Flask, Request

    from dinnerkit import Dinnerkit
    from dinnerkit.live.api import BadOrigin, resolver_of

    app = Flask("host")
    me = Principal("ada")
    Dinnerkit(app, kit=kit, user_resolver=lambda request: me if "shop" in request.cookies else None)

    def opened(**headers: str) -> Any:
        with app.test_request_context("/v1/live", headers={**UPGRADE, **headers}) as context:
            request: Request = context.request
            return resolver_of(request)(None)

    assert opened(Cookie="shop=1", Origin="http://localhost") == me
    assert opened() is None
    for origin in ({}, {"Origin": "https://localhost"}, {"Origin": "http://evil.example"}):
        with pytest.raises(BadOrigin):
            opened(Cookie="shop=1", **origin)
