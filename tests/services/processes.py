"""Services that tests start: real processes on this machine alone, waited for, and ended."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import IO, NoReturn

import pytest

from tests.waiting import DEADLINE

NEAR = "/tmp"  # noqa: S108 - only folders of random names are made there
"""Where paths are short: that of a socket has 107 bytes at most, which TMPDIR may have alone."""


def missing(what: str, how: str) -> NoReturn:
    """Skip what needs a service that is not here; fail where all are required, as in CI."""
    if os.environ.get("DINNERKIT_REQUIRE_SERVICES") == "1":
        pytest.fail(f"{what} is required and not here: {how}")
    pytest.skip(f"{what} is not here: {how}")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def running(command: Sequence[str], port: int) -> Iterator[str]:
    """The command's process, once it accepts connections on that port of this machine: its URL."""
    with TemporaryFile("w+") as said, subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=said) as process:
        try:
            wait_for(process, port, said)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


def wait_for(process: subprocess.Popen[bytes], port: int, said: IO[str], seconds: float = DEADLINE) -> None:
    deadline = time.monotonic() + seconds
    while True:
        if process.poll() is not None:
            said.seek(0)
            raise AssertionError(f"{process.args} ended: {said.read()}")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert time.monotonic() < deadline, f"in vain: {process.args}"
            time.sleep(0.05)
        else:
            return
