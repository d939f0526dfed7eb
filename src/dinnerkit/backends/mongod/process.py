"""One run of mongod: start it, wait until it listens, stop it."""

from __future__ import annotations

import ctypes
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from dinnerkit.backends.mongod.diagnosis import PORT_TAKEN, why_it_died
from dinnerkit.backends.mongod.errors import EmbeddedMongodFailed
from dinnerkit.backends.mongod.layout import HOST, REPLICA_SET, Layout
from dinnerkit.backends.mongod.locks import FileLock

PORTS = (20_000, 32_000)
"""Where free ports are looked for: below those that the system lends to outgoing connections, so that nobody takes one by chance."""

STOP_SECONDS = 30.0
"""How long a mongod may take to write everything out before it is killed; its journal brings back the rest."""

_DYING_SECONDS = 2.0
_LISTENS = b'"id":23016,'  # "Waiting for connections"
_PR_SET_PDEATHSIG = 1
_LAST_WORDS = 65_536  # bytes
_LEAST_FREE = 1_000_000  # bytes


@dataclass(frozen=True, slots=True)
class Mongod:
    """A mongod that listens."""

    port: int
    process: subprocess.Popen[bytes]

    @classmethod
    def start(cls, binary: Path, layout: Layout, preferred_port: int | None) -> Self:
        """Start mongod on the preferred port, or another if that is taken, and return once it listens.

        Raises:
            EmbeddedMongodFailed: it died before.
        """
        why = ""
        for port in _free_ports(preferred_port):
            process = _spawn(binary, layout, port)
            why = _wait_until_listening(process, layout)
            if not why:
                return cls(port, process)
            if why != PORT_TAKEN:
                break
        raise EmbeddedMongodFailed(f"mongod ({binary}) can't start on {layout.data}: {why}; its log: {layout.log}")

    def died(self) -> bool:
        """Whether it is gone."""
        return self.process.poll() is not None

    def why_it_died(self, layout: Layout) -> str:
        """The cause of its death in one line."""
        with layout.log.open("rb") as log:
            log.seek(-min(_LAST_WORDS, os.fstat(log.fileno()).st_size), os.SEEK_END)
            return _why(log.read(), self.process, layout)

    def stop(self) -> None:
        """Shut it down cleanly; kill it if that takes longer than :data:`STOP_SECONDS`."""
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def stop_orphan(layout: Layout) -> None:
    """Stop a mongod of ours on this data whose supervisor was killed.

    Raises:
        EmbeddedMongodFailed: some other process uses the data, or it won't stop.
    """
    path = layout.data / "mongod.lock"
    if not path.exists():
        return
    lock = FileLock(path)
    try:
        if poll(lock.try_exclusive, _DYING_SECONDS):
            return
        for sign in (signal.SIGTERM, signal.SIGKILL):
            _signal_ours(layout, path, sign)
            if poll(lock.try_exclusive, STOP_SECONDS):
                return
        raise EmbeddedMongodFailed(f"a mongod that was left behind on {layout.data} can't be stopped")
    finally:
        lock.close()


def poll(condition: Callable[[], bool], seconds: float) -> bool:
    """Wait until the condition holds, looking every few milliseconds; whether it came to hold in that time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def _signal_ours(layout: Layout, lock_file: Path, sign: signal.Signals) -> None:
    pid = lock_file.read_text().strip()
    if not pid or str(layout.key) not in _command_line(pid):
        raise EmbeddedMongodFailed(f"{layout.data} is used by process {pid or 'unknown'}, which dinnerkit did not start; stop it first")
    os.kill(int(pid), sign)


def _command_line(pid: str) -> str:
    if sys.platform != "linux":
        return subprocess.run(["/bin/ps", "-ww", "-o", "args=", "-p", pid], capture_output=True, text=True, check=False).stdout  # noqa: S603
    try:
        return Path("/proc", pid, "cmdline").read_text()
    except OSError:
        return ""


def _free_ports(preferred: int | None) -> Iterator[int]:
    if preferred is not None and _is_free(preferred):
        yield preferred
    candidates = random.sample(range(*PORTS), k=200)
    yield from (port for port in candidates if _is_free(port))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def _spawn(binary: Path, layout: Layout, port: int) -> subprocess.Popen[bytes]:
    with layout.fresh_log() as log:
        try:
            return subprocess.Popen(  # noqa: S603 - the binary is the deployer's choice
                [binary, *_arguments(layout, port)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=layout.folder,
                preexec_fn=_tie_to_parent(),  # noqa: PLW1509 - the supervisor has one thread
            )
        except OSError as error:
            raise EmbeddedMongodFailed(f"mongod ({binary}) can't be run: {error.strerror}") from error


def _wait_until_listening(process: subprocess.Popen[bytes], layout: Layout) -> str:
    """Return once mongod listens; why it won't, if it died."""
    with layout.log.open("rb") as log:
        said = b""
        while _LISTENS not in said:
            dead = process.poll() is not None
            said += log.read()
            if dead:
                return _why(said, process, layout)
            time.sleep(0.01)
    return ""


def _why(said: bytes, process: subprocess.Popen[bytes], layout: Layout) -> str:
    if shutil.disk_usage(layout.data).free < _LEAST_FREE:  # then the log may end before it says so
        return "the disk is full; free some space"
    return why_it_died(said.decode(errors="replace"), process.returncode)


def _arguments(layout: Layout, port: int) -> list[str]:
    parameters = {
        "diagnosticDataCollectionEnabled": "false",  # up to 200 MB of disk, and work every second
        "enableLocalhostAuthBypass": "false",  # only whoever can read the key gets in, from the first moment
        "shutdownTimeoutMillisForSignaledShutdown": "0",  # there is no other member to hand over to
    }
    options = {
        "dbpath": layout.data.name,  # in its working directory, so that it follows its data if the folder is moved away
        "keyFile": str(layout.key),
        "replSet": REPLICA_SET,
        "bind_ip": HOST,
        "port": str(port),
        "oplogSize": "128",  # MB; the default is a twentieth of the free disk
        "wiredTigerCacheSizeGB": "0.25",
        "wiredTigerEngineConfigString": "log=(file_max=8MB,prealloc=false)",  # 9 MB on disk instead of 300
    }
    arguments = [f"--{name}={value}" for name, value in options.items()]
    return [*arguments, "--nounixsocket", "--quiet", *(f"--setParameter={name}={value}" for name, value in parameters.items())]


def _tie_to_parent() -> Callable[[], None] | None:
    """What the child does before it becomes mongod: ask Linux to kill it when the supervisor dies, however it dies.

    A kill, as a shutdown in the midst of use would refuse writes for a while, where after a kill the driver waits and repeats them.
    What was acknowledged is in the journal.
    """
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)
    parent = os.getpid()

    def tie() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)

    return tie
