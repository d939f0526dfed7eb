"""How connections and our worker end: timeouts, drains, recycling; no request that was sent is lost."""

from __future__ import annotations

import re
import select
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from tests.serving import corpus
from tests.serving.gunicorns import OURS, Gunicorn, drained, gunicorn, statuses
from tests.waiting import DEADLINE, until

HEAD = b"GET /a HTTP/1.1\r\nHost: h\r\nA: b\r\n\r\n"


def answer_of(connection: socket.socket) -> bytes:
    """One answer that tells its length."""
    data = b""
    while b"\r\n\r\n" not in data:
        received = connection.recv(65_536)
        assert received, data
        data += received
    head, _, body = data.partition(b"\r\n\r\n")
    missing = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]) - len(body)
    while missing > 0:
        received = connection.recv(missing)
        assert received, data
        data += received
        missing -= len(received)
    return data


@pytest.mark.parametrize("sent", [b"", b"G", HEAD[:20], HEAD[:-2], HEAD, HEAD + b"GET"])
def test_a_client_that_says_nothing_more_is_closed_after_the_keep_alive_time(sent: bytes, tmp_path: Path):
    with gunicorn(OURS, "echo", tmp_path, "--keep-alive", "1") as running, running.connect() as connection:
        connection.sendall(sent)
        assert statuses(drained(connection)) == ([200] if sent.startswith(HEAD) else [])


def test_a_head_that_trickles_is_given_no_more_time_than_one_that_stalls(tmp_path: Path):
    with gunicorn(OURS, "echo", tmp_path, "--keep-alive", "1") as running, running.connect() as connection:
        trickled = 0
        for byte in b"GET / HTTP/1.1\r\nA: " + b"b" * 5000:
            if select.select([connection], [], [], 0.05)[0]:
                break
            connection.sendall(bytes([byte]))
            trickled += 1
        assert drained(connection) == b""
        assert trickled < 5000


@pytest.mark.parametrize(
    "fields",
    [
        b"Content-Length: 10\r\n",
        b"Content-Length: 100000\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 10\r\n",
        b"Connection: Upgrade\r\nUpgrade: websocket\r\nTransfer-Encoding: chunked\r\n",
    ],
)
def test_a_body_that_stops_coming_ends_the_connection(fields: bytes, tmp_path: Path):
    with gunicorn(OURS, "echo", tmp_path, "--timeout", "2") as running, running.connect() as connection:
        connection.sendall(corpus.post(fields, b"3\r\n"))
        assert statuses(drained(connection)) == []
        assert "Traceback" not in running.log.read_text()


@pytest.mark.parametrize("first", [b"", b"Transfer-Encoding: chunked\r\n"])
def test_a_client_that_takes_no_answer_is_let_go_and_one_that_is_slow_is_not(first: bytes, tmp_path: Path):
    """By either road; the worker has place for one connection alone, so that the second one's turn shows the end of the first."""
    big = corpus.get(target=b"/big", fields=first) + (b"0\r\n\r\n" if first else b"")
    with gunicorn(OURS, "odd", tmp_path, "--timeout", "3", "--worker-connections", "1") as running:
        with running.connect() as slow:
            slow.sendall(big)
            received = 0
            while received < 3_000_000:
                received += len(slow.recv(200_000) or pytest.fail("it was let go"))
                time.sleep(0.3)
        with running.connect() as deaf, running.connect() as waiting:
            deaf.sendall(big * 6)
            waiting.sendall(corpus.get(b"Connection: close\r\n", b"/list"))
            assert statuses(drained(waiting)) == [200]
        assert "Traceback" not in running.log.read_text()


def test_a_slow_but_steady_body_is_read_to_its_end(tmp_path: Path):
    with gunicorn(OURS, "echo", tmp_path) as running, running.connect() as connection:
        connection.sendall(corpus.post(b"Content-Length: 4\r\n", b""))
        for byte in b"abcd":
            assert not select.select([connection], [], [], 0.6)[0]
            connection.sendall(bytes([byte]))
        assert b"b'abcd'" in answer_of(connection)


def test_connections_with_much_to_ask_take_turns(tmp_path: Path):
    """Two connections have a hundred requests ready each, before the worker looks at either."""
    with gunicorn(OURS, "gate", tmp_path, environ={"GATE": str(tmp_path)}) as running, ExitStack() as stack:
        one, other = (stack.enter_context(running.connect()) for _ in range(2))
        for connection in (one, other):
            connection.sendall(HEAD)
            answer_of(connection)
        blocking = stack.enter_context(running.connect())
        blocking.sendall(corpus.get(target=b"/block?0"))
        until(lambda: begun(tmp_path) == 1, "the worker is blocked")
        for connection in (one, other):
            connection.sendall(HEAD * 99 + corpus.get(b"Connection: close\r\n"))
        (tmp_path / "open").touch()
        turns = [[int(turn) for turn in re.findall(rb"\r\n\r\n(\d+)", drained(connection))] for connection in (one, other)]
        assert [len(taken) for taken in turns] == [100, 100]
        order = [place for _, place in sorted((turn, place) for place, taken in enumerate(turns) for turn in taken)]
        assert max(len(list(run)) for _, run in groupby(order[2:])) <= 3


def begun(folder: Path) -> int:
    return len(list(folder.glob("begun-*")))


def test_what_was_begun_when_it_is_told_to_stop_is_answered_and_it_exits_with_0(tmp_path: Path):
    with gunicorn(OURS, "gate", tmp_path, "--keep-alive", "30", environ={"GATE": str(tmp_path)}) as running, ExitStack() as stack:
        connections = [stack.enter_context(running.connect()) for _ in range(30)]
        for order, connection in enumerate(connections):
            connection.sendall(corpus.get(target=b"/wait?%d" % order))
        until(lambda: begun(tmp_path) == 30, "all have begun")
        running.process.send_signal(signal.SIGTERM)
        until(lambda: not running.accepts(), "the worker has heard of it too, and new connections are refused")
        (tmp_path / "open").touch()
        answers = [drained(connection) for connection in connections]
        assert [statuses(answer) for answer in answers] == [[200]] * 30
        assert all(b"Connection: close" in answer for answer in answers)
        assert running.process.wait(DEADLINE) == 0


def test_whoever_had_sent_a_request_before_is_answered_though_not_yet_let_in(tmp_path: Path):
    """The worker is kept from accepting until after the signal: connections wait in the kernel's queue."""
    with gunicorn(OURS, "gate", tmp_path, environ={"GATE": str(tmp_path)}) as running, ExitStack() as stack:
        blocking = stack.enter_context(running.connect())
        blocking.sendall(corpus.get(target=b"/block?0"))
        until(lambda: begun(tmp_path) == 1, "the worker is blocked")
        waiting = [stack.enter_context(running.connect()) for _ in range(50)]
        for connection in waiting:
            connection.sendall(HEAD)
        running.process.send_signal(signal.SIGTERM)
        until(lambda: b"Handling signal" in running.log.read_bytes(), "it is told")
        overdue = time.monotonic() + 1.5  # longer than the worker sleeps between two looks at whether to stop: it closes the door at once
        until(lambda: time.monotonic() > overdue, "time passes")
        (tmp_path / "open").touch()
        assert statuses(drained(blocking)) == [200]
        assert [statuses(drained(connection)) for connection in waiting] == [[200]] * 50
        assert running.process.wait(DEADLINE) == 0


def hammer(running: Gunicorn, count: int, *, kept: bool) -> list[str]:
    """What went wrong in ``count`` requests in turn, on new connections or on one that is kept as long as the server wants."""
    wrong: list[str] = []
    connection: socket.socket | None = None
    for number in range(count):
        if connection is None:
            connection = running.connect()
        try:
            connection.sendall(HEAD)
            answer = answer_of(connection)
        except (OSError, AssertionError) as error:
            wrong.append(f"{number}: {error!r}")
            connection = None
            continue
        if not kept or b"Connection: close" in answer:
            connection.close()
            connection = None
    if connection is not None:
        connection.close()
    return wrong


def test_workers_that_end_after_so_many_requests_lose_none(tmp_path: Path):
    options = ("--workers", "2", "--max-requests", "50", "--max-requests-jitter", "20", "--keep-alive", "5")
    with gunicorn(OURS, "gate", tmp_path, *options, environ={"GATE": str(tmp_path)}) as running:
        before = set(running.workers())
        wrong = together([lambda kept=kept: hammer(running, 150, kept=kept) for kept in (True, True, False, False)])
        assert wrong == [[], [], [], []]
        until(lambda: not before & set(running.workers()), "both were replaced")
        assert running.stop() == 0


def test_it_is_told_to_stop_in_the_middle_of_a_rush(tmp_path: Path):
    """Whatever is answered is answered whole; after the end nothing is accepted; the exit code is 0."""
    with gunicorn(OURS, "gate", tmp_path, "--workers", "2", environ={"GATE": str(tmp_path)}) as running:
        until(lambda: len(running.workers()) == 2, "two workers")
        answered = [0, 0, 0, 0]
        cut: list[bytes] = []

        def rush(place: int) -> None:
            while True:
                try:
                    with running.connect() as connection:
                        connection.sendall(HEAD)
                        answer = connection.recv(65_536)
                except ConnectionError:
                    return  # refused, or come too late to be let in
                if not answer:
                    return
                if statuses(answer) != [200]:
                    cut.append(answer)
                answered[place] += 1

        threads = [threading.Thread(target=rush, args=(place,)) for place in range(4)]
        for thread in threads:
            thread.start()
        until(lambda: min(answered) > 20, "it is busy")
        assert running.stop() == 0
        for thread in threads:
            thread.join()
        assert cut == []
        log = running.log.read_text()  # gevent 24 may have a traceback of the interpreter's end in it
        assert "Error handling" not in log
        assert "Socket error" not in log


def together(actions: list[Callable[[], Any]]) -> list[Any]:
    """The results of actions that run on threads at the same time."""
    results: list[Any] = [None] * len(actions)

    def run(place: int) -> None:
        results[place] = actions[place]()

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(actions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
