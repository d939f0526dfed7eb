from __future__ import annotations

import io
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from dinnerkit import Kit, Settings
from dinnerkit.accounts.rules import Profile
from dinnerkit.accounts.service import AccountService, NewUser
from dinnerkit.app import create_app
from dinnerkit.http.mount import EXTENSION_KEY
from dinnerkit.identity import Principal, Role
from dinnerkit.live.limits import Connections
from dinnerkit.ports.bus import News
from dinnerkit.testing import settings_for_tests
from tests.fire.serving import bearer_tokens
from tests.live.talking import Talk
from tests.waiting import DEADLINE


class Caller(NamedTuple):
    id: str
    token: str
    principal: Principal


class Quiet(WSGIRequestHandler):
    def log(self, *_: Any) -> None: ...


class Handed:
    """A socket that its server lets go of."""

    def __init__(self, real: socket.socket, reader: io.BufferedReader) -> None:
        self._real, self._reader = real, reader

    def hand_over(self) -> tuple[int, bytes, Callable[[], None]]:
        self._real.setblocking(False)
        unread = self._reader.peek()
        return self._real.detach(), unread, lambda: None


class HandsOver(Quiet):
    """As a worker of ours does."""

    def make_environ(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().make_environ()
        del environ["werkzeug.socket"]
        return environ | {"gunicorn.socket": Handed(self.connection, self.rfile)}

    def run_wsgi(self) -> None:
        try:
            super().run_wsgi()
        except StopIteration:  # there is nothing left to answer
            self.close_connection = True


@pytest.fixture
def kit(database_url: str, tmp_path: Path) -> Iterator[Kit]:
    """With a bus that is heard already, so that nobody can have missed anything."""
    with Kit.open(Settings(**settings_for_tests(database_url, tmp_path))) as kit, kit.backends.bus.subscribe("ready") as first:
        deadline = time.monotonic() + DEADLINE
        heard = None
        while not isinstance(heard, News):
            assert time.monotonic() < deadline
            kit.backends.bus.publish(News("ready", {}))
            heard = first.next(1.0)
        yield kit


@pytest.fixture
def app(kit: Kit) -> Flask:
    return create_app(kit=kit)


@pytest.fixture
def connections(app: Flask) -> Connections:
    found: Connections = app.extensions[EXTENSION_KEY].services[Connections]
    return found


@pytest.fixture
def road() -> str:
    """Whether the server hands sockets over, or leaves each connection alone on a thread of its own."""
    return "handed"


@pytest.fixture
def address(app: Flask, road: str) -> Iterator[str]:
    """Where the app answers, each request in a thread of its own."""
    handler = HandsOver if road == "handed" else Quiet
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=handler, passthrough_errors=True)
    server.daemon_threads = False  # so that those that talk are waited for
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def caller(kit: Kit) -> Callable[..., Caller]:
    """Makes a signed-in user of a role."""

    def make(name: str, role: Role = Role.GUEST, born: int | None = None) -> Caller:
        [user] = kit.service(AccountService).import_users(
            [NewUser(email=f"{name}@example.org", name=name, role=role, profile=Profile(birth_year=born))]
        )
        return Caller(user, bearer_tokens(kit, [user])[user], Principal(user, role))

    return make


@pytest.fixture
def talk(address: str) -> Iterator[Callable[..., Talk]]:
    """Opens connections, and ends them all after the test."""
    talks: list[Talk] = []

    def begin(**options: Any) -> Talk:
        talks.append(Talk(address, **options))
        return talks[-1]

    yield begin
    for one in talks:
        with one:
            pass
