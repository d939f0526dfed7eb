"""Our worker understands requests as gunicorn's own gevent worker does, byte for byte, or refuses more."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.serving import corpus
from tests.serving.gunicorns import OURS, ROADS, STOCK, Gunicorn, gunicorn, in_pieces, need_parser, plainly, statuses

LAST = corpus.get(b"Connection: close\r\n", b"/last")
"""Sent after each case: its answer shows whether the connection went on, and where the next request was seen to begin."""

SETTINGS = {
    "strangers": ["--forwarded-allow-ips", ""],
    "a trusted proxy": ["--forwarded-allow-ips", "*"],
    "a trusted network": ["--forwarded-allow-ips", "10.0.0.1,127.0.0.1"],
    "underscores refused": ["--forwarded-allow-ips", "", "--header-map", "refuse"],
    "underscores passed": ["--forwarded-allow-ips", "", "--header-map", "dangerous"],
    "tight limits": ["--limit-request-line", "64", "--limit-request-fields", "4", "--limit-request-field_size", "100"],
    "wide limits": ["--limit-request-line", "0", "--limit-request-fields", "0", "--limit-request-field_size", "0"],
    "no keep-alive": ["--keep-alive", "0"],
}
OF_BOTH = ("strangers", "a trusted proxy", "underscores passed", "no keep-alive")
"""With which the corpus is gone through by the parser in Python too: it is gunicorn's own, and so are its limits."""


class Pair(NamedTuple):
    """Gunicorn with its own gevent worker, and with ours."""

    stock: Gunicorn
    ours: Gunicorn

    def answers(self, requests: bytes) -> tuple[bytes, bytes]:
        return plainly(self.stock.exchange(requests)), plainly(self.ours.exchange(requests))


class Pairs:
    """Pairs by road and settings, each started when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pairs: dict[tuple[str, str], Pair] = {}
        self._open = ExitStack()

    def of(self, road: str, chosen: str) -> Pair:
        need_parser(road)
        if (road, chosen) not in self._pairs:
            servers = [self._start(worker, road, chosen) for worker in (STOCK, OURS)]
            self._pairs[road, chosen] = Pair(*servers)
        return self._pairs[road, chosen]

    def _start(self, worker: str, road: str, chosen: str) -> Gunicorn:
        folder = self._folder / f"{worker}-{road}-{chosen}"
        folder.mkdir()
        return self._open.enter_context(gunicorn(worker, "echo", folder, *SETTINGS[chosen], road=road))

    def close(self) -> None:
        self._open.close()


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pairs]:
    made = Pairs(tmp_path_factory.mktemp("pairs"))
    yield made
    made.close()


@pytest.mark.parametrize(("road", "chosen"), [("c", chosen) for chosen in SETTINGS] + [("python", chosen) for chosen in OF_BOTH])
def test_each_request_of_the_corpus_is_answered_as_by_gunicorn(road: str, chosen: str, pairs: Pairs):
    pair = pairs.of(road, chosen)
    different = {}
    for name, request in (corpus.PLAIN | corpus.ODD).items():
        stock, ours = pair.answers(request + LAST)
        if stock != ours:
            different[name] = (stock, ours)
    assert not different


@pytest.mark.parametrize("road", ROADS)
@pytest.mark.parametrize("name", ["get", "post", "pipelined with bodies", "chunked", "half"])
def test_where_the_network_cuts_a_request_makes_no_difference(road: str, name: str, pairs: Pairs):
    pair = pairs.of(road, "strangers")
    request = (corpus.PLAIN | corpus.ODD)[name] + LAST
    expected = plainly(pair.stock.exchange(request))
    assert plainly(pair.ours.exchange(*in_pieces(request, range(len(request))))) == expected
    for cut in range(1, len(request)):
        assert plainly(pair.ours.exchange(request[:cut], request[cut:], paced=True)) == expected, f"cut at {cut}"


@pytest.mark.parametrize("road", ROADS)
@pytest.mark.parametrize("name", ["fold", "then smuggled", "bare lf field", "length at odds"])
def test_where_the_network_cuts_what_is_refused_it_is_refused_too(road: str, name: str, pairs: Pairs):
    pair = pairs.of(road, "strangers")
    request = corpus.ODD[name] + LAST
    expected = statuses(pair.stock.exchange(request))
    assert expected[-1] == 400
    for cut in range(1, len(request)):
        assert statuses(pair.ours.exchange(request[:cut], request[cut:], paced=True)) == expected, f"cut at {cut}"


@pytest.mark.parametrize("road", ROADS)
def test_plain_requests_take_the_short_road_and_others_gunicorns(road: str, pairs: Pairs):
    ours = pairs.of(road, "strangers").ours

    def reader(request: bytes) -> str:
        answer = ours.exchange(request)
        return json.loads(answer.partition(b"\r\n\r\n")[2])["input"]

    assert reader(corpus.get(target=b"/?road")) == "BytesIO"
    body = corpus.get(b"Content-Length: 3\r\n", b"/?road", method=b"POST") + b"abc"
    assert reader(body) == "BytesIO"
    assert reader(corpus.get(b"Transfer-Encoding: chunked\r\n", b"/?road", method=b"POST") + b"0\r\n\r\n") == "Body"
    assert reader(corpus.get(b"Content-Length: 70000\r\n", b"/?road", method=b"POST") + b"x" * 70_000) == "Body"


@pytest.mark.parametrize("road", ROADS)
def test_nothing_smuggled_is_ever_answered(road: str, pairs: Pairs):
    pair = pairs.of(road, "strangers")
    for name in ("chunked and length", "length and chunked", "smuggled in a body", "then smuggled", "length at odds", "bare lf field"):
        answer = pair.ours.exchange((corpus.PLAIN | corpus.ODD)[name])
        assert b"/admin'" not in answer, name
        assert statuses(answer)[-1] == (200 if name == "smuggled in a body" else 400), name


ODDITIES = [
    b"",
    b" ",
    b"\t",
    b"\r",
    b"\n",
    b"\x00",
    b"\x0b",
    b"\x7f",
    b"\x80",
    b"_",
    b"-",
    b":",
    b",",
    b"#",
    b"?",
    b"%41",
    b"\r\n",
    b"\r\n ",
    b"/",
]
_words = st.sampled_from([b"a", b"Ab", b"x-y", b"close", b"keep-alive", b"chunked", b"gzip", b"3", b"03", b"+3", b"https", b"on"])
_names = st.sampled_from(
    [
        b"A",
        b"x-b",
        b"X_B",
        b"Host",
        b"Content-Length",
        b"Transfer-Encoding",
        b"Connection",
        b"Content-Type",
        b"X-Forwarded-Proto",
        b"Cookie",
        b"TE",
    ]
)
_odd = st.one_of(st.just(b""), st.just(b""), st.just(b""), st.sampled_from(ODDITIES))


@st.composite
def _fields(draw: st.DrawFn) -> bytes:
    name, value = draw(_names), draw(_words)
    end = draw(st.sampled_from([b"\r\n"] * 12 + [b"\n", b"\r", b"\r\r\n", b"\r\n\t"]))
    return draw(_odd) + name + draw(_odd) + b":" + draw(_odd) + b" " + value + draw(_odd) + end


@st.composite
def _requests(draw: st.DrawFn) -> bytes:
    method = draw(st.sampled_from([b"GET"] * 4 + [b"POST"] * 4 + [b"HEAD", b"CONNECT", b"get", b"OPTIONS"]))
    target = draw(st.sampled_from([b"/", b"/a?b", b"//a", b"*", b"http://h/a", b"h:80", b"/a%2fb;c"])) + draw(_odd)
    version = draw(st.sampled_from([b"HTTP/1.1"] * 8 + [b"HTTP/1.0"] * 3 + [b"HTTP/1.2", b"HTTP/2.0"]))
    line = draw(_odd) + method + draw(_odd) + b" " + target + b" " + version + draw(_odd) + b"\r\n"
    body = draw(st.sampled_from([b"", b"", b"abc", b"0\r\n\r\n", b"3\r\nabc\r\n0\r\n\r\n"]))
    return line + b"".join(draw(st.lists(_fields(), max_size=6))) + b"\r\n" + body


@pytest.mark.parametrize("road", ROADS)
@pytest.mark.parametrize("chosen", ["strangers", "a trusted proxy"])
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(requests=st.lists(_requests(), min_size=1, max_size=3))
@example(requests=[b"GET / HTTP/1.1\r\nA: b\r\n\r\n", b"GET / HTTP/1.1\r\nA:\n b\r\n\r\n"])
def test_whatever_is_sent_is_answered_as_by_gunicorn(road: str, chosen: str, requests: list[bytes], pairs: Pairs):
    stock, ours = pairs.of(road, chosen).answers(b"".join(requests) + LAST)
    assert ours == stock
