"""What else people know of gunicorn's workers holds for ours: hooks, the access log, WebSockets, mounting, Unix sockets."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import simple_websocket

from tests.services.processes import NEAR
from tests.serving import corpus
from tests.serving.gunicorns import OURS, ROADS, STOCK, drained, gunicorn, need_parser, statuses
from tests.waiting import until

FORMAT = '%(h)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s" %({host}i)s %({x-a}i)s %({content-length}o)s %({server_name}e)s %(m)s %(U)s %(q)s %(H)s'
ASKED = corpus.get(b"X-A: b\r\nReferer: r\r\nUser-Agent: u\r\nConnection: close\r\n", b"/a%20b?c")


def test_dinnerkit_serving_names_the_worker_without_importing_gevent():
    script = """
import sys, dinnerkit.serving, dinnerkit.serving.config
print('gevent' in sys.modules, 'gunicorn' in sys.modules)
dinnerkit.serving.Worker
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout == "False False\n"


@pytest.mark.parametrize("road", ROADS)
def test_the_access_log_tells_the_same(road: str, tmp_path: Path):
    need_parser(road)
    lines = []
    for worker in (STOCK, OURS):
        folder = tmp_path / worker
        folder.mkdir()
        options = ("--access-logfile", str(folder / "access"), "--access-logformat", FORMAT)
        with gunicorn(worker, "odd", folder, *options, road=road) as running:
            running.exchange(ASKED.replace(b"/a%20b", b"/list"))
            running.exchange(ASKED.replace(b"/a%20b", b"/raises"))
            until(lambda folder=folder: (folder / "access").read_text().count("\n") == 2, "both are logged")
        lines.append((folder / "access").read_text())
    assert lines[0] == lines[1]
    assert '127.0.0.1 "GET /list?c HTTP/1.1" 200 2 "r" "u" h b 2 127.0.0.1 GET /list c HTTP/1.1' in lines[1]


HOOKS = """
import json
def pre_request(worker, req):
    told = [req.method, req.uri, req.path, req.query, list(req.version), req.scheme, req.headers, req.peer_addr[0]]
    worker.log.warning("before %s", json.dumps(told))
    if req.path == "/refused":
        raise ValueError("no")
def post_request(worker, req, environ, resp):
    worker.log.warning("after %s", json.dumps([req.path, resp.status if resp else None, environ.get("PATH_INFO")]))
    if req.path == "/list":
        raise ValueError("too late to matter")
"""


@pytest.mark.parametrize("road", ROADS)
def test_hooks_are_told_the_same(road: str, tmp_path: Path):
    need_parser(road)
    told = []
    for worker in (STOCK, OURS):
        folder = tmp_path / worker
        folder.mkdir()
        with gunicorn(worker, "odd", folder, road=road, config=HOOKS) as running:
            for path, status in ((b"/list", 200), (b"/raises", 500), (b"/refused", 500)):
                assert statuses(running.exchange(ASKED.replace(b"/a%20b", path))) == [status]
            until(lambda running=running: running.log.read_text().count("after [") >= 3, "all are told")
            lines = running.log.read_text().splitlines()
        told.append([line.split("[WARNING] ")[1] for line in lines if "before [" in line or "after [" in line])
    assert [line for line in told[1] if "/refused" not in line or "before" in line] == [
        line for line in told[0] if "/refused" not in line or "before" in line
    ]
    first = json.loads(told[1][0].removeprefix("before "))
    assert first[:6] == ["GET", "/list?c", "/list", "c", [1, 1], "http"]
    assert first[6] == [["HOST", "h"], ["X-A", "b"], ["REFERER", "r"], ["USER-AGENT", "u"], ["CONNECTION", "close"]]


def test_a_websocket_by_flask_sock_works(tmp_path: Path):
    with gunicorn(OURS, "sockets", tmp_path) as running:
        for _ in range(3):
            client = simple_websocket.Client(f"ws://127.0.0.1:{running.port}/echo")
            for text in ("a", "b" * 100_000, "é"):
                client.send(text)
                assert client.receive(timeout=30) == text
            client.close()
        assert statuses(running.exchange(corpus.get(b"Connection: close\r\n", b"/plain"))) == [200]
        assert "Traceback" not in running.log.read_text()


@pytest.mark.parametrize("road", ROADS)
def test_an_app_can_be_mounted_by_script_name(road: str, tmp_path: Path):
    need_parser(road)
    answers = []
    for worker in (STOCK, OURS):
        folder = tmp_path / worker
        folder.mkdir()
        with gunicorn(worker, "echo", folder, road=road, environ={"SCRIPT_NAME": "/mounted"}) as running:
            requests = [corpus.get(b"Connection: close\r\n", target) for target in (b"/mounted/a%20b?c", b"/mounted", b"/other")]
            answers.append([running.exchange(request).partition(b"\r\n\r\n")[2] for request in requests])
    assert answers[0] == answers[1]
    assert b"'/a b'" in answers[1][0]


def test_a_unix_socket_serves_too(tmp_path: Path):
    bodies = []
    for worker in (STOCK, OURS):
        folder = tmp_path / worker
        folder.mkdir()
        with TemporaryDirectory(dir=NEAR) as near, gunicorn(worker, "echo", folder, bind=f"unix:{near}/socket"):
            for fields in (b"", b"X-Forwarded-Proto: https\r\n"):
                with socket.socket(socket.AF_UNIX) as connection:
                    connection.connect(f"{near}/socket")
                    connection.sendall(corpus.get(fields + b"Connection: close\r\n"))
                    bodies.append(drained(connection).partition(b"\r\n\r\n")[2])
    assert bodies[:2] == bodies[2:]
    assert b"'https'" in bodies[3]


def test_log_files_can_be_opened_anew(tmp_path: Path):
    log = tmp_path / "error"
    with gunicorn(OURS, "valid", tmp_path, "--error-logfile", str(log), boots=log) as running:
        running.exchange(corpus.get(b"Connection: close\r\n"))
        until(lambda: "a line for the log" in log.read_text(), "it is logged")
        log.rename(tmp_path / "older")
        running.process.send_signal(signal.SIGUSR1)

        def logged_anew() -> bool:
            running.exchange(corpus.get(b"Connection: close\r\n"))
            return log.exists() and "a line for the log" in log.read_text()

        until(logged_anew, "it is logged in the new file")
