"""``dinnerkit serve`` from its first line to its last process."""

from __future__ import annotations

import gc
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from dinnerkit.serving.config import GRACE_SECONDS
from dinnerkit.serving.run import runs_here
from dinnerkit.serving.server import Server
from dinnerkit.settings import Settings
from tests.serving.processes import Served, alive, children, serving
from tests.waiting import DEADLINE, until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


def test_one_line_tells_where_it_serves_the_workers_count_together_and_sigterm_ends_it_with_0(served: Served):
    assert re.fullmatch(r"dinnerkit is serving at http://127\.0\.0\.1:\d+\n", served.line)
    assert served.status("/health/ready") == 200
    for _ in range(10):
        assert served.status("/health/live") == 200
    assert 'route="/health/live",status="200"} 10.0' in served.read("/metrics")
    web, work = served.child("dinnerkit.serving"), served.child("dinnerkit work")
    until(lambda: len(children(web)) == 2, "two workers")
    workers = list(children(web))
    assert served.stop() == (0, "")
    assert not [pid for pid in (web, work, *workers) if alive(pid)]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_request_that_runs_when_it_is_asked_to_stop_is_answered_and_new_ones_are_refused(
    number: signal.Signals, environ: dict[str, str], tmp_path: Path
):
    body = b'{"email": "ada@example.org", "password": "wrong"}'
    head = f"POST /v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    with serving(environ, "--no-work", cwd=tmp_path) as served:
        with socket.create_connection((served.host, served.port), timeout=DEADLINE) as connection:
            connection.sendall(head.encode() + body[:10])
            assert served.answers()
            served.process.send_signal(number)
            until(lambda: not served.accepts(), "new connections are refused")
            connection.sendall(body[10:])
            answer = connection.recv(65_536)
        assert answer.startswith(b"HTTP/1.1 401 ")
        assert not served.child("dinnerkit work")
        assert served.process.wait(DEADLINE) == 0


def test_a_second_signal_ends_it_whatever_runs(environ: dict[str, str], tmp_path: Path):
    head = b"POST /v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{"
    with serving(environ, "--no-work", cwd=tmp_path) as served:
        web = served.child("dinnerkit.serving")
        everyone = [web, *children(web)]
        with socket.create_connection((served.host, served.port), timeout=DEADLINE) as connection:
            connection.sendall(head)
            assert served.answers()
            served.process.send_signal(signal.SIGTERM)
            until(lambda: not served.accepts(), "new connections are refused")
            assert served.process.poll() is None
            served.process.send_signal(signal.SIGTERM)
            assert served.process.wait(GRACE_SECONDS) == 130
            until(lambda: not [pid for pid in everyone if alive(pid)], "all gone")


def test_whatever_is_killed_is_started_again(served: Served):
    web, work = served.child("dinnerkit.serving"), served.child("dinnerkit work")
    until(lambda: len(children(web)) == 2, "two workers")
    one_worker = next(iter(children(web)))
    os.kill(one_worker, signal.SIGKILL)
    until(lambda: len(set(children(web)) - {one_worker}) == 2, "another worker")
    os.kill(work, signal.SIGKILL)
    until(lambda: served.child("dinnerkit work") not in (0, work), "another process for the background work")
    os.kill(web, signal.SIGKILL)
    until(lambda: served.child("dinnerkit.serving") not in (0, web), "another web server")
    until(served.answers, "an answer")


def test_nothing_outlives_it_when_it_is_killed(served: Served):
    web, work = served.child("dinnerkit.serving"), served.child("dinnerkit work")
    until(lambda: len(children(web)) == 2, "two workers")
    everyone = [web, work, *children(web)]
    served.process.kill()
    until(lambda: not [pid for pid in everyone if alive(pid)], "all gone")


def test_with_no_setting_at_all_it_serves_on_embedded_parts_and_works_too(tmp_path: Path):
    environ = {name: value for name, value in os.environ.items() if not name.startswith("DINNERKIT_")}
    with serving(environ, cwd=tmp_path) as served:
        assert served.status("/health/ready") == 200
        assert served.child("dinnerkit work")
        data = tmp_path / "dinnerkit-data"
        assert (data / "secret-key").exists()
        assert data.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("chosen", "here"),
    [
        ({}, True),
        ({"database": "mongodb://db/dinners"}, True),
        ({"queue": "redis://queue"}, True),
        ({"database": "mongodb://db/dinners", "queue": "redis://queue"}, False),
    ],
)
def test_the_background_work_runs_beside_where_a_part_is_on_this_machine_alone(chosen: dict[str, str], here: bool):
    assert runs_here(Settings(**chosen)) is here


def failed(environ: dict[str, str], bind: str) -> tuple[int, str, str]:
    command = [sys.executable, "-m", "dinnerkit", "serve", "--bind", bind]
    ended = subprocess.run(command, capture_output=True, text=True, env=environ, check=False)
    return ended.returncode, ended.stdout, ended.stderr


def test_a_taken_port_is_one_line_and_exit_code_2(environ: dict[str, str]):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        bind = f"127.0.0.1:{taken.getsockname()[1]}"
        assert failed(environ, bind) == (2, "", f"dinnerkit: can't serve at {bind}: something else listens there already\n")


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("SECRET_KEY", "short", "secret_key is too short: at least 16 characters"),
        ("JOBS", "gone", "jobs: no installed package has jobs 'gone'; installed: none"),
        ("RATE_LIMIT", "often", "rate_limit is a rate such as '1000 per 15 minutes', or off, not 'often'"),
        ("PUBLIC_URL", "dinners.example", "public_url is an address such as https://dinners.example, not 'dinners.example'"),
    ],
)
def test_a_wrong_setting_is_one_line_and_exit_code_2(environ: dict[str, str], setting: str, value: str, said: str):
    environ[f"DINNERKIT_{setting}"] = value
    assert failed(environ, "127.0.0.1:0") == (2, "", f"dinnerkit: {said}\n")


def test_a_database_that_is_down_is_one_line_and_exit_code_1(environ: dict[str, str], tmp_path: Path):
    environ["DINNERKIT_DATABASE"] = "mongodb://127.0.0.1:9/x?serverSelectionTimeoutMS=200"
    environ["DINNERKIT_QUEUE"] = f"sqlite://{tmp_path}/queue.db"
    code, out, err = failed(environ, "127.0.0.1:0")
    assert (code, out) == (1, "")
    ours = [line for line in err.splitlines() if line.startswith("dinnerkit: ")]
    assert any("MongoDB can't be reached" in line for line in ours)
    assert "Traceback" not in err


def test_what_is_loaded_before_a_worker_is_forked_is_left_alone_by_its_garbage_collector(environ: dict[str, str]):
    """Else the first collection would write into all of it, and nothing were shared any more."""
    server = Server(Settings.load(environ=environ), workers=1, listener=3, reports=4)
    before = gc.get_freeze_count()
    try:
        server.cfg.pre_fork(None, None)
        assert gc.get_freeze_count() > before + 10_000
    finally:
        gc.unfreeze()
