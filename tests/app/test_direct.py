"""Answers that are made ahead of Flask are those that Flask makes: status, headers and bytes; and Flask is asked where others listen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial, wraps
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode
from uuid import uuid4

import flask
import pytest
import structlog
from flask import Flask
from flask.sessions import SessionInterface
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder

from dinnerkit import Dinnerkit, Kit, Settings, create_app
from dinnerkit.errors import Unavailable
from dinnerkit.events.photos import Photo
from dinnerkit.events.service import EventService
from dinnerkit.http.lane.direct import Direct
from dinnerkit.http.lane.lane import Lane
from dinnerkit.http.lane.purging import Purges
from dinnerkit.http.limits import RequestLimits
from dinnerkit.http.paging import encode_cursor
from dinnerkit.ids import new_id
from dinnerkit.money import Money
from dinnerkit.photos.service import PhotoService
from dinnerkit.pytest_plugin import with_database
from dinnerkit.testing import StandingClock, settings_for_tests
from tests.app.test_lane import HOST, details, heard, published, their_user

SENT = "asked-by-a-test"


@pytest.fixture(scope="module")
def kit(mongo_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kit]:
    url, folder = with_database(mongo_url, f"test-{uuid4().hex}"), tmp_path_factory.mktemp("direct")
    given_settings = Settings(**settings_for_tests(url, folder, lane="auto", rate_limit="100000 per hour", limiter="memory://"))
    with Kit.open(given_settings, clock=StandingClock()) as opened:
        heard(opened)
        yield opened
        opened.database.client.drop_database(opened.database.name)


@pytest.fixture(scope="module")
def ids(kit: Kit) -> list[str]:
    """Of a dinner with a photo, others, a draft, one that is not there, and none at all."""
    found = [published(kit, city=city, price=Money(price, "EUR")) for city in ("Lisbon", "Porto") for price in range(0, 600, 100)]
    photos = kit.service(PhotoService)._photos
    photos.take(found[0], "p" * 24, "Soup")
    photos.show(found[0], Photo("p" * 24, "Soup", ((320, 200),)))
    draft = kit.service(EventService).create(HOST, details(kit))["id"]
    return [*found[:2], draft, new_id(), "none"]


Answer = tuple[str, list[tuple[str, str]], bytes]


def ask(app: Flask, url: str, environ: dict[str, str] | None = None, **headers: str) -> Answer:
    """What is answered by an app that has kept nothing."""
    path, _, query = url.partition("?")
    builder = EnvironBuilder(path=path, headers={name.replace("_", "-"): value for name, value in headers.items()})
    asked = {**builder.get_environ(), "QUERY_STRING": query, "HTTP_X_REQUEST_ID": SENT, "REMOTE_ADDR": "192.0.2.1", **(environ or {})}
    app.extensions["dinnerkit"].services[Purges].forget_all()
    said: list[Any] = []
    blocks = app.wsgi_app(asked, lambda *begun: said.append(begun))
    body = b"".join(blocks)
    getattr(blocks, "close", lambda: None)()
    status, told = said[-1]
    if left := dict(told).get("X-RateLimit-Remaining"):  # where the host is none nothing is counted
        who = ("left", asked.get("HTTP_AUTHORIZATION"))
        before = app.extensions.get(who)
        assert before is None or int(left) == max(0, before - 1), "each request is counted once"
        app.extensions[who] = int(left)
    return status, told, body


class Pair:
    """An app that answers ahead of Flask where it can, and one that does not."""

    def __init__(self, kit: Kit) -> None:
        self.ahead, self.behind = create_app(kit=kit), create_app(kit=kit)
        assert isinstance(self.behind.wsgi_app, Lane)
        self.behind.wsgi_app._direct = None
        self.behind.wsgi_app._app = Flask.wsgi_app.__get__(self.behind)
        self.plain = create_app(kit=kit)
        assert isinstance(self.plain.wsgi_app, Lane)
        del self.plain.wsgi_app  # type: ignore[misc]

    def agree(self, url: str, environ: dict[str, str] | None = None, **headers: str) -> Answer:
        """What both answer, and Flask without any lane."""
        found = [ask(app, url, environ, **headers) for app in (self.ahead, self.behind, self.plain)]
        own = {"X-RateLimit-Remaining", "X-RateLimit-Reset", "Date"}
        shown = [(status, sorted(pair for pair in told if pair[0] not in own), body) for status, told, body in found]
        assert shown[0] == shown[1]
        if "Accept_Encoding" not in headers:
            assert shown[0] == shown[2]
        return shown[0]


@pytest.fixture(scope="module")
def pair(kit: Kit, ids: list[str]) -> Pair:
    return Pair(kit)


VALUES = {
    "city": ("Lisbon", "porto", "Nowhere", "", " ", "x" * 200, "Z\u00fcrich", "a\x00b"),
    "cuisine": ("Portuguese", "Thai"),
    "tag": ("vegan",),
    "limit": ("1", "5", "100", "0", "101", "-1", "ten", "1.0", " 3", ""),
    "min_price": ("100", "-5", "9" * 17),
    "max_price": ("0", "300", "x"),
    "from": ("2026-11-01T12:00:00Z", "2126-01-01T00:00:00+01:00", "yesterday"),
    "to": ("2126-01-01T00:00:00Z", "2026"),
    "near": ("38.7139,-9.144", "91,0", "here"),
    "radius_km": ("10", "0", "nan", "1e3"),
    "sort": ("starts_at", "price", "distance", "name"),
    "cursor": ("xx", "", encode_cursor("price", 100, StandingClock()(), "0"), encode_cursor("starts_at", StandingClock()(), "0")),
    "unknown": ("1",),
}
parameters = st.sampled_from([(name, value) for name, values in VALUES.items() for value in values])
queries = st.one_of(
    st.lists(parameters, max_size=4, unique_by=lambda pair: pair[0]).map(urlencode),
    st.lists(parameters, max_size=3).map(lambda pairs: urlencode(pairs, quote_via=quote)),
    st.text("acilmty=&%+;1 \u00fc", max_size=20).map(lambda text: text.encode().decode("latin-1")),
)
asked_with = st.fixed_dictionaries(
    {},
    optional={
        "If_None_Match": st.sampled_from(["*", '"other"', 'W/"x", "y"']),
        "Accept_Encoding": st.sampled_from(["gzip", "identity", "br;q=0"]),
        "Host": st.sampled_from(["example.org", "EXAMPLE.org:8080", "a..b", "x" * 100, "b\u00e4d", "_", "[::1]:80"]),
        "Accept_Language": st.just("de"),
    },
)
mounts = st.sampled_from([{}, {"SCRIPT_NAME": "/mounted"}, {"wsgi.url_scheme": "https"}])


@settings(max_examples=80, suppress_health_check=list(HealthCheck), deadline=None)
@given(query=queries, headers=asked_with, mount=mounts)
def test_lists_are_those_of_flask(pair: Pair, query: str, headers: dict[str, str], mount: dict[str, str]) -> None:
    pair.agree(f"/v1/events?{query}", mount, **headers)


@settings(max_examples=25, suppress_health_check=list(HealthCheck), deadline=None)
@given(number=st.integers(0, 4), query=st.sampled_from(["", "", "?", "?a=1"]), headers=asked_with, mount=mounts)
def test_events_are_those_of_flask(
    pair: Pair, ids: list[str], number: int, query: str, headers: dict[str, str], mount: dict[str, str]
) -> None:
    pair.agree(f"/v1/events/{ids[number]}{query}", mount, **headers)


def test_who_has_it_already_is_told_so(pair: Pair, ids: list[str]) -> None:
    for url in ("/v1/events?limit=3", f"/v1/events/{ids[0]}"):
        etag = dict(pair.agree(url)[1])["ETag"]
        assert pair.agree(url, If_None_Match=etag)[::2] == ("304 NOT MODIFIED", b"")


def test_photos_lie_where_the_request_came_in(pair: Pair, ids: list[str]) -> None:
    for url in ("/v1/events", f"/v1/events/{ids[0]}"):
        assert b'"/v1/photos/' + ids[0].encode() in pair.agree(url)[2]
        assert b'"/mounted/v1/photos/' + ids[0].encode() in pair.agree(url, {"SCRIPT_NAME": "/mounted"})[2]


@pytest.fixture
def dispatched(kit: Kit, ids: list[str], monkeypatch: pytest.MonkeyPatch) -> Callable[[Flask, str], int]:
    """How many requests Flask sees while one is answered, after one that goes before."""

    def count(app: Flask, url: str = "/v1/events?limit=3") -> int:
        seen = 0
        genuine = app.full_dispatch_request

        def full_dispatch_request(*given: Any) -> flask.Response:
            nonlocal seen
            seen += 1
            return genuine(*given)

        monkeypatch.setattr(app, "full_dispatch_request", full_dispatch_request)
        assert ask(app, url)[0] in {"200 OK", "404 NOT FOUND"}
        return seen

    return count


def test_a_list_and_an_event_are_answered_ahead_of_flask(kit: Kit, ids: list[str], dispatched: Callable[..., int]) -> None:
    for url in ("/v1/events", "/v1/events?city=Lisbon&limit=2", "/v1/events?near=38.7,-9.1&sort=distance", f"/v1/events/{ids[0]}"):
        assert dispatched(create_app(kit=kit), url) == 0
    assert dispatched(create_app(kit=kit), f"/v1/events/{ids[2]}") == 1  # a draft: 404


class Sessions(SessionInterface):
    def open_session(self, app: Flask, request: flask.Request) -> None:
        return None


def nothing(*_: Any, **__: Any) -> None: ...


def wrap_view(app: Flask) -> None:
    view = app.view_functions["dinnerkit_events.list_events"]

    @wraps(view)
    def wrapped(*given: Any, **named: Any) -> Any:
        return view(*given, **named)

    app.view_functions["dinnerkit_events.list_events"] = wrapped


@pytest.mark.parametrize(
    "listen",
    [
        lambda app: app.before_request(nothing),
        lambda app: app.after_request(lambda response: response),
        lambda app: app.teardown_request(nothing),
        lambda app: app.teardown_appcontext(nothing),
        lambda app: app.url_value_preprocessor(nothing),
        lambda app: app.before_request_funcs.setdefault("dinnerkit_events", []).append(nothing),
        lambda app: setattr(app, "session_interface", Sessions()),
        lambda app: app.url_defaults(nothing),
        lambda app: setattr(app, "request_class", type("Theirs", (flask.Request,), {})),
        wrap_view,
    ],
)
def test_whoever_listens_sees_each_request_that_is_not_kept(kit: Kit, dispatched: Callable[..., int], listen: Callable[..., Any]) -> None:
    app = create_app(kit=kit)
    assert ask(app, "/v1/events")[0] == "200 OK"
    listen(app)
    assert dispatched(app) == 1


@pytest.mark.parametrize("name", ["request_started", "request_finished", "request_tearing_down", "appcontext_pushed", "appcontext_popped"])
def test_so_does_who_is_told_by_a_signal(kit: Kit, dispatched: Callable[..., int], name: str) -> None:
    app = create_app(kit=kit)
    with getattr(flask, name).connected_to(nothing):
        assert dispatched(app) == 1
    assert dispatched(create_app(kit=kit)) == 0


@pytest.mark.parametrize("options", [{"whole_app": True, "user_resolver": their_user}, {}])
def test_in_an_app_of_somebody_elses_flask_sees_each(
    kit: Kit, dispatched: Callable[..., int], monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]
) -> None:
    monkeypatch.setattr(kit, "settings", replace(kit.settings, lane="on"))
    app = Flask("host")
    Dinnerkit(app, kit=kit, **options)
    assert isinstance(app.wsgi_app, Lane)
    assert dispatched(app) == 1


def test_what_stands_around_the_app_already_sees_each(kit: Kit, ids: list[str], dispatched: Callable[..., int]) -> None:
    app = Flask("host")
    app.wsgi_app = partial(app.wsgi_app)  # type: ignore[method-assign]
    Dinnerkit(app, kit=kit, whole_app=True)
    assert dispatched(app) == 1


@pytest.mark.parametrize(("error", "status"), [(Unavailable("later"), b"503"), (RuntimeError("secret"), b"500")])
def test_what_fails_is_done_once_counted_once_and_told_as_ever(
    pair: Pair, monkeypatch: pytest.MonkeyPatch, error: Exception, status: bytes
) -> None:
    called: list[dict[str, Any]] = []

    def fail(*_: Any, **__: Any) -> None:
        called.append(structlog.contextvars.get_contextvars())
        raise error

    monkeypatch.setattr(EventService, "upcoming_encoded", fail)
    before = answers(pair.ahead)
    found = pair.agree("/v1/events?limit=7")

    assert found[0].encode().startswith(status)
    assert b"secret" not in found[2]
    assert [about.get("request_id") for about in called] == [SENT] * 3
    assert answers(pair.ahead) - before == 1
    assert "request_id" not in structlog.contextvars.get_contextvars()


def test_each_answer_is_counted_once(pair: Pair) -> None:
    before = answers(pair.ahead)
    for url in ("/v1/events?limit=4", "/v1/events?limit=none"):
        ask(pair.ahead, url)
    assert answers(pair.ahead) - before == 2


def answers(app: Flask, about: str = "events") -> float:
    """How many the metrics tell of, of lists of events or of what else lies there."""
    page, counted = app.test_client().get("/metrics").text.splitlines(), f'dinnerkit_http_requests_total{{method="GET",route="/v1/{about}'
    return sum(float(line.split()[-1]) for line in page if line.startswith(counted))


def test_one_request_too_many_is_refused_as_ever_and_counted_once(kit: Kit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hits: list[Any] = []
    genuine = RequestLimits._hit

    def hit(limits: RequestLimits, windows: Any) -> Any:
        hits.append(windows)
        return genuine(limits, windows)

    monkeypatch.setattr(RequestLimits, "_hit", hit)
    few = Settings(**settings_for_tests(kit.backends.database.url, tmp_path, lane="auto", rate_limit="3 per hour", limiter="memory://"))
    with Kit.open(few, clock=StandingClock()) as opened:
        heard(opened)
        app = create_app(kit=opened)
        found = [ask(app, f"/v1/events?limit={number}") for number in range(1, 6)]
    assert [status for status, _, _ in found] == ["200 OK"] * 3 + ["429 TOO MANY REQUESTS"] * 2
    assert [dict(told)["X-RateLimit-Remaining"] for _, told, _ in found] == ["2", "1", "0", "0", "0"]
    assert "Retry-After" in dict(found[-1][1])
    assert len(hits) == 5


def test_hosts_that_the_app_does_not_take_are_refused_by_it(pair: Pair, kit: Kit) -> None:
    app = create_app(kit=kit)
    app.config["TRUSTED_HOSTS"] = ["example.org"]
    assert ask(app, "/v1/events", Host="example.org")[0] == "200 OK"
    assert ask(app, "/v1/events", Host="evil.example")[0] == "400 BAD REQUEST"


def test_doors_are_remembered_within_a_bound(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    app = create_app(kit=kit)
    assert isinstance(app.wsgi_app, Lane)
    direct = app.wsgi_app._direct
    assert isinstance(direct, Direct)
    for number in range(300):
        ask(app, "/v1/events?limit=1", Host=f"host-{number}.example")
        assert 0 < len(direct._doors) <= 256


def test_what_begins_while_a_kept_list_is_looked_at_is_not_given(kit: Kit, pair: Pair) -> None:
    assert isinstance(kit.clock, StandingClock)
    soon = published(kit, starts_at=kit.clock() + timedelta(hours=1), city="Faro")
    assert soon.encode() in pair.agree("/v1/events?city=Faro")[2]
    kit.clock.advance(hours=1)
    assert soon.encode() not in pair.agree("/v1/events?city=Faro")[2]
