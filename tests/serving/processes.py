"""A running ``dinnerkit serve``, and what the kernel says of its processes."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from tests.waiting import DEADLINE


def alive(pid: int) -> bool:
    """Whether the process runs (a zombie does not)."""
    return _stat(pid) is not None


def children(pid: int) -> dict[int, str]:
    """The command lines of the processes that this one started, by pid."""
    found = {}
    for entry in Path("/proc").iterdir():
        stat = _stat(int(entry.name)) if entry.name.isdigit() else None
        if stat is not None and int(stat[1]) == pid:
            found[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    return found


def _stat(pid: int) -> list[str] | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] == "Z" else fields


class Served:
    """A server that runs, at ``host:port``."""

    def __init__(self, process: subprocess.Popen[str], line: str) -> None:
        self.process = process
        self.line = line
        url = urlsplit(line.rsplit(maxsplit=1)[-1])
        assert url.hostname
        assert url.port
        self.host, self.port = url.hostname, url.port

    def status(self, path: str = "/health/live") -> int:
        return self._get(path)[0]

    def read(self, path: str) -> str:
        return self._get(path)[1].decode()

    def _get(self, path: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=DEADLINE)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def accepts(self) -> bool:
        try:
            socket.create_connection((self.host, self.port), timeout=DEADLINE).close()
        except ConnectionError:
            return False
        return True

    def answers(self) -> bool:
        try:
            return self.status() == 200
        except (ConnectionError, http.client.HTTPException):
            return False

    def child(self, words: str) -> int:
        """The pid of the child whose command line has these words, or 0."""
        return next((pid for pid, line in children(self.process.pid).items() if words in line), 0)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """Ask it to stop; its exit code and what else it wrote to stdout."""
        self.process.send_signal(number)
        rest, _ = self.process.communicate(timeout=DEADLINE)
        return self.process.returncode, rest


@contextmanager
def serving(environ: Mapping[str, str], *arguments: str, cwd: Path) -> Iterator[Served]:
    """``dinnerkit serve`` on a free port, once it is ready; ended afterwards."""
    command = [sys.executable, "-m", "dinnerkit", "serve", "--bind", "127.0.0.1:0", *arguments]
    with (cwd / "stderr").open("w+") as err:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=err, text=True, env=dict(environ), cwd=cwd)
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            err.seek(0)
            assert line, err.read()
            yield Served(process, line)
        finally:
            if process.poll() is None:
                os.kill(process.pid, signal.SIGTERM)
            process.communicate(timeout=DEADLINE)
