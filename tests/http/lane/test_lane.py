"""What is kept, for whom, and for whom never."""

from __future__ import annotations

import gzip
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier, Event
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import create_environ

from dinnerkit.backends.bus.memory import MemoryBus
from dinnerkit.http.lane import lane
from dinnerkit.http.lane.flights import Flight
from dinnerkit.http.lane.negotiation import _encoding_for, encoding_for, has_already
from dinnerkit.http.lane.purging import Purges
from dinnerkit.http.lane.routes import Kept, Route, _normal
from dinnerkit.http.metrics import Metrics
from dinnerkit.http.mount import EXTENSION_KEY
from dinnerkit.ids import new_id
from dinnerkit.testing import StandingClock
from tests.http.lane.conftest import Open, Things
from tests.waiting import DEADLINE

LIST = "/x/v1/things"
ID = new_id()


def made(app: Flask, path: str = LIST, **options: Any) -> int:
    response = app.test_client().get(path, **options)
    assert response.status_code == 200, response.data
    return response.json["made"]


def test_an_answer_is_made_once_and_given_to_all(app: Flask) -> None:
    assert [made(app) for _ in range(3)] == [1, 1, 1]
    assert [made(app, f"{LIST}/{ID}") for _ in range(3)] == [2, 2, 2]


def test_it_carries_all_that_it_did_when_it_was_made(app: Flask) -> None:
    first, second = (app.test_client().get(LIST) for _ in range(2))

    own = {"X-Request-Id"}
    assert {name: value for name, value in first.headers if name not in own} == {n: v for n, v in second.headers if n not in own}
    assert second.headers["Surrogate-Key"] == "things city:"
    assert second.headers["Vary"] == "Accept-Encoding"
    assert second.headers["X-Content-Type-Options"] == "nosniff"
    assert first.headers["X-Request-Id"] != second.headers["X-Request-Id"]


@pytest.mark.parametrize(
    ("sent", "taken"), [("abc-12345", True), ("a\tb-123456", False), ("x" * 129, False), ("short", False), ("", False)]
)
def test_a_sane_request_id_is_taken_over(app: Flask, sent: str, taken: bool) -> None:
    made(app)
    assert (app.test_client().get(LIST, headers={"X-Request-Id": sent}).headers["X-Request-Id"] == sent) is taken


def test_who_has_it_gets_304_and_who_wants_the_head_gets_that(app: Flask) -> None:
    client = app.test_client()
    whole = client.get(LIST)
    etag = whole.headers["ETag"]

    for told in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        response = client.get(LIST, headers={"If-None-Match": told})
        assert (response.status_code, response.data) == (304, b"")
        assert response.headers["ETag"] == etag
        assert response.headers["Cache-Control"] == whole.headers["Cache-Control"]
        assert "Content-Type" not in response.headers
    assert client.get(LIST, headers={"If-None-Match": '"other"'}).data == whole.data
    head = client.head(LIST)
    assert (head.data, head.headers["Content-Length"]) == (b"", str(len(whole.data)))


def test_who_asks_first_and_has_it_already_has_it_made_for_all(app: Flask, things: Things, purges: Purges) -> None:
    things.counting = False
    client = app.test_client()
    etag = client.get(LIST).headers["ETag"]
    purges.purge("things")
    assert client.get(LIST, headers={"If-None-Match": etag}).status_code == 304
    assert client.get(LIST).status_code == 200
    assert things.made[LIST] == 2


@pytest.mark.parametrize("name", ["cookie", "unnamed", "long"])
def test_who_has_what_is_not_kept_gets_304_too(app: Flask, name: str) -> None:
    client = app.test_client(use_cookies=False)
    etag = client.get(f"/x/v1/{name}").headers["ETag"]
    response = client.get(f"/x/v1/{name}", headers={"If-None-Match": etag})
    assert (response.status_code, response.data, response.headers["ETag"]) == (304, b"", etag)
    assert client.get(f"/x/v1/{name}", headers={"If-None-Match": '"other"'}).status_code == 200


def test_each_encoding_is_kept_with_an_etag_of_its_own(app: Flask) -> None:
    client = app.test_client()
    plain = client.get(LIST)
    zipped = client.get(LIST, headers={"Accept-Encoding": "gzip"})

    assert zipped.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(zipped.data) == plain.data
    assert int(zipped.headers["Content-Length"]) == len(zipped.data) < len(plain.data)
    assert zipped.headers["ETag"] != plain.headers["ETag"]
    assert client.get(LIST, headers={"Accept-Encoding": "gzip", "If-None-Match": zipped.headers["ETag"]}).status_code == 304
    assert client.get(LIST, headers={"Accept-Encoding": "gzip", "If-None-Match": plain.headers["ETag"]}).status_code == 200
    assert "Content-Encoding" not in client.get(LIST).headers
    assert made(app) == 1


def test_what_is_short_is_not_compressed(app: Flask) -> None:
    response = app.test_client().get(f"{LIST}/{ID}", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in response.headers
    assert response.headers["Vary"] == "Accept-Encoding"


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("", "identity"),
        ("gzip", "gzip"),
        ("GZip", "gzip"),
        ("gzip;q=0", "identity"),
        ("gzip;q=0, *;q=0", "identity"),
        ("identity, gzip;q=0.5", "identity"),
        ("identity;q=0.5, gzip;q=0.6", "gzip"),
        ("deflate", "identity"),
        ("gzip;q=2", "identity"),
        ("gzip\x00", "identity"),
        ("q=;;,,gzip;q", "gzip"),
        ("gzip" + "," * 600, "identity"),
    ],
)
def test_the_encoding_is_one_that_is_wanted(accepted: str, encoding: str) -> None:
    assert encoding_for(accepted) == encoding


def test_brotli_is_preferred_where_it_is_there() -> None:
    pytest.importorskip("brotli")
    assert encoding_for("gzip, br") == encoding_for("*") == "br"
    assert encoding_for("gzip, br;q=0.9") == "gzip"


def test_etags_are_compared_weakly_and_long_lists_not_at_all() -> None:
    assert has_already('W/"a"', '"a"')
    assert not has_already('"b"', '"a"')
    assert not has_already('"b",' * 200 + '"a"', '"a"')


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-Host": "evil.example"},
        {"X-Forwarded-Proto": "gopher", "X-Forwarded-Prefix": "/evil", "Forwarded": "host=evil.example"},
        {"X-Original-URL": "/x/v1/personal", "X-Rewrite-URL": "/x/v1/personal"},
        {"Accept-Language": "xx;q=junk,,;", "Accept": "text/html", "User-Agent": "\x7f"},
        {"Origin": "https://evil.example", "Referer": "https://evil.example", "X-Forwarded-For": "192.0.2.1"},
        {"Cache-Control": "no-cache", "Pragma": "no-cache"},
    ],
    ids=lambda headers: next(iter(headers)),
)
def test_no_header_of_one_request_is_in_the_answer_to_another(app: Flask, headers: dict[str, str]) -> None:
    client = app.test_client()
    poisoned = client.get("/x/v1/here", headers=headers)
    clean = client.get("/x/v1/here")

    assert b"evil" not in poisoned.data + clean.data
    assert poisoned.data == clean.data
    assert not any("evil" in value for _, value in clean.headers)


def test_each_host_has_answers_of_its_own(app: Flask) -> None:
    client = app.test_client()

    assert client.get("/x/v1/here", headers={"Host": "evil.example"}).json == {"host": "http://evil.example/"}
    assert client.get("/x/v1/here").json == {"host": "http://localhost/"}
    assert client.get("/x/v1/here", base_url="https://localhost/").json == {"host": "https://localhost/"}


def test_who_names_no_host_or_an_endless_one_is_answered_by_the_app(app: Flask, things: Things) -> None:
    made(app)
    for _ in range(2):
        app.test_client().get(LIST, environ_overrides={"HTTP_HOST": ""})
    assert things.made.total() == 3
    assert app.test_client().get(LIST, environ_overrides={"HTTP_HOST": "x" * 256}).status_code == 400


def test_each_mount_has_answers_of_its_own(app: Flask) -> None:
    client = app.test_client()

    assert client.get("/x/v1/here", environ_overrides={"SCRIPT_NAME": "/mounted"}).json == {"host": "http://localhost/mounted/"}
    assert client.get("/x/v1/here").json == {"host": "http://localhost/"}


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer guest:anna"},
        {"Cookie": "session=1"},
        {"Range": "bytes=0-1"},
        {"If-Match": '"a"'},
        {"If-Range": '"a"'},
        {"If-Modified-Since": "Thu, 26 Nov 2026 00:00:00 GMT"},
        {"X-HTTP-Method-Override": "DELETE"},
        {"Proxy-Authorization": "Basic YTpi"},
        {"Expect": "100-continue"},
    ],
    ids=lambda headers: next(iter(headers)),
)
def test_who_is_somebody_or_wants_something_is_answered_by_the_app_and_nobody_else_gets_that(
    app: Flask, things: Things, headers: dict[str, str]
) -> None:
    client = app.test_client(use_cookies=False)
    client.get(LIST, headers=headers)
    assert made(app) == 2
    client.get(LIST, headers=headers)
    assert things.made[LIST] == 3
    assert made(app) == 2


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE"])
def test_other_methods_are_the_apps(app: Flask, method: str) -> None:
    made(app)
    response = app.test_client().open(LIST, method=method)
    assert response.status_code in {200, 405}
    assert response.headers.get("ETag") is None
    assert made(app) == 1


def test_a_body_is_for_the_app(app: Flask, things: Things) -> None:
    made(app)
    app.test_client().get(LIST, data=b"x")
    assert things.made[LIST] == 2


@pytest.mark.parametrize(
    ("one", "other"),
    [("city=a&page=1", "page=1&city=a"), ("city=a%20b", "city=a+b"), ("city=%61", "city=a"), ("city=%c3%a9", "city=%C3%A9"), ("", "")],
)
def test_one_question_has_one_answer_however_it_is_written(app: Flask, one: str, other: str) -> None:
    assert made(app, f"{LIST}?{one}") == made(app, f"{LIST}?{other}")


@pytest.mark.parametrize(
    ("one", "other"),
    [("city=a", "city=A"), ("city=a", "city=a%00"), ("city=a%26page=1", "city=a&page=1"), ("city=", "city=a"), ("city=a", "")],
)
def test_two_questions_have_two(app: Flask, one: str, other: str) -> None:
    first, second = (app.test_client().get(f"{LIST}?{query}").json for query in (one, other))
    assert first["wanted"] != second["wanted"]


@pytest.mark.parametrize(
    "query",
    [
        "city=a&city=b",
        "city=a&city=a",
        "town=a",
        "city",
        "city=a;page=1&x=1",
        "city=%ff",
        "city=a&&page=1",
        "&".join(f"city{n}=a" for n in range(40)),
        "city=" + "a" * 600,
        "__proto__=1",
        "city[]=a",
    ],
)
def test_what_could_be_understood_in_two_ways_is_the_apps(query: str) -> None:
    assert Route("", Kept(1.0, frozenset({"city", "page"}))).normal(query) is None


def test_long_texts_are_not_remembered(app: Flask) -> None:
    _normal.cache_clear()
    _encoding_for.cache_clear()
    long = "x" * 600
    app.test_client().get(f"{LIST}?city={long}")
    app.test_client().get(LIST, headers={"Accept-Encoding": long, "If-None-Match": f'"{long}"'})
    assert _normal.cache_info().currsize == _encoding_for.cache_info().currsize == 0


@pytest.mark.parametrize(
    "path",
    [
        "/x/v1/things/",
        "/x/v1//things",
        "/x/v1/./things",
        "/x/v1/../v1/things",
        "/x/v1/THINGS",
        "/x/v1/things%2F",
        "/x/v1/things\x00",
    ],
)
def test_other_paths_are_the_apps(app: Flask, path: str) -> None:
    made(app)
    assert app.test_client().get("/", environ_overrides={"PATH_INFO": path, "QUERY_STRING": ""}).status_code == 404
    assert made(app) == 1


@pytest.mark.parametrize("more", [{"PATH_INFO": "//x/v1/things"}, {"REQUEST_METHOD": "get"}], ids=["slashes", "small letters"])
def test_what_the_app_takes_for_the_same_it_answers_by_itself(app: Flask, things: Things, more: dict[str, str]) -> None:
    made(app)
    for _ in range(2):
        app.test_client().get(LIST, environ_overrides=more)
    assert things.made.total() == 3
    assert made(app) == 1


def test_what_is_no_id_is_the_apps(app: Flask, things: Things) -> None:
    for _ in range(2):
        app.test_client().get(f"{LIST}/nobody")
    assert things.made[f"{LIST}/nobody"] == 2


@pytest.mark.parametrize(
    "name", ["plain", "cookie", "star", "personal", "failing", "missing", "dripping", "unnamed", "sealed", "second_hand", "long"]
)
def test_what_may_not_be_kept_is_not(app: Flask, things: Things, name: str) -> None:
    answers = [app.test_client(use_cookies=False).get(f"/x/v1/{name}") for _ in range(2)]
    assert things.made[f"/x/v1/{name}"] == 2
    assert answers[0].status_code == answers[1].status_code
    if answers[0].status_code == 200:
        assert answers[0].data == answers[1].data


def test_each_request_is_counted_once_by_the_metrics(app: Flask) -> None:
    client = app.test_client(use_cookies=False)
    etag = client.get(LIST).headers["ETag"]
    client.get(LIST)
    client.head(LIST)
    client.get(LIST, headers={"If-None-Match": etag})
    client.get("/x/v1/cookie")
    client.get("/x/v1/missing")
    client.get("/x/v1/failing")

    page = app.extensions[EXTENSION_KEY].services[Metrics].page().get_data(as_text=True)
    lines = dict(line.rsplit(" ", 1) for line in page.splitlines() if line.startswith("dinnerkit_http_requests_total"))
    found = {tuple(part.split('"')[1] for part in name.split(",")): float(count) for name, count in lines.items()}
    assert found == {
        ("GET", "/x/v1/things", "200"): 2,
        ("HEAD", "/x/v1/things", "200"): 1,
        ("GET", "/x/v1/things", "304"): 1,
        ("GET", "/x/v1/cookie", "200"): 1,
        ("GET", "/x/v1/missing", "404"): 1,
        ("GET", "/x/v1/failing", "500"): 1,
    }


@pytest.mark.parametrize("rate", ["3 per minute", "3 per minute; 100 per hour", "3 per hour; 3 per minute"])
def test_the_rate_limit_counts_here_and_there_together(open_app: Open, rate: str) -> None:
    app = open_app(rate=rate)
    client = app.test_client()

    ways = [client.get(LIST), client.get(LIST), client.get("/x/v1/plain"), client.get(LIST), client.get("/x/v1/plain"), client.get(LIST)]

    assert [way.status_code for way in ways] == [200, 200, 200, 429, 429, 429]
    assert [way.headers["X-RateLimit-Remaining"] for way in ways] == ["2", "1", "0", "0", "0", "0"]
    assert ways[0].headers["X-RateLimit-Reset"] == ways[1].headers["X-RateLimit-Reset"]
    assert {way.headers["X-RateLimit-Limit"] for way in ways} == {"3"}
    assert ways[3].json["code"] == "rate_limited"
    assert ways[3].headers["Content-Type"] == "application/problem+json"
    assert client.get(LIST, environ_base={"REMOTE_ADDR": "192.0.2.9"}).status_code == 200


def test_what_is_purged_is_made_again_and_nothing_else(app: Flask, purges: Purges) -> None:
    assert [made(app, f"{LIST}?city={city}") for city in "ab"] == [1, 2]
    purges.purge("city:a")
    assert [made(app, f"{LIST}?city={city}") for city in "ab"] == [3, 2]
    purges.purge("things")
    assert [made(app, f"{LIST}?city={city}") for city in "ab"] == [4, 5]
    purges.purge("other")
    assert [made(app, f"{LIST}?city={city}") for city in "ab"] == [4, 5]


def test_what_was_begun_before_a_purge_is_not_kept_after_it(app: Flask, things: Things, purges: Purges) -> None:
    things.meanwhile = lambda: purges.purge("city:a")
    assert made(app, f"{LIST}?city=a") == 1
    things.meanwhile = lambda: purges.purge("city:b")
    assert made(app, f"{LIST}?city=a") == 2
    assert made(app, f"{LIST}?city=a") == 2


def test_an_answer_ends_with_its_time(open_app: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    app = open_app()
    made(app)
    now = lane.time.monotonic()
    monkeypatch.setattr(lane.time, "monotonic", lambda: now + 59)
    assert made(app) == 1
    monkeypatch.setattr(lane.time, "monotonic", lambda: now + 67)
    assert made(app) == 2


def test_an_answer_ends_when_it_is_no_longer_true(app: Flask, things: Things, clock: StandingClock) -> None:
    things.until = clock() + timedelta(minutes=1)
    made(app)
    clock.advance(seconds=59)
    assert made(app) == 1
    clock.advance(seconds=1)
    assert [made(app), made(app)] == [2, 3]


def many(app: Flask, number: int, path: str = LIST) -> list[Any]:
    """So many requests that are all there before the first is answered."""
    together = Barrier(number, timeout=DEADLINE)

    def ask(_: int) -> Any:
        together.wait()
        return app.test_client().get(path)

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(ask, range(number)))


def test_fifty_who_want_the_same_at_once_have_it_made_once(app: Flask, things: Things, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting, all_wait = [], Event()
    wait = Flight.wait

    def told(flight: Any, seconds: float) -> Any:
        waiting.append(1)
        if len(waiting) == 49:
            all_wait.set()
        return wait(flight, seconds)

    monkeypatch.setattr(Flight, "wait", told)
    things.meanwhile = lambda: all_wait.wait(DEADLINE)

    assert {response.json["made"] for response in many(app, 50)} == {1}
    assert things.made[LIST] == 1


def test_where_the_one_who_makes_it_fails_the_others_have_it_made_for_themselves(app: Flask, things: Things) -> None:
    assert [response.status_code for response in many(app, 10, "/x/v1/failing")] == [500] * 10
    assert things.made["/x/v1/failing"] == 10


def test_who_waits_too_long_has_it_made_for_itself(app: Flask, things: Things, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane, "WAIT_SECONDS", 0.01)
    both = Barrier(2, timeout=DEADLINE)
    things.meanwhile = both.wait

    assert {response.json["made"] for response in many(app, 2)} == {2}
    assert things.made[LIST] == 2


def test_who_comes_after_a_change_waits_for_nothing_that_was_begun_before(app: Flask, things: Things, purges: Purges) -> None:
    begun, go_on = Event(), Event()

    def first_waits() -> None:
        if things.made[LIST] == 1:
            begun.set()
            assert go_on.wait(DEADLINE)

    things.meanwhile = first_waits
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(made, app)
        assert begun.wait(DEADLINE)
        purges.purge("things")
        assert made(app) == 2
        go_on.set()
        slow.result(30)
    assert made(app) == 2


def test_while_one_makes_it_anew_the_others_are_given_the_old_one(app: Flask, things: Things, monkeypatch: pytest.MonkeyPatch) -> None:
    made(app)
    now = lane.time.monotonic()
    monkeypatch.setattr(lane.time, "monotonic", lambda: now + 61)
    begun, go_on = Event(), Event()

    def wait() -> None:
        begun.set()
        assert go_on.wait(DEADLINE)

    things.meanwhile = wait
    with ThreadPoolExecutor(1) as pool:
        anew = pool.submit(made, app)
        assert begun.wait(DEADLINE)
        assert [made(app) for _ in range(3)] == [1] * 3
        go_on.set()
        assert anew.result(30) == 2
    assert made(app) == 2


class DeafBus(MemoryBus):
    """Hands out nothing."""

    def publish(self, *_: Any) -> None: ...


def test_where_changes_were_never_heard_nothing_is_kept(open_app: Open) -> None:
    app = open_app(heard=Purges(DeafBus()))
    assert [made(app) for _ in range(3)] == [1, 2, 3]


def test_while_changes_are_not_heard_answers_live_for_two_seconds(app: Flask, purges: Purges, monkeypatch: pytest.MonkeyPatch) -> None:
    made(app)
    purges.unheard()
    now = lane.time.monotonic()
    assert made(app) == 1
    monkeypatch.setattr(lane.time, "monotonic", lambda: now + lane.UNHEARD_SECONDS + 0.1)
    assert [made(app), made(app)] == [2, 2]


def test_so_many_bytes_are_kept_and_no_more_whoever_asks(open_app: Open, purges: Purges) -> None:
    app = open_app(most_bytes=1 << 20)
    shelf = next(iter(purges._kept))
    for page in range(600):
        app.test_client().get(f"{LIST}?page={page}", headers={"Accept-Encoding": "gzip", "Host": f"host-{page % 7}"})
    assert 100 < len(shelf) < 300
    assert shelf.bytes <= 1 << 20
    assert shelf.bytes == sum(answer.size for answer in shelf._entries.values())
    purges.forget_all()
    assert (len(shelf), shelf.bytes, dict(shelf._about)) == (0, 0, {})


ASKED = st.tuples(
    st.sampled_from(["/x/v1/things", "/x/v1/cookie", "/x/v1/personal", f"/x/v1/things/{ID}", "/x/v1/here", "/x/v1/missing"]),
    st.lists(st.tuples(st.sampled_from(["city", "page", "x"]), st.sampled_from(["", "a", "1", "é", "a&b", "%"])), max_size=3),
    st.dictionaries(
        st.sampled_from(["Host", "Accept-Encoding", "Cookie", "Authorization", "If-None-Match", "X-Forwarded-Host", "Range"]),
        st.sampled_from(["a", "gzip", "*", "gzip;q=0", "Bearer guest:anna", "Bearer wrong", 'W/"a"', "localhost"]),
        max_size=3,
    ),
    st.sampled_from(["GET", "HEAD", "POST", "OPTIONS"]),
)


@given(st.lists(ASKED, min_size=1, max_size=12))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_with_and_without_it_the_same_is_answered(app: Flask, things: Things, purges: Purges, asked: list[Any]) -> None:
    purges.forget_all()
    things.counting = False
    with_lane, without = app.wsgi_app, app.wsgi_app._app
    for path, query, headers, method in asked:
        found = []
        for way in (with_lane, without):
            app.wsgi_app = way
            response = app.test_client(use_cookies=False).open(path, method=method, query_string=query, headers=headers)
            found.append(seen(response))
        app.wsgi_app = with_lane
        assert found[0] == found[1]


def seen(response: Any) -> Any:
    """What is the same however it is encoded, but for what is of one request alone."""
    headers = {name: value for name, value in response.headers if name not in {"X-Request-Id", "Date"}}
    body = response.data
    if encoding := headers.pop("Content-Encoding", ""):
        decompress = gzip.decompress if encoding == "gzip" else pytest.importorskip("brotli").decompress
        body = decompress(body) if body else body
        del headers["Content-Length"]
        headers["ETag"] = headers["ETag"].replace(f"-{encoding}", "")
        headers["Content-Length"] = str(len(body)) if body else None
    if response.request.method == "HEAD":
        headers.pop("Content-Length", None)
    if response.is_json and response.status_code >= 400 and body:
        body = {name: value for name, value in response.json.items() if name != "request_id"}
        headers.pop("Content-Length")
    return response.status_code, headers, body


class Server:
    """A server that takes prepared headers; it notes what it is told."""

    again: Any = None

    def __init__(self) -> None:
        self.told: list[Any] = []
        self.prepared: list[str] = []

    def start_response(self, status: str, headers: Any, exc_info: Any = None) -> Any:
        self.told.append((status, headers))

    def prepare(self, status: str, headers: Any) -> Any:
        self.prepared.append(status)
        return status, headers

    def begin(self, prepared: Any, own: Any) -> None:
        status, headers = prepared
        self.told.append((status, [*headers, *own]))


def told(app: Flask, server: Server | None, wrapped: bool = False, method: str = "GET", **headers: str) -> Any:
    environ = create_environ(LIST, method=method, headers=headers, environ_base={"REMOTE_ADDR": "127.0.0.1"})
    by = server or Server()
    if server is not None:
        environ[lane.SERVER] = server

    def seen(status: str, headers: Any, exc_info: Any = None) -> Any:
        return by.start_response(status, [*headers, ("X-Seen", "1")])

    body = b"".join(app.wsgi_app(environ, seen if wrapped else by.start_response))
    status, sent = by.told[-1]
    return status, [(name, value) for name, value in sent if name != "X-Request-Id"], body


def test_a_server_that_takes_prepared_headers_prepares_them_once_and_sends_the_same(app: Flask) -> None:
    made(app)
    server = Server()
    etag = dict(told(app, None)[1])["ETag"]
    for headers in ({}, {"If-None-Match": etag}, {}, {"If-None-Match": etag}):
        assert told(app, server, **headers) == told(app, None, **headers)
    assert server.prepared == ["200 OK", "304 NOT MODIFIED"]


def test_who_stands_between_the_server_and_the_lane_sees_all_headers(app: Flask) -> None:
    made(app)
    server = Server()
    assert told(app, server, wrapped=True) == told(app, None, wrapped=True)
    assert ("X-Seen", "1") in told(app, server, wrapped=True)[1]
    assert server.prepared == []


def told_again(server: Server, address: str = "127.0.0.1") -> Any:
    found = server.again(address)
    if found is None:
        return None
    (status, headers), own, body = found
    return status, [(name, value) for name, value in [*headers, *own] if name != "X-Request-Id"], body


@pytest.mark.parametrize("headers", [{}, {"Accept-Encoding": "gzip"}, {"If-None-Match": "*"}, {"X-Request-Id": "abc-12345"}])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_the_same_request_is_answered_again_as_it_was(app: Flask, method: str, headers: dict[str, str]) -> None:
    made(app)
    server = Server()
    first = told(app, server, method=method, **headers)
    assert told_again(server) == first
    ids = [dict(server.again("127.0.0.1")[1])["X-Request-Id"] for _ in range(2)]
    assert ids == ["abc-12345"] * 2 if "X-Request-Id" in headers else ids[0] != ids[1]


def test_it_is_asked_anew_where_what_is_kept_does_not_hold(
    open_app: Open, purges: Purges, clock: StandingClock, things: Things, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, server = open_app(), Server()
    things.until = clock() + timedelta(hours=1)
    made(app)
    told(app, server)
    assert told_again(server) is not None
    with monkeypatch.context() as later:
        in_a_minute = lane.time.monotonic() + 61
        later.setattr(lane.time, "monotonic", lambda: in_a_minute)
        assert told_again(server) is None
    purges.purge("things")
    assert told_again(server) is None
    assert made(app) == 2
    assert dict(told_again(server)[1])["ETag"] == dict(told(app, None)[1])["ETag"]
    clock.advance(hours=2)
    assert told_again(server) is None


def test_what_is_answered_again_is_counted_and_refused(open_app: Open) -> None:
    app, server = open_app(rate="5 per minute"), Server()
    made(app)
    told(app, server)
    left = [told_again(server) for _ in range(5)]
    assert [dict(answer[1])["X-RateLimit-Remaining"] for answer in left if answer] == ["2", "1", "0"]
    assert left[3:] == [None, None]
    assert told_again(server, "10.0.0.1") is not None
    page = app.extensions[EXTENSION_KEY].services[Metrics].page().get_data(as_text=True)
    assert 'dinnerkit_http_requests_total{method="GET",route="/x/v1/things",status="200"} 6.0' in page


def test_only_what_is_kept_is_answered_again(app: Flask) -> None:
    server = Server()
    told(app, server)
    assert server.again is None
    told(app, server, wrapped=True)
    assert server.again is None
    told(app, server, Cookie="a=b")
    assert server.again is None
    told(app, server)
    assert server.again is not None


def told_ahead(app: Flask, server: Server, method: str = "GET", **headers: str) -> Any:
    environ = create_environ(LIST, method=method, headers=headers, environ_base={"REMOTE_ADDR": "127.0.0.1"})
    before = dict(environ)
    server.again = app.wsgi_app.ahead(environ, server.prepare)  # type: ignore[attr-defined]
    assert environ == before
    return told_again(server) if server.again is not None else None


@pytest.mark.parametrize("headers", [{}, {"Accept-Encoding": "gzip"}, {"If-None-Match": "*"}, {"X-Request-Id": "abc-12345"}])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_ahead_of_the_app_the_same_is_answered(app: Flask, method: str, headers: dict[str, str]) -> None:
    server = Server()
    assert told_ahead(app, server, method=method, **headers) is None  # nothing is kept yet
    app.test_client().get(LIST, headers={"Accept-Encoding": headers.get("Accept-Encoding", "")})
    assert told_ahead(app, server, method=method, **headers) == told(app, Server(), method=method, **headers)


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("POST", {}),
        ("OPTIONS", {}),
        ("GET", {"Cookie": "a=b"}),
        ("GET", {"Authorization": "Bearer a"}),
        ("GET", {"Range": "bytes=0-1"}),
        ("GET", {"Host": ""}),
    ],
)
def test_nothing_else_is_answered_ahead_of_the_app(app: Flask, method: str, headers: dict[str, str]) -> None:
    made(app)
    assert told_ahead(app, Server(), method=method, **headers) is None
