"""``dinnerkit demo`` as a person uses it: with Ctrl-C, a taken port and a folder that can't be."""

from __future__ import annotations

import re
import signal
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.demo.processes import Demo, nothing_runs, working_in
from tests.waiting import until


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "demo"
    until(lambda: nothing_runs(tmp_path / "demo"))


def page(address: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(address, timeout=30) as answer:  # noqa: S310 - what it said
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_it_makes_a_world_serves_it_and_goes_on_with_it(folder: Path):
    for again in (False, True):
        demo = Demo(folder, "--bind", "127.0.0.1:0")
        assert demo.process.stdout is not None
        said = ""
        while not re.search(r"the password +\S+\n", said):
            line = demo.process.stdout.readline()
            assert line, demo.end()
            said += line
        address = re.search(r"dinnerkit is serving at (http://\S+)", said)
        night = re.search(r"(http://\S+/nights/\w+)", said)
        assert address is not None
        assert night is not None
        assert "guest@dinnerkit.test, host@dinnerkit.test, admin@dinnerkit.test" in said
        status, front = page(f"{address[1]}/")
        assert (status, "Match night in" in front) == (200, True)
        status, tables = page(night[1])
        assert (status, "guests at" in tables) == (200, True)
        demo.send(signal.SIGINT)
        code, _, err = demo.end()
        assert code == 0, err
        assert "Traceback" not in err
        assert ("People move in" in err) != again
        until(lambda: nothing_runs(folder))


@pytest.mark.parametrize(
    ("number", "moment"),
    [
        (signal.SIGINT, "demo.lock"),
        (signal.SIGTERM, "work.log"),
        (signal.SIGINT, "secret-key"),
        (signal.SIGINT, "a few bookings"),
        (signal.SIGHUP, "a few bookings"),
    ],
)
def test_an_interruption_ends_it_cleanly_and_leaves_nothing_running(folder: Path, number: signal.Signals, moment: str):
    demo = Demo(folder, "--exit")
    demo.until(lambda: demo.charges() > 5 if moment == "a few bookings" else (folder / moment).exists())
    demo.send(number)
    code, out, err = demo.end()
    assert code == 130, err
    assert "Traceback" not in err
    assert err.rstrip().endswith("interrupted")
    assert not out.strip()
    until(lambda: not working_in(folder))


def test_a_taken_port_is_told_before_anything_is_made(folder: Path):
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]
        code, out, err = Demo(folder, "--bind", f"127.0.0.1:{port}").end()
    assert (code, out) == (2, "")
    assert err == f"dinnerkit: can't serve at 127.0.0.1:{port}: something else listens there already\n"
    assert not folder.exists()


def test_a_folder_that_cannot_be_made_is_told_in_one_line(tmp_path: Path):
    (tmp_path / "file").write_text("not a folder")
    code, out, err = Demo(tmp_path / "file" / "demo", "--exit").end()
    assert (code, out) == (2, "")
    assert err == f"dinnerkit: {tmp_path}/file/demo can't be used for the demo: Not a directory\n"


def test_a_setting_that_would_send_real_mails_does_not_count(folder: Path):
    demo = Demo(folder, "--exit", DINNERKIT_MAIL="console://", DINNERKIT_GATEWAY="stripe://sk_live_x", DINNERKIT_QUEUE="redis://nowhere")
    demo.until(lambda: demo.charges() > 5)
    demo.send(signal.SIGINT)
    code, _, err = demo.end()
    assert code == 130, err
    assert "Subject:" not in err
