"""Requests that come again byte for byte: answered as the first time, and by the app where anything might be another."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from types import SimpleNamespace
from typing import IO, Any

import flask
import pytest
from gunicorn.config import Config
from gunicorn.glogging import Logger
from werkzeug.middleware.proxy_fix import ProxyFix

from dinnerkit.serving import repeats
from dinnerkit.serving.repeats import Alone, Repeats, app_alone, nobody_looks
from tests.serving.gunicorns import OURS, Gunicorn, drained, gunicorn, in_pieces, need_parser, plainly, statuses
from tests.waiting import DEADLINE


def test_a_head_is_remembered_when_it_comes_for_the_second_time() -> None:
    known = Repeats()
    again: Any = object()
    known.learn(b"a", again)
    assert known.get(b"a") is None
    known.learn(b"a", again)
    assert known.get(b"a") is again
    known.learn(b"a", None)
    assert known.get(b"a") is None


def test_so_many_are_remembered_and_no_long_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeats, "MOST", 10)
    known = Repeats()
    for number in range(100):
        for _ in range(2):
            known.learn(b"%d" % number, None)
            known.learn(b"x" * repeats.LONGEST + b"%d" % number, None)
    assert len(known) == 10


def lane_like() -> Any:
    return type("Lane", (), {"__module__": "dinnerkit.http.lane.lane", "ahead": lambda _, environ, prepare: (environ, prepare)})()


def test_only_a_lane_with_nothing_around_it_is_asked_by_itself() -> None:
    app = flask.Flask("a")
    assert app_alone(app) is None
    app.wsgi_app = lane = lane_like()
    found = app_alone(app)
    assert found == Alone(lane, lane.ahead, by_head=True)
    app.wsgi_app = proxies = ProxyFix(lane)
    found = app_alone(app)
    assert found is not None
    assert (found.outermost, found.by_head) == (proxies, False)
    environ = {"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": "192.0.2.1, 192.0.2.2"}
    assert found.ahead(environ, "prepare") == (environ, "prepare")
    assert environ["REMOTE_ADDR"] == "192.0.2.2"
    assert proxies.app is lane
    app.wsgi_app = ProxyFix(print)
    assert app_alone(app) is None
    app.wsgi_app = type("OwnFix", (ProxyFix,), {})(lane)
    assert app_alone(app) is None
    app.wsgi_app = lambda environ, start_response: lane(environ | {"seen": True}, start_response)
    assert app_alone(app) is None
    assert app_alone(lane) is None
    assert app_alone(SimpleNamespace(wsgi_app=lane)) is None
    assert app_alone(print) is None


class Calls(flask.Flask):
    """An app that looks at each request itself."""

    def __call__(self, environ: Any, start_response: Any) -> Any:
        return super().__call__(environ, start_response)


def test_an_app_of_another_kind_is_not_asked_so() -> None:
    app = Calls("a")
    app.wsgi_app = lane_like()
    assert app_alone(app) is None


class Own(Logger):
    def access(self, *_: Any) -> None:
        """Somebody's own."""


@pytest.mark.parametrize(
    ("settings", "kind", "expected"),
    [
        ({}, Logger, True),
        ({"accesslog": "-"}, Logger, False),
        ({"loglevel": "debug"}, Logger, False),
        ({"pre_request": lambda _worker, _req: None}, Logger, False),
        ({"post_request": lambda _worker, _req: None}, Logger, False),
        ({}, Own, False),
    ],
)
def test_hooks_and_logs_see_each_request(settings: Any, kind: type[Logger], expected: bool) -> None:
    cfg = Config()
    for name, value in settings.items():
        cfg.set(name, value)
    assert nobody_looks(cfg, kind(cfg)) is expected


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gunicorn]:
    need_parser("c")
    with gunicorn(OURS, "keeps()", tmp_path_factory.mktemp("kept"), "--forwarded-allow-ips", "127.0.0.2") as running:
        yield running


def asking(path: bytes, fields: bytes = b"", method: bytes = b"GET", version: bytes = b"HTTP/1.1") -> bytes:
    return method + b" " + path + b" " + version + b"\r\nHost: a\r\n" + fields + b"\r\n"


def one_by_one(served: Gunicorn, *sent: bytes) -> bytes:
    """What is answered, where each is sent once all before it is answered; what has no end of a head is read by itself."""
    answers = b""
    with served.connect() as connection, connection.makefile("rb") as come:
        for requests in sent:
            connection.sendall(requests)
            if not requests.endswith((b"\r\n\r\n", b"abc")):
                served.pace()
                continue
            for _ in range(max(1, requests.count(b" HTTP/1."))):
                answers += answer_from(come, has_body=not requests.startswith(b"HEAD"))
    return answers


def answer_from(come: IO[bytes], *, has_body: bool) -> bytes:
    head = b"".join(iter(come.readline, b"\r\n")) + b"\r\n"
    if b"Transfer-Encoding: chunked" in head:
        return head + b"".join(iter(come.readline, b"0\r\n")) + b"0\r\n" + come.readline()
    length = re.search(rb"Content-Length: (\d+)", head)
    if not has_body:
        return head
    return head + (come.read(int(length[1])) if length else come.read())


LAST = asking(b"/last", b"Connection: close\r\n")


def roads(answers: bytes) -> list[str]:
    """By which road each answer but the last came."""
    return [found.decode() for found in re.findall(rb"X-(Asked|Again): 127", answers)][:-1]


def test_the_third_time_it_is_answered_again_and_the_same(served: Gunicorn) -> None:
    answers = plainly(one_by_one(served, *[asking(b"/a?b=1")] * 4, LAST))
    assert roads(answers) == ["Asked", "Asked", "Again", "Again"]
    one, two, three, four, _ = answers.split(b"HTTP/1.1 200 OK\r\n")[1:]
    assert one == two
    assert three == four == one.replace(b"X-Asked", b"X-Again")
    assert one.endswith(b"\r\n\r\nhttp /a b=1")


def test_a_head_that_comes_in_pieces_is_known_too(served: Gunicorn) -> None:
    request = asking(b"/pieces")
    pieces = in_pieces(request, [1, 20, len(request) - 6])
    assert roads(one_by_one(served, request, request, *pieces, LAST)) == ["Asked", "Asked", "Again"]


def test_what_is_sent_at_once_with_more_is_read(served: Gunicorn) -> None:
    request = asking(b"/more")
    answers = one_by_one(served, *[request] * 3, request + asking(b"/smuggled"), request * 2, LAST)
    assert roads(answers) == ["Asked", "Asked", "Again", "Asked", "Asked", "Asked", "Again"]
    assert re.findall(rb"http /(\w+) ", answers) == [b"more"] * 4 + [b"smuggled"] + [b"more"] * 2 + [b"last"]


@pytest.mark.parametrize(
    "request_",
    [
        asking(b"/declines"),
        asking(b"/body", b"Content-Length: 3\r\n") + b"abc",
        asking(b"/long", b"X: " + b"x" * repeats.LONGEST + b"\r\n"),
    ],
    ids=["declined", "body", "long"],
)
def test_it_is_asked_each_time(served: Gunicorn, request_: bytes) -> None:
    assert roads(one_by_one(served, *[request_] * 4, LAST)) == ["Asked"] * 4


@pytest.mark.parametrize(
    "request_", [asking(b"/close", b"Connection: close\r\n"), asking(b"/old", version=b"HTTP/1.0")], ids=["close", "HTTP/1.0"]
)
def test_what_ends_the_connection_is_not_remembered(served: Gunicorn, request_: bytes) -> None:
    for _ in range(4):
        assert b"X-Asked: 127" in one_by_one(served, request_)


def test_a_head_has_no_body_this_way_either(served: Gunicorn) -> None:
    answers = one_by_one(served, *[asking(b"/head", method=b"HEAD")] * 4, LAST)
    assert roads(answers) == ["Asked", "Asked", "Again", "Again"]
    assert re.findall(rb"http /(\w+) ", answers) == [b"last"]


def test_a_body_of_no_told_length_ends_with_the_connection(served: Gunicorn) -> None:
    answers = one_by_one(served, *[asking(b"/endless")] * 2)
    assert answers.count(b"Transfer-Encoding: chunked") == 2
    answer = one_by_one(served, asking(b"/endless"))
    assert b"Connection: close\r\n" in answer
    assert answer.endswith(b"\r\n\r\nhttp /endless ")


def test_whose_word_counts_is_not_answered_for_those_whose_does_not(served: Gunicorn) -> None:
    request = asking(b"/scheme", b"X-Forwarded-Proto: https\r\n")
    for source, scheme in (("127.0.0.2", b"https"), ("127.0.0.1", b"http"), ("127.0.0.2", b"https")):
        for _ in range(3):
            with socket.create_connection(("127.0.0.1", served.port), timeout=DEADLINE, source_address=(source, 0)) as connection:
                connection.sendall(request)
                connection.shutdown(socket.SHUT_WR)
                answer = drained(connection)
            assert answer.endswith(b"\r\n\r\n" + scheme + b" /scheme ")
            assert f": {source}\r\n".encode() in answer


def test_nothing_breaks_out_of_its_line(served: Gunicorn) -> None:
    answers = one_by_one(served, *[asking(b"/evil")] * 3)
    assert statuses(answers) == [200, 200, 500]
    assert b"Evil" not in answers


AHEAD = asking(b"/ahead")


def test_the_lane_answers_the_first_time_too(served: Gunicorn) -> None:
    answers = plainly(
        one_by_one(served, *[asking(b"/ahead?b=1", b"X-Trace: %d\r\n" % number) for number in range(3)], AHEAD, AHEAD, AHEAD, LAST)
    )
    assert roads(answers) == ["Again"] * 6
    assert answers.count(b"\r\n\r\nhttp /ahead b=1") == 3
    assert answers.count(b"\r\n\r\nhttp /ahead HTTP") == 3


def test_several_at_once_are_each_answered(served: Gunicorn) -> None:
    answers = one_by_one(served, AHEAD + asking(b"/ahead/2", b"Content-Length: 0\r\n") + asking(b"/app") + AHEAD, LAST)
    assert roads(answers) == ["Again", "Again", "Asked", "Again"]
    assert re.findall(rb"http (/\S+) ", answers) == [b"/ahead", b"/ahead/2", b"/app", b"/ahead", b"/last"]


@pytest.mark.parametrize(
    "request_",
    [
        asking(b"/ahead/declines"),
        asking(b"/ahead", b"Content-Length: 3\r\n") + b"abc",
        asking(b"/ahead", b"Connection: close\r\n"),
        asking(b"/ahead", version=b"HTTP/1.0"),
    ],
    ids=["declined", "body", "close", "HTTP/1.0"],
)
def test_the_app_is_asked_for_all_else(served: Gunicorn, request_: bytes) -> None:
    answer = one_by_one(served, request_)
    assert b"X-Asked: 127" in answer
    assert b"X-Again" not in answer


def test_nor_has_a_head_a_body_ahead_of_the_app(served: Gunicorn) -> None:
    answers = one_by_one(served, asking(b"/ahead", method=b"HEAD"), LAST)
    assert roads(answers) == ["Again"]
    assert re.findall(rb"http /(\w+) ", answers) == [b"last"]


def test_an_answer_of_no_told_length_ends_the_connection(served: Gunicorn) -> None:
    answer = one_by_one(served, asking(b"/ahead/endless"))
    assert b"Connection: close\r\n" in answer
    assert answer.endswith(b"\r\n\r\nhttp /ahead/endless ")


def test_nothing_breaks_out_of_its_line_ahead_of_the_app(served: Gunicorn) -> None:
    answers = one_by_one(served, asking(b"/ahead/evil"))
    assert statuses(answers) == [500]
    assert b"Evil" not in answers


@pytest.fixture(scope="module")
def behind_proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gunicorn]:
    need_parser("c")
    with gunicorn(OURS, "keeps_behind_proxy()", tmp_path_factory.mktemp("proxied"), "--forwarded-allow-ips", "") as running:
        yield running


def test_behind_a_proxy_each_is_answered_for_who_asks(behind_proxy: Gunicorn) -> None:
    for _ in range(3):  # byte for byte the same, which is not learned
        for told, address, scheme in (
            (b"192.0.2.7", b"192.0.2.7", b"https"),
            (b"192.0.2.8", b"192.0.2.8", b"http"),
            (b"", b"127.0.0.1", b"http"),
        ):
            fields = b"X-Forwarded-Proto: %b\r\n" % scheme + (b"X-Forwarded-For: %b\r\n" % told if told else b"")
            for path, road in ((b"/ahead", b"X-Again: "), (b"/app", b"X-Asked: ")):
                answer = one_by_one(behind_proxy, asking(path, fields))
                assert b"\r\n" + road + address + b"\r\n" in answer
                assert answer.endswith(b"\r\n\r\n" + scheme + b" " + path + b" ")
