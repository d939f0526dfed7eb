"""A replica set of three real members on this machine, each of which may be killed."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from dinnerkit.backends.mongod.binary import find_mongod
from tests.services.processes import free_port, wait_for
from tests.waiting import until

HOST, NAME = "127.0.0.1", "three"
SETTINGS = {"electionTimeoutMillis": 1000, "heartbeatIntervalMillis": 500}
"""So that a new primary is elected in a second or two; MongoDB's own default makes it eleven."""

UNMIRRORED = "mirrorReads={samplingRate: 0}"
"""Else a primary repeats one read in a hundred at its secondaries, to keep them warm, and that looks as if we had asked them."""

_Client = MongoClient[dict[str, Any]]


class ReplicaSet:
    """Three members with their data in a folder each, of which the last may be hidden."""

    def __init__(self, folder: Path, said: IO[str], *, hidden: bool = False) -> None:
        self._binary = find_mongod()
        self._hides = hidden
        self._data = {free_port(): folder / f"member-{number}" for number in range(3)}
        self._running: dict[int, subprocess.Popen[bytes]] = {}
        self._said = said

    def start(self) -> None:
        """Start the members and have them elect a primary."""
        for port, data in self._data.items():
            data.mkdir()
            self._start(port)
        members: list[dict[str, Any]] = [{"_id": number, "host": f"{HOST}:{port}"} for number, port in enumerate(self._data)]
        if self._hides:
            members[-1] |= {"hidden": True, "priority": 0}
        with _connected(next(iter(self._data))) as client:
            client.admin.command("replSetInitiate", {"_id": NAME, "settings": SETTINGS, "members": members})
        self.primary()

    def stop(self) -> None:
        """Kill them all."""
        for port in list(self._running):
            self._kill(port)

    def url(self, database: str) -> str:
        """The URL of a database of that name."""
        return f"mongodb://{','.join(f'{HOST}:{port}' for port in self._data)}/{database}?replicaSet={NAME}"

    @property
    def hidden(self) -> int:
        """The port of the last member, which is hidden where that was wished."""
        return list(self._data)[-1]

    def secondary(self) -> int:
        """The port of a member that follows the primary, and is not hidden."""
        primary = self.primary()
        return next(port for port in self._data if port not in {primary, self.hidden})

    @contextmanager
    def connected(self, port: int) -> Iterator[_Client]:
        """A client of that member alone."""
        with _connected(port) as client:
            yield client

    @contextmanager
    def held_back(self, port: int) -> Iterator[None]:
        """A secondary that gets no further: what is written from now on does not reach it."""
        with _connected(port) as client:
            client.admin.command("fsync", lock=True)
            try:
                yield
            finally:
                client.admin.command("fsyncUnlock")

    def stay(self) -> None:
        """Have the primary remain it, however busy this machine is."""
        with _connected(self.primary()) as client:
            config = client.admin.command("replSetGetConfig")["config"]
            config["version"] += 1
            config["settings"] |= {"electionTimeoutMillis": 600_000, "heartbeatTimeoutSecs": 600}
            client.admin.command("replSetReconfig", config)
        for port in self._running:  # a member that has not heard of it would still call for an election
            with _connected(port) as client:
                until(lambda client=client: _version(client) >= config["version"], f"the member at {port} is told")

    def lose_primary(self, alone: float) -> None:
        """SIGKILL the member that takes writes, for good, when the others have not heard from it for some seconds.

        These are killed too, and started again, so that nothing is left of what it had sent them and they had not read.
        """
        lost = self.primary()
        others = [port for port in self._running if port != lost]
        for port in others:
            self._running[port].send_signal(signal.SIGSTOP)
        time.sleep(alone)
        for port in list(self._running):
            self._kill(port)
        for port in others:
            self._start(port)

    def primary(self) -> int:
        """The port of the member that takes writes, once there is one."""
        return until(lambda: next((port for port in self._running if _hello(port).get("isWritablePrimary")), 0), "a primary is elected")

    def _start(self, port: int) -> None:
        command = [str(self._binary), "--replSet", NAME, "--port", str(port), "--bind_ip", HOST, "--dbpath", str(self._data[port])]
        small = ["--nounixsocket", "--wiredTigerCacheSizeGB", "0.25", "--oplogSize", "64"]
        small += ["--setParameter", UNMIRRORED]
        self._running[port] = subprocess.Popen([*command, *small], stdout=self._said, stderr=subprocess.STDOUT)
        wait_for(self._running[port], port, self._said)

    def _kill(self, port: int) -> None:
        process = self._running.pop(port)
        process.kill()
        process.wait()


@contextmanager
def replica_set(folder: Path, *, hidden: bool = False) -> Iterator[ReplicaSet]:
    """Three members that have elected a primary; the last is hidden, where that is wished."""
    with TemporaryFile("w+") as said:
        members = ReplicaSet(folder, said, hidden=hidden)
        try:
            members.start()
            yield members
        finally:
            members.stop()


def _connected(port: int) -> _Client:
    return MongoClient(HOST, port, directConnection=True, serverSelectionTimeoutMS=5000)


def _version(client: _Client) -> int:
    return int(client.admin.command("replSetGetConfig")["config"]["version"])


def _hello(port: int) -> dict[str, Any]:
    with suppress(PyMongoError), _connected(port) as client:
        return client.admin.command("hello")
    return {}
