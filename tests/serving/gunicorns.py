"""Gunicorn in a process of its own, with its gevent worker or ours, and raw conversations with it."""

from __future__ import annotations

import importlib.util
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from tests.serving.processes import children
from tests.waiting import DEADLINE, until

STOCK = "gevent"
OURS = "dinnerkit.serving.Worker"
ROADS = ("c", "python")
"""The parsers that plain requests may be read with."""

_ROOT = Path(__file__).parents[2]
_CONFIG = """
import sys
if {hide}:
    sys.modules["gunicorn_h1c"] = None
"""


def need_parser(road: str) -> None:
    """Skip where the parser is not installed; ``nox -s fast`` has both."""
    if road == "c" and importlib.util.find_spec("gunicorn_h1c") is None:
        pytest.skip("gunicorn_h1c is not installed: pip install dinnerkit[fast]")


@dataclass
class Gunicorn:
    """A gunicorn that listens on a port of 127.0.0.1."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def connect(self) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=DEADLINE)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def accepts(self) -> bool:
        try:
            self.connect().close()
        except ConnectionError:
            return False
        return True

    def exchange(self, *pieces: bytes, paced: bool = False) -> bytes:
        """All that comes back for these pieces until the server closes; ``paced`` sees each read before the next is sent."""
        with self.connect() as connection:
            with suppress(OSError):  # the server may have closed already: what it said is what counts
                for number, piece in enumerate(pieces):
                    if paced and number:
                        self.pace()
                    connection.sendall(piece)
                connection.shutdown(socket.SHUT_WR)
            return drained(connection)

    def pace(self) -> None:
        """Return once the one worker had its turn: what was sent before is read."""
        assert self.exchange(b"GET /?pace HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.0 ")

    def workers(self) -> list[int]:
        return list(children(self.process.pid))

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(DEADLINE)


def drained(connection: socket.socket) -> bytes:
    """All that comes until the end of the connection, be it clean or a reset."""
    data = b""
    with suppress(ConnectionResetError):
        while received := connection.recv(65_536):
            data += received
    return data


@contextmanager
def gunicorn(
    worker: str,
    app: str,
    folder: Path,
    *options: str,
    road: str = "c",
    environ: dict[str, str] | None = None,
    config: str = "",
    boots: Path | None = None,
    bind: str | None = None,
) -> Iterator[Gunicorn]:
    """Gunicorn with one worker, once that boots, as the file ``boots`` tells; killed afterwards if it still runs."""
    file, log = folder / "config.py", folder / "log"
    file.write_text(_CONFIG.format(hide=road == "python") + config)
    boots = boots or log
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener, log.open("wb") as err:
        listener.set_inheritable(True)
        command = [sys.executable, "-m", "gunicorn", "-c", str(file), "-k", worker, "--bind", bind or f"fd://{listener.fileno()}"]
        command += ["--no-control-socket", "--worker-tmp-dir", str(folder), *options, f"tests.serving.apps:{app}"]
        kept = {name: value for name, value in os.environ.items() if name not in {"SCRIPT_NAME", "GUNICORN_CMD_ARGS"}}
        process = subprocess.Popen(
            command, stdout=err, stderr=err, cwd=_ROOT, env=kept | (environ or {}), pass_fds=[listener.fileno()], start_new_session=True
        )
        port = listener.getsockname()[1]
    try:
        until(lambda: (boots.exists() and b"Booting worker" in boots.read_bytes()) or process.poll() is not None, "a worker boots")
        yield Gunicorn(process, port, log)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(DEADLINE)


def plainly(answer: bytes) -> bytes:
    """An answer without what differs from second to second."""
    return re.sub(rb"\r\nDate: [^\r\n]*", b"\r\nDate: now", answer)


def statuses(answer: bytes) -> list[int]:
    """The statuses of the answers that came one after the other."""
    return [int(found) for found in re.findall(rb"HTTP/1\.[01] (\d{3}) ", answer)]


def in_pieces(data: bytes, cuts: Iterable[int]) -> list[bytes]:
    """The data, cut at these places."""
    places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    return [data[start:end] for start, end in pairwise(places)]
