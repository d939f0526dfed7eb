"""A real ``dinnerkit serve``, its workers and its clients, for tests under load and fire."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from datetime import timedelta
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from dinnerkit.accounts.documents import UserDocument
from dinnerkit.accounts.secrecy import Keys, SignedTokens
from dinnerkit.accounts.service import AccountService, NewUser
from dinnerkit.clock import utcnow
from dinnerkit.ids import new_id
from dinnerkit.kit import Kit
from dinnerkit.secret_key import secret_key
from dinnerkit.settings import PREFIX
from dinnerkit.storage import collection
from tests.waiting import DEADLINE, until


class Answer(NamedTuple):
    """A response: its status, its headers in lower case, and its body, decoded where it is JSON."""

    status: int
    headers: dict[str, str]
    body: Any


class Server:
    """``dinnerkit serve`` in a process group of its own."""

    def __init__(self, settings: dict[str, Any], folder: Path, *options: str, bind: str = "127.0.0.1:0") -> None:
        variables = {f"{PREFIX}{name.upper()}": str(value) for name, value in settings.items()}
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        self._log = (folder / "serve.log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "dinnerkit", "serve", "--bind", bind, *options],
            env=inherited | variables,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            start_new_session=True,
        )
        self.address = self._wait_until_ready(folder)

    def _wait_until_ready(self, folder: Path) -> str:
        began = time.monotonic()
        timer = threading.Timer(DEADLINE, self.process.kill)
        timer.start()
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        timer.cancel()
        self.seconds_to_start = time.monotonic() - began
        assert line.startswith("dinnerkit is serving at "), f"{line!r}\n{(folder / 'serve.log').read_text()[-3000:]}"
        return urlsplit(line.split()[-1]).netloc

    def tree(self) -> list[int]:
        """The pids of the server's descendants, as far as they live."""
        return descendants(self.process.pid)

    def kill_everything(self) -> None:
        """SIGKILL to the supervisor and everything below it; returns when the port is free, and so the last of them gone."""
        for pid in [self.process.pid, *self.tree()]:
            kill(pid)
        self._finish()
        until(lambda: can_bind(self.address), "the last of the killed server is gone")

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(DEADLINE)
        self._finish()
        return self.process.returncode

    def _finish(self) -> None:
        self.process.wait(DEADLINE)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self._log.close()


class Client:
    """One keep-alive connection, as one user."""

    def __init__(self, address: str, token: str | None = None) -> None:
        self._connection = HTTPConnection(address, timeout=30)
        self._headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Send a request; connection errors are raised, and the next request opens a new connection."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            self._connection.request(method, path, None if body is None else json.dumps(body), self._headers | named)
            response = self._connection.getresponse()
            raw = response.read()
        except (OSError, HTTPException):
            self._connection.close()
            raise
        found = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, found, json.loads(raw) if "json" in found.get("content-type", "") else raw)

    def close(self) -> None:
        self._connection.close()


def sign_in(kit: Kit, names: list[str]) -> dict[str, str]:
    """New users of these names, signed in: their access tokens by their ids."""
    return bearer_tokens(kit, kit.service(AccountService).import_users([NewUser(email=f"{name}@example.org", name=name) for name in names]))


def bearer_tokens(kit: Kit, users: list[str]) -> dict[str, str]:
    """Access tokens of users, by their ids. Argon2 is spared: nobody types a password here."""
    now, session = utcnow(), new_id()
    entry = {"id": session, "key": "none", "secret": "none", "created_at": now, "expires_at": now + timedelta(hours=1)}
    collection(kit.database, UserDocument).update_many({"_id": {"$in": users}}, {"$set": {"sessions": [entry]}})
    tokens = SignedTokens(Keys(secret_key(kit.settings)), "access")
    return {user: tokens.sign({"sub": user, "sid": session}, now=now, expires_at=now + timedelta(hours=1)) for user in users}


def kill(pid: int) -> None:
    """SIGKILL, if it still lives."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def can_bind(address: str) -> bool:
    """Whether a server can listen at HOST:PORT."""
    host, _, port = address.partition(":")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, int(port)))
            probe.listen()
        except OSError:
            return False
    return True


def descendants(pid: int) -> list[int]:
    """The children of a process, theirs, and so on."""
    parents: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                stat = (folder / "stat").read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue
            parents[int(folder.name)] = int(stat.rpartition(")")[2].split()[1])
    found, fresh = [], [pid]
    while fresh:
        fresh = [child for child, parent in parents.items() if parent in fresh]
        found += fresh
    return found
