"""A process that has imported what the commands need and forks for each command line: the imports are paid once, and not by every test.

Each command still has a process, an environment and a folder of its own, and ends as a Python process does. That ``python -m dinnerkit``
starts from nothing is what the tests of ``serve``, ``work`` and the listing show.
"""

from __future__ import annotations

import gc
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryFile

from dinnerkit.cli import main
from dinnerkit.cli.group import COMMANDS, module_of

_TIMEOUT = 840.0
"""Seconds that a command may take: one that seats may have to compile the search first."""

_LONGEST = 1 << 20
"""Bytes of a request: arguments and an environment."""


class Forking:
    """The way to a process that forks."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._asked = 0

    def run(self, arguments: tuple[str, ...], environ: Mapping[str, str], folder: Path, stdin: str) -> tuple[int, str, str]:
        """The exit code of ``dinnerkit`` in a process of its own, and what it wrote to stdout and to stderr."""
        with TemporaryFile("w+", encoding="utf-8") as given, TemporaryFile("w+") as out, TemporaryFile("w+") as err:
            given.write(stdin)
            given.seek(0)
            self._asked += 1
            request = {"number": self._asked, "arguments": arguments, "environ": dict(environ), "folder": str(folder)}
            socket.send_fds(self._channel, [json.dumps(request).encode()], [file.fileno() for file in (given, out, err)])
            code = self._ended()
            for file in (out, err):
                file.seek(0)
            return code, out.read(), err.read()

    def _ended(self) -> int:
        """The exit code of the command that was asked for last, and not of an earlier one that took too long."""
        while True:
            number, _, code = self._channel.recv(64).partition(b" ")
            if int(number) == self._asked:
                return int(code)


@contextmanager
def forking() -> Iterator[Forking]:
    """Start such a process."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.settimeout(_TIMEOUT)
    with ours, subprocess.Popen([sys.executable, __file__, str(theirs.fileno())], pass_fds=[theirs.fileno()]) as process:
        theirs.close()
        try:
            yield Forking(ours)
        finally:
            process.kill()


def _serve(channel: socket.socket) -> None:
    """Fork for each request and answer with the exit code, until nobody asks any more."""
    for command in COMMANDS:
        import_module(f"dinnerkit.cli.{module_of(command)}")
    gc.freeze()  # so that no child walks over all of this when it ends
    while True:
        request, streams, _, _ = socket.recv_fds(channel, _LONGEST, 3)
        if not request:
            return
        wanted = json.loads(request)
        number = wanted.pop("number")
        child = os.fork()
        if not child:
            channel.close()
            _become(streams, **wanted)
            sys.exit(main())
        for stream in streams:
            os.close(stream)
        channel.send(b"%d %d" % (number, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])))


def _become(streams: list[int], arguments: list[str], environ: dict[str, str], folder: str) -> None:
    """Be the process of a command line."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.environ.clear()
    os.environ.update(environ)
    os.chdir(folder)
    sys.path[:1] = [folder, *filter(None, environ.get("PYTHONPATH", "").split(os.pathsep))]
    sys.argv = ["dinnerkit", *arguments]


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
