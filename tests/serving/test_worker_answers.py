"""Our worker sends what the app answers as gunicorn's own gevent worker does, byte for byte, or refuses what breaks the framing."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

import pytest

from tests.serving import corpus
from tests.serving.apps import ODD
from tests.serving.gunicorns import OURS, STOCK, Gunicorn, gunicorn, plainly, statuses
from tests.waiting import until

LAST = corpus.get(b"Connection: close\r\n", b"/list")

REFUSED = {
    "fails-at-once": "gunicorn the same",
    "injects-lf": "gunicorn the same",
    "injects-name": "gunicorn the same",
    "injects-nul": "gunicorn the same",
    "injects-status": "gunicorn the same",
    "injects-value": "gunicorn the same",
    "empty-name": "gunicorn the same",
    "space-in-name": "gunicorn the same",
    "unicode": "gunicorn the same",
    "interrupts": "SystemExit: gunicorn leaves the client waiting",
    "length-none": "gunicorn the same",
    "length-signed": "clients read '+2' each in their own way: gunicorn sends it",
    "length-twice": "gunicorn sends both lengths",
    "name-bytes": "gunicorn the same",
    "never": "no start_response: gunicorn sends 'HTTP/1.1 None' or breaks off",
    "none": "nothing to iterate over: gunicorn the same",
    "opens": "an OSError of the app's own: gunicorn takes it for the client's leaving, and says nothing",
    "raises": "gunicorn the same",
    "status-1xx": "an interim status: gunicorn sends it, and the next answer is taken for this one's",
    "status-int": "gunicorn the same",
    "status-no-number": "gunicorn the same",
    "text": "a block of text: gunicorn has sent the head by then, and breaks off",
    "text-blocks": "the same, from an iterator",
    "twice": "gunicorn the same",
    "value-int": "gunicorn the same",
}
"""What is a 500 that ends the connection, and what gunicorn makes of it."""

OTHERWISE = {
    "replaces": "the headers that exc_info replaces are gone, as PEP 3333 has it; gunicorn sends both",
    "too-short": "the connection ends after fewer bytes than were told; gunicorn goes on, and the next answer is taken for the rest",
    "collector": "what was there when the worker began is set apart from what garbage is looked for in",
    "file": "a file is sent in chunks as it is read; gunicorn sends it as one chunk",
}
"""Where the answer differs otherwise; the tests below tell what it is."""


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gunicorn]:
    with gunicorn(STOCK, "odd", tmp_path_factory.mktemp("stock"), "--keep-alive", "2") as running:
        yield running


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gunicorn]:
    with gunicorn(OURS, "odd", tmp_path_factory.mktemp("ours"), "--keep-alive", "2") as running:
        yield running


def asking(name: str, query: bytes = b"", method: bytes = b"GET", version: bytes = b"HTTP/1.1", fields: bytes = b"") -> bytes:
    return corpus.get(fields, b"/" + name.encode() + query, version, method)


@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
@pytest.mark.parametrize("name", sorted(ODD.keys() - REFUSED.keys() - OTHERWISE.keys()))
def test_an_answer_is_sent_as_by_gunicorn(name: str, method: bytes, stock: Gunicorn, ours: Gunicorn):
    for version, fields in ((b"HTTP/1.1", b""), (b"HTTP/1.1", b"Connection: close\r\n"), (b"HTTP/1.0", b"")):
        request = asking(name, method=method, version=version, fields=fields) + LAST
        assert plainly(ours.exchange(request)) == plainly(stock.exchange(request)), (version, fields)


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_would_break_the_framing_is_a_500_with_nothing_of_it_and_the_end(name: str, ours: Gunicorn):
    answer = ours.exchange(asking(name) + LAST)
    assert statuses(answer) == [500]
    assert b"X-A" not in answer
    assert b"Set-Cookie" not in answer


def test_garbage_is_not_looked_for_in_what_was_there_when_the_worker_began(ours: Gunicorn):
    enabled, apart, looked_at = ours.exchange(asking("collector", fields=b"Connection: close\r\n")).rpartition(b"\r\n\r\n")[2].split()
    assert enabled == b"True"
    assert int(apart) > 10 * int(looked_at)


def test_exc_info_replaces_the_headers(ours: Gunicorn):
    answer = ours.exchange(asking("replaces") + LAST)
    assert statuses(answer) == [503, 200]
    assert b"X-First" not in answer
    assert b"Content-Length: 3\r\n\r\nbadHTTP/1.1 200" in answer


def test_after_fewer_bytes_than_were_told_the_connection_ends(ours: Gunicorn):
    assert ours.exchange(asking("too-short") + LAST).endswith(b"Content-Length: 4\r\n\r\nab")
    until(lambda: b"GET /too-short: 2 bytes of body where 4 were announced" in ours.log.read_bytes(), "the log tells")


@pytest.mark.parametrize("length", [b"", b"29990", b"100"])
def test_a_file_is_sent_from_where_it_stands_as_far_as_was_told(length: bytes, ours: Gunicorn):
    head, _, body = ours.exchange(asking("file", b"?" + length, version=b"HTTP/1.0") + LAST).partition(b"\r\n\r\n")
    assert statuses(head) == [200]
    assert body == (b"0123456789" * 3000)[10:][: int(length) if length else None]


def test_early_hints_come_ahead_of_the_answer_but_not_to_old_clients(ours: Gunicorn):
    assert ours.exchange(asking("hints") + LAST).startswith(
        b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\nHTTP/1.1 200 OK\r\n"
    )
    assert statuses(ours.exchange(asking("hints", version=b"HTTP/1.0"))) == [200]


def test_blocks_are_closed_however_it_ends(ours: Gunicorn):
    def closings() -> int:
        return ours.log.read_bytes().count(b"blocks were closed")

    for name in ("blocks", "fails-at-once", "fails-midway", "too-long-blocks", "204", "big-blocks"):
        before = closings()
        ours.exchange(asking(name))
        if name != "204":
            until(lambda before=before: closings() == before + 1, f"{name}: closed")


def test_a_block_is_sent_before_the_next_is_asked_for(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("gate")
    with gunicorn(OURS, "streamed", folder, environ={"GATE": str(folder)}) as running, running.connect() as connection:
        connection.sendall(corpus.get())
        received = b""
        while not received.endswith(b"first\r\n"):
            received += connection.recv(65_536)
        (folder / "open").touch()
        while not received.endswith(b"0\r\n\r\n"):
            received += connection.recv(65_536)
        assert b"6\r\nsecond\r\n" in received


def test_a_client_that_leaves_in_the_middle_of_an_answer_is_no_error(ours: Gunicorn):
    before = ours.log.read_bytes().count(b"Traceback")
    for name in ("big", "big-blocks"):
        with ours.connect() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.sendall(asking(name))
            connection.recv(100)
    assert statuses(ours.exchange(LAST)) == [200]
    assert ours.log.read_bytes().count(b"Traceback") == before


def test_pep_3333_holds_from_both_sides(tmp_path_factory: pytest.TempPathFactory):
    last = corpus.get(b"Connection: close\r\n", b"/last")
    with gunicorn(OURS, "valid", tmp_path_factory.mktemp("valid"), "--forwarded-allow-ips", "") as running:
        for name, request in corpus.PLAIN.items():
            assert set(statuses(running.exchange(request + last))) == {200}, (name, running.log.read_text())
        for path in (b"/blocks", b"/writes", b"/nothing", b"/304"):
            answer = running.exchange(corpus.get(target=path) + last)
            assert statuses(answer)[1:] == [200], (path, running.log.read_text())
        log = running.log.read_text()
        assert "AssertionError" not in log
        assert "a line for the log\nand another\n" in log
