"""The process behind ``dinnerkit serve``: keeps the web server and its companions running, and ends them together."""

from __future__ import annotations

import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import structlog

from dinnerkit.errors import Invalid, Unavailable
from dinnerkit.retry import Backoff
from dinnerkit.serving.config import GRACE_SECONDS

_RESTARTS = Backoff(first=0.5, longest=5.0)
_STEADY_SECONDS = 60.0
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

log = structlog.get_logger(__name__)


class Child:
    """One process that is kept running: started again when it ends, ever later when it keeps ending."""

    def __init__(self, name: str, command: Sequence[str], pass_fds: Sequence[int] = ()) -> None:
        self.name = name
        self.starts_at = 0.0
        self._command = [sys.executable, *command, "--parent", str(os.getpid())]
        self._pass_fds = tuple(pass_fds)
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._failures = 0

    @property
    def running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.poll() is None

    @property
    def returncode(self) -> int | None:
        """How it ended, or None where it runs or never did."""
        return self._process.poll() if self._process else None

    def start(self) -> None:
        """Start the process, with its output on stderr, in a session of its own: the terminal's Ctrl-C is for the supervisor alone."""
        self._started = time.monotonic()
        self._process = subprocess.Popen(self._command, pass_fds=self._pass_fds, stdout=sys.stderr, start_new_session=True)  # noqa: S603

    def keep(self) -> None:
        """Start it again once it has ended and its wait is over."""
        if self.running:
            return
        now = time.monotonic()
        if self.starts_at <= self._started:  # it has just ended
            self._failures = 1 if now - self._started > _STEADY_SECONDS else self._failures + 1
            wait = _RESTARTS.wait(self._failures)
            self.starts_at = now + wait
            log.error("process_ended", name=self.name, code=self.returncode, restart_in=round(wait, 1))
        elif now >= self.starts_at:
            self.start()

    def send(self, number: signal.Signals) -> None:
        """Send the signal if the process is there."""
        if self._process is not None and self.running:
            self._process.send_signal(number)

    def end(self, deadline: float) -> None:
        """Wait for its end until ``deadline`` (monotonic seconds), then kill it."""
        if self._process is None:
            return
        try:
            self._process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            log.warning("process_killed", name=self.name, why="it did not end in time")
            self._process.kill()
            self._process.wait()


class Supervisor:
    """Runs until it is asked to stop.

    Args:
        listener: the listening socket, which it closes when it stops.
        workers: how many web worker processes.
        work: whether to run the background work too.
        ready: called once, when the first worker takes requests.
    """

    def __init__(self, listener: socket.socket, *, workers: int, work: bool, ready: Callable[[], None]) -> None:
        self._listener = listener
        self._ready = ready
        self._is_ready = False
        self._stopping = False
        self._reports, report_to = os.pipe()
        server = ["-m", "dinnerkit.serving", "--workers", str(workers), "--listener", str(listener.fileno()), "--reports", str(report_to)]
        self._web = Child("web", server, (listener.fileno(), report_to))
        self._children = [self._web]
        if work:
            self._children.append(Child("work", ["-m", "dinnerkit", "work"]))

    def run(self) -> None:
        """Start everything, keep it running until SIGTERM, SIGINT or SIGHUP, then let what runs end, and return.

        Raises:
            KeyboardInterrupt: a second signal; nothing was waited for.
            Invalid: the app can't be made with these settings.
            Unavailable: the app can't be made because a backend is down, or the server ended before it was ready.
        """
        with _woken_by_signals(self._stop) as wakeups, selectors.DefaultSelector() as selector:
            selector.register(wakeups, selectors.EVENT_READ, lambda: wakeups.recv(4096))
            selector.register(self._reports, selectors.EVENT_READ, self._read_reports)
            for child in self._children:
                child.start()
            try:
                while not self._stopping:
                    for key, _ in selector.select(timeout=1.0):
                        key.data()
                    self._keep()
            finally:
                self._end()

    def _keep(self) -> None:
        if self._stopping:
            return
        if not self._is_ready and not self._web.running:
            self._read_reports()
            raise Unavailable(f"the web server ended before it was ready, with exit code {self._web.returncode}")
        for child in self._children:
            child.keep()

    def _read_reports(self) -> None:
        os.set_blocking(self._reports, False)
        try:
            lines = os.read(self._reports, 65_536).splitlines()
        except BlockingIOError:
            return
        for line in lines:
            self._take(json.loads(line))

    def _take(self, report: dict[str, Any]) -> None:
        if "failed" in report and not self._is_ready:
            raise (Unavailable if report["down"] else Invalid)(report["failed"])
        if "failed" in report:
            log.error("worker_not_started", why=report["failed"])
        elif not self._is_ready:
            self._is_ready = True
            self._ready()

    def _stop(self) -> None:
        self._stopping = True

    def _end(self) -> None:
        self._listener.close()  # else connections would still be taken, and then dropped
        deadline = time.monotonic() + GRACE_SECONDS + 5
        for child in self._children:
            child.send(signal.SIGTERM)
        try:
            for child in self._children:
                child.end(deadline)
        except KeyboardInterrupt:
            for child in self._children:
                child.send(signal.SIGKILL)
            raise


@contextmanager
def _woken_by_signals(stop: Callable[[], None]) -> Iterator[socket.socket]:
    """A socket that becomes readable at each signal; the first stop signal calls ``stop``, every further one raises KeyboardInterrupt."""
    asked = False

    def ask(_number: int, _frame: object) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True
        stop()

    reader, writer = socket.socketpair()
    writer.setblocking(False)
    numbers = [number for number in _STOP_SIGNALS if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN]  # nohup
    before = {number: signal.signal(number, ask) for number in numbers}
    before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
    fd_before = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    try:
        yield reader
    finally:
        signal.set_wakeup_fd(fd_before)
        for number, handler in before.items():
            signal.signal(number, handler)
        reader.close()
        writer.close()
