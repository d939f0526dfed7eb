"""An answer whose headers are prepared is sent like any other, and nothing breaks out of its own headers."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from dinnerkit.serving import answers
from dinnerkit.serving.answers import Answer, Prepared

HEADERS = [("Content-Type", "text/plain"), ("Content-Length", "5"), ("Connection", "close"), ("X-A", " b\t")]
OWN = [("X-Request-Id", "abc"), ("X-RateLimit-Remaining", "9")]


class Sent(list[bytes]):
    def send(self, data: Any) -> int:
        self.append(bytes(data))
        return len(data)


def answer(method: str = "GET", version: tuple[int, int] = (1, 1), closes: bool = False) -> tuple[Answer, Sent]:
    sent = Sent()
    asked = SimpleNamespace(method=method, version=version, path="/", should_close=lambda: closes)
    return Answer(asked, sent, None), sent


@pytest.fixture(autouse=True)
def _standing_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers.time, "time", lambda: 1_800_000_000.0)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("version", [(1, 0), (1, 1)])
@pytest.mark.parametrize("status", ["200 OK", "304 NOT MODIFIED", "204 NO CONTENT"])
@pytest.mark.parametrize("headers", [HEADERS, HEADERS[:1]])
def test_it_is_sent_like_any_other(method: str, version: tuple[int, int], status: str, headers: Any) -> None:
    plain, expected = answer(method, version)
    plain.start_response(status, [*headers, *OWN])
    plain.send_all([b"hello"])
    prepared = Prepared.of(status, headers)
    for _ in range(2):
        quick, sent = answer(method, version)
        quick.begin(prepared, OWN)
        quick.send_all([b"hello"])
        assert sent == expected
        assert (quick.status, quick.status_code, quick.headers) == (plain.status, plain.status_code, plain.headers)
        assert quick.should_close() == plain.should_close()


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "a\rb", "a\0", "é", "a\x0bb", "a\x85b", "\r\n", "a\x7fb"])
def test_what_would_break_out_of_its_line_is_refused(value: str) -> None:
    quick, sent = answer()
    with pytest.raises(ValueError, match="characters") as refused:
        quick.begin(Prepared.of("200 OK", HEADERS), [*OWN, ("X-Request-Id", value)])
    assert value not in str(refused.value)
    assert sent == []


@pytest.mark.parametrize(
    ("status", "headers"),
    [("200 OK", [("X-A", "a\r\nb")]), ("100 Continue", []), ("200", [("Content-Length", "5"), ("content-length", "5")]), ("OK", [])],
)
def test_what_is_prepared_is_checked(status: str, headers: Any) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011 - each has words of its own
        Prepared.of(status, headers)
    assert "a\r\nb" not in str(refused.value)


def test_an_answer_begins_once() -> None:
    quick, _ = answer()
    quick.begin(Prepared.of("200 OK", HEADERS), OWN)
    with pytest.raises(AssertionError):
        quick.begin(Prepared.of("200 OK", HEADERS), OWN)


def test_the_date_is_of_the_second_and_few_first_lines_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(2000):
        quick, sent = answer()
        quick.start_response(f"200 {number}", HEADERS)
        quick.send_all([b"hello"])
    assert b"Date: Fri, 15 Jan 2027 08:00:00 GMT\r\n" in sent[0]
    assert len(answers._first) <= 256
    monkeypatch.setattr(answers.time, "time", lambda: 1_800_000_001.0)
    quick, sent = answer()
    quick.start_response("200 OK", HEADERS)
    quick.send_all([b"hello"])
    assert b"Date: Fri, 15 Jan 2027 08:00:01 GMT\r\n" in sent[0]
