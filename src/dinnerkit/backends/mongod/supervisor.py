"""The supervisor: a detached process that keeps one mongod running for as long as somebody holds the users' lock."""

from __future__ import annotations

import os
import resource
import select
import signal
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path

from dinnerkit.backends.mongod.binary import find_mongod
from dinnerkit.backends.mongod.errors import EmbeddedMongodFailed
from dinnerkit.backends.mongod.layout import Layout
from dinnerkit.backends.mongod.locks import FileLock
from dinnerkit.backends.mongod.process import Mongod, poll, stop_orphan
from dinnerkit.retry import Backoff

TICK_SECONDS = 0.25
LINGER_SECONDS = 1.0
"""How long mongod stays after its last user, so that one command after the other does not start it anew each time."""

_ELECTION_SECONDS = 0.1  # others touch the lock for an instant, to see whether it is held
_STABLE_SECONDS = 30.0
_MANY_FILES = 65_536
_RESTARTS = Backoff(first=0.5, longest=15.0)


def main(root: Path) -> int:
    """Supervise the mongod under ``root`` until nobody needs it; at once back where another supervisor does.

    Whoever started this process reads its standard error to the end: nothing means to look again, a line is the reason why it failed.
    """
    if os.fork():
        os._exit(0)  # the supervisor is nobody's child, so that no user has to wait for it
    layout = Layout(root)
    os.chdir(layout.folder)
    lock = FileLock(layout.supervisor_lock)
    if not poll(lock.try_exclusive, _ELECTION_SECONDS):
        return 0
    try:
        _supervise(layout)
    except EmbeddedMongodFailed as error:
        _say(error.message)
    except OSError as error:
        _say(layout.unusable(error).message)
    else:
        return 0
    return 1


def _supervise(layout: Layout) -> None:
    layout.announce(layout.last_port(), ready=False)
    _allow_many_files()
    layout.make_key()
    binary = find_mongod()
    stop_orphan(layout)
    watch = _Watch(layout, binary, Mongod.start(binary, layout, layout.last_port()))
    _let_starter_go(layout)
    watch.run()


class _Watch:
    """The supervisor's work from the moment that mongod listens.

    Its current folder is mongod's, which it is in still where PATH was moved away and is another's by now.
    """

    def __init__(self, layout: Layout, binary: Path, mongod: Mongod) -> None:
        self._layout = layout
        self._binary = binary
        self._mongod = mongod
        self._users = FileLock(layout.users_lock)
        self._idle_since: float | None = None
        self._leaving = False
        self._quick_deaths = 0
        self._wakeup = _wakeup_on(signal.SIGCHLD, signal.SIGTERM)
        signal.signal(signal.SIGTERM, self._leave)
        self._announce_start()

    def run(self) -> None:
        """Keep mongod running until nobody has needed it for :data:`LINGER_SECONDS`; then shut it down."""
        while self._needed():
            if self._mongod.died():
                self._start_again()
            self._layout.trim_log()
            self._sleep(TICK_SECONDS)
        with suppress(OSError):  # the folder was removed, and nobody looks there any more
            self._layout.announce(self._mongod.port, ready=False, folder=Path())
        self._mongod.stop()

    def _needed(self) -> bool:
        """Whether somebody uses mongod, or did a moment ago. On a no the users' lock stays taken: who comes now waits for our end."""
        if not self._users.is_current():
            return False  # PATH was removed or moved away
        if not self._users.try_exclusive():
            self._idle_since = None
            return True
        now = time.monotonic()
        if self._idle_since is None:
            self._idle_since = now
        if self._leaving or now - self._idle_since >= LINGER_SECONDS:
            return False
        self._users.release()
        return True

    def _start_again(self) -> None:
        self._layout.announce(self._mongod.port, ready=False)
        _say(f"mongod died: {self._mongod.why_it_died(self._layout)}; starting it again")
        self._quick_deaths = self._quick_deaths + 1 if time.monotonic() - self._started < _STABLE_SECONDS else 0
        if self._quick_deaths > 1:
            time.sleep(_RESTARTS.wait(self._quick_deaths - 1))
            if not self._users.is_current():
                return  # PATH was moved away meanwhile, and what is there now is not ours
        self._mongod = Mongod.start(self._binary, self._layout, self._mongod.port)
        self._announce_start()

    def _announce_start(self) -> None:
        self._started = time.monotonic()
        self._layout.announce(self._mongod.port, ready=True)

    def _leave(self, *_: object) -> None:
        """On SIGTERM: go with the last user, who may have been asked to go by the same shutdown and still needs to write."""
        self._leaving = True

    def _sleep(self, seconds: float) -> None:
        """Sleep, but wake up when mongod dies."""
        if select.select([self._wakeup], [], [], seconds)[0]:
            self._wakeup.recv(4096)


def _wakeup_on(*signals: signal.Signals) -> socket.socket:
    """A socket that becomes readable when one of the signals comes."""
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    signal.set_wakeup_fd(theirs.detach(), warn_on_full_buffer=False)
    for sign in signals:
        signal.signal(sign, lambda *_: None)
    return ours


def _let_starter_go(layout: Layout) -> None:
    """End the starter's wait by closing our standard error; what we say from now on goes to a file."""
    log = os.open(layout.supervisor_log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(log, sys.stderr.fileno())
    os.close(log)


def _allow_many_files() -> None:
    """Raise the limit of open files, which WiredTiger needs one of for each collection and index, as far as we may."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _MANY_FILES if hard == resource.RLIM_INFINITY else min(hard, _MANY_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
