"""A process that uses the embedded MongoDB: it holds the users' lock, and sees to it that a supervisor runs."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

from dinnerkit.backends.mongod.errors import EmbeddedMongodFailed
from dinnerkit.backends.mongod.layout import Layout
from dinnerkit.backends.mongod.locks import FileLock, is_held
from dinnerkit.retry import Backoff

START_SECONDS = 60.0
"""How long to wait until mongod listens; after a crash of the machine it first replays its journal."""

_POLL_SECONDS = 0.01
_REVIVALS = Backoff(first=1.0, longest=30.0)


class Member:
    """This process's hold on the server under one PATH. The kernel gives it back when the process and its forked children are gone."""

    def __init__(self, root: Path) -> None:
        """Hold the server under ``root``, started if need be.

        Raises:
            EmbeddedMongodFailed: it can't be started.
        """
        self._layout = Layout(root)
        self._layout.create()
        self._reviving = threading.Lock()
        self._failures = 0
        self._not_before = 0.0
        self._deadline = time.monotonic() + START_SECONDS
        self.trouble: EmbeddedMongodFailed | None = None
        self._hold = self._take_hold()
        try:
            self.port = self._started()
            self.secret = self._layout.key.read_text()
        except BaseException:
            self._hold.close()
            raise

    def revive(self) -> None:
        """Start a supervisor again if ours has gone; to be called when the server does not answer.

        What prevents it is kept as ``trouble``.
        """
        if not self._reviving.acquire(blocking=False):
            return
        try:
            if not is_held(self._layout.supervisor_lock) and time.monotonic() >= self._not_before:
                self._start_again()
        finally:
            self._reviving.release()

    def leave(self) -> None:
        """Give up the hold; the server goes down a moment after the last one did."""
        self._hold.close()

    def _start_again(self) -> None:
        self._deadline = time.monotonic() + START_SECONDS
        try:
            self._layout.create()
            self._check_port(self._started())
        except EmbeddedMongodFailed as error:
            self._failures += 1
            self._not_before = time.monotonic() + _REVIVALS.wait(self._failures)
            self.trouble = error
        else:
            self._failures = 0
            self.trouble = None

    def _check_port(self, port: int) -> None:
        if port != self.port:
            raise EmbeddedMongodFailed(f"the embedded MongoDB had to move from port {self.port} to {port}; start this process again")

    def _take_hold(self) -> FileLock:
        """The users' lock; waits while a supervisor that goes down has it."""
        while True:
            try:
                hold = FileLock(self._layout.users_lock)
            except OSError as error:
                raise self._layout.unusable(error) from error
            if hold.try_shared() and hold.is_current():
                return hold
            hold.close()
            self._pause("the one before it does not end")

    def _started(self) -> int:
        """The port of the server, started if no supervisor is there."""
        while True:
            if not is_held(self._layout.supervisor_lock):
                self._start_supervisor()
            port = self._layout.ready_port()
            if port is not None and is_held(self._layout.supervisor_lock):
                return port
            self._pause(f"it does not listen; its log: {self._layout.log}")

    def _start_supervisor(self) -> None:
        """Run a supervisor, and wait until its mongod listens or another supervisor turned out to be there."""
        process = subprocess.Popen(  # noqa: S603 - this Python, this package
            [sys.executable, "-P", "-m", "dinnerkit.backends.mongod", str(self._layout.root)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        try:
            said = process.communicate(timeout=max(0.0, self._deadline - time.monotonic()))[1]
        except subprocess.TimeoutExpired as error:
            raise self._too_slow(f"it does not listen; its log: {self._layout.log}") from error
        finally:
            if process.stderr:
                process.stderr.close()
        if said.strip():
            raise EmbeddedMongodFailed(said.decode(errors="replace").strip().splitlines()[-1])

    def _pause(self, why: str) -> None:
        if time.monotonic() > self._deadline:
            raise self._too_slow(why)
        time.sleep(_POLL_SECONDS)

    def _too_slow(self, why: str) -> EmbeddedMongodFailed:
        return EmbeddedMongodFailed(f"the embedded MongoDB under {self._layout.root} was not ready after {START_SECONDS:.0f} s: {why}")


def is_running(root: Path) -> bool:
    """Whether a supervisor, and so perhaps a mongod, is at work under ``root``."""
    return is_held(Layout(root).supervisor_lock)
