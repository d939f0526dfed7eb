"""The demo in a process of its own, which can be killed at any time."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from dinnerkit.backends.mongod.member import is_running
from dinnerkit.demo import Scale
from tests.demo.small import SEED, TINY
from tests.waiting import DEADLINE, until

MAKE = """
import sys
from functools import partial
from dinnerkit.cli import demo, main
from dinnerkit.demo import Scale

demo.run = partial(demo.run, scale={scale!r}, seed={seed})
sys.exit(main(["demo", *sys.argv[1:]]))
"""
"""``dinnerkit demo`` on a world that is made in seconds."""


class Demo:
    """``dinnerkit demo`` on a small world, in a session of its own."""

    def __init__(self, folder: Path, *options: str, scale: Scale = TINY, **environ: str) -> None:
        self.folder = folder
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("DINNERKIT_")}
        self.process = subprocess.Popen(
            [sys.executable, "-c", MAKE.format(scale=scale, seed=SEED), "--data", str(folder), *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=inherited | environ,
            start_new_session=True,
        )

    def end(self) -> tuple[int, str, str]:
        """Wait for its end: exit code, standard output and standard error."""
        out, err = self.process.communicate(timeout=DEADLINE)
        return self.process.returncode, out, err

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait until the condition holds, or it ends."""
        until(lambda: condition() or self.process.poll() is not None)

    def charges(self) -> int:
        """How many payments the gateway has been asked for."""
        path = self.folder / "gateway.db"
        if not path.exists():
            return 0
        with closing(sqlite3.connect(path, timeout=10)) as books:
            try:
                return int(books.execute("select count(*) from charges").fetchone()[0])
            except sqlite3.OperationalError:
                return 0  # the table is not made yet


def nothing_runs(folder: Path) -> bool:
    """Whether no process works in the folder any more: no mongod, no worker, no server."""
    return not is_running(folder) and not working_in(folder)


def working_in(folder: Path) -> list[int]:
    """The processes that were started for the folder."""
    mark = f"DINNERKIT_DATA={folder}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            variables = (process / "environ").read_bytes().split(b"\0")
            state = (process / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if mark in variables and state != "Z":
            found.append(int(process.name))
    return found
