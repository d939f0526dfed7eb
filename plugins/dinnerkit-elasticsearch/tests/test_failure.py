"""Elasticsearch is refused, hangs, hangs up or is slow: readers see MongoDB's list, people are told, and all is well again by itself."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from dinnerkit.accounts.service import AccountService, NewUser
from dinnerkit.app import create_app
from dinnerkit.delivery.documents import DeliveryDocument
from dinnerkit.errors import Unavailable
from dinnerkit.events.service import EventService
from dinnerkit.identity import Principal, Role
from dinnerkit.kit import Kit
from dinnerkit.ports.search import Criteria, SearchTooSlow
from dinnerkit.search import resting
from dinnerkit.settings import Settings
from dinnerkit.storage import collection
from dinnerkit.testing import StandingClock, run_background, settings_for_tests
from dinnerkit.testing.proxy import Proxy, proxy
from dinnerkit_elasticsearch import open_search
from tests.search.conftest import details
from tests.waiting import until

MODES = ["hangs", "refuses", "drops", "slow"]
AT_ONCE = 20


@pytest.fixture
def between(node: tuple[str, int]) -> Iterator[Proxy]:
    with proxy(node[1]) as opened:
        yield opened


@pytest.fixture
def settings(database_url: str, tmp_path: Path, between: Proxy, prefix: str) -> Settings:
    search = f"elasticsearch://127.0.0.1:{between.port}?prefix={prefix}&refresh_ms=20"
    return Settings(**settings_for_tests(database_url, tmp_path, search=search))


@pytest.fixture
def app(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """The app with one dinner, which the index has."""
    monkeypatch.setattr(resting, "_SECONDS", 0.1)
    with Kit.open(settings) as kit:
        publish(kit)
        run_background(kit)
    return create_app(settings)


def publish(kit: Kit, title: str = "Dumplings for twelve") -> str:
    host = kit.service(AccountService).import_users([NewUser(email=f"{len(title)}@example.org", name="Hanna", role=Role.HOST)])[0]
    events, principal = kit.service(EventService), Principal(host, Role.HOST)
    event_id = events.create(principal, details(title=title))["id"]
    events.publish(principal, event_id)
    return event_id


def found(app: Flask, text: str) -> tuple[int, bool, list[str]]:
    answer = app.test_client().get(f"/v1/search/events?q={text}")
    return answer.status_code, answer.json["degraded"], [event["title"] for event in answer.json["items"]]


@pytest.mark.parametrize("mode", MODES)
def test_readers_are_shown_the_plain_list_meanwhile_and_people_are_told(app: Flask, between: Proxy, mode: str) -> None:
    until(lambda: found(app, "dumplings") == (200, False, ["Dumplings for twelve"]))  # a cold node may be late at first
    between.turn(mode)
    for text in ("dumplings", "raclette"):
        assert found(app, text) == (200, True, ["Dumplings for twelve"])
    assert app.test_client().get("/v1/search/suggest?q=dum").json == {"items": []}
    assert app.test_client().get("/?q=raclette").status_code == 200
    health = app.test_client().get("/health/ready")
    assert (health.status_code, health.json["status"], health.json["backends"]["search"]["state"]) == (200, "degraded", "down")
    assert 'dinnerkit_backend_up{backend="search"} 0.0' in app.test_client().get("/metrics").text
    between.turn("well")
    until(lambda: found(app, "raclette") == (200, False, []))
    until(lambda: app.test_client().get("/health/ready").json["status"] == "ready")
    assert 'dinnerkit_backend_up{backend="search"} 1.0' in app.test_client().get("/metrics").text


@pytest.mark.parametrize("mode", ["hangs", "refuses"])
def test_all_who_meet_it_at_the_same_time_are_answered(app: Flask, between: Proxy, mode: str) -> None:
    until(lambda: not found(app, "dumplings")[1])
    between.turn(mode)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = Counter(status for status, _, _ in pool.map(lambda _: found(app, "dumplings"), range(AT_ONCE)))
    assert answers == {200: AT_ONCE}


def test_what_could_not_be_written_is_written_once_it_is_back(settings: Settings, between: Proxy) -> None:
    clock = StandingClock()
    with Kit.open(settings, clock=clock) as kit:
        between.turn("refuses")
        publish(kit, "Raclette by the lake")
        run_background(kit)
        assert collection(kit.database, DeliveryDocument).count_documents({"state": "pending"}) > 0
        between.turn("well")
        clock.advance(hours=1)
        run_background(kit)
    with closing(open_search(f"{settings.search}&timeout_ms=60000")) as search:
        assert len(search.find(Criteria(text="raclette"), 10).hits) == 1


class _Answering(BaseHTTPRequestHandler):
    told: dict[str, Any]

    def do_POST(self) -> None:
        body = json.dumps(self.told).encode()
        self.send_response(200)
        self.send_header("X-Elastic-Product", "Elasticsearch")
        self.send_header("Content-Type", "application/vnd.elasticsearch+json;compatible-with=8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.mark.parametrize(
    ("told", "due"),
    [
        ({"timed_out": True, "_shards": {"failed": 0}}, SearchTooSlow),
        ({"timed_out": False, "_shards": {"failed": 1}}, Unavailable),
    ],
)
def test_half_an_answer_is_none_and_one_that_takes_too_long_is_no_failure(told: dict[str, Any], due: type[Exception]) -> None:
    """As a node answers that had not enough time, or lacks a part of the index."""
    handler = type("Answering", (_Answering,), {"told": {"took": 1, "hits": {"hits": []}, **told}})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with closing(open_search(f"elasticsearch://127.0.0.1:{server.server_address[1]}?timeout_ms=5000")) as search:
            with pytest.raises(Unavailable) as caught:
                search.find(Criteria(), 10)
            assert type(caught.value) is due or due is Unavailable
            assert isinstance(caught.value, SearchTooSlow) is (due is SearchTooSlow)
        server.shutdown()
