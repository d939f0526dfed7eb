"""The pytest plugin for the authors of backends, and of apps with dinnerkit in them: a database, the services, bad networks.

It is loaded in every run of pytest where dinnerkit is installed. So it imports nothing of dinnerkit's before a fixture is asked for;
whoever asks for none pays for reading this file. Where even its names are in the way: ``-p no:dinnerkit``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

if TYPE_CHECKING:
    from dinnerkit.kit import Kit
    from dinnerkit.testing.proxy import Proxy

OpenBackend: TypeAlias = Callable[[str, str], Any]
OpenKit: TypeAlias = "Callable[..., Kit]"
Between: TypeAlias = "Callable[..., Proxy]"


@contextmanager
def mongodb(folder: Path) -> Iterator[str]:
    """The URL, without a database, of a MongoDB for tests: DINNERKIT_TEST_DATABASE, or one that is started in the folder.

    That one removes nothing by its own clock, by which what tests with a clock of theirs write may be long out of date. It writes its
    journal at once: each test drops its database, which waits for that.
    """
    from dinnerkit.plugins import open_backend
    from dinnerkit.ports.urls import path_url

    given = os.environ.get("DINNERKIT_TEST_DATABASE")
    if given:
        yield given
        return
    with closing(open_backend("database", path_url("embedded", folder))) as backend:
        backend.database.client.admin.command({"setParameter": 1, "ttlMonitorEnabled": False, "journalCommitInterval": 10})
        yield with_database(backend.url, "")


def with_database(url: str, name: str) -> str:
    """The mongodb:// URL with another database's name in it."""
    return urlsplit(url)._replace(path=f"/{name}").geturl()


@pytest.fixture(scope="session")
def dinnerkit_mongodb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL, without a database, of a MongoDB for all tests: DINNERKIT_TEST_DATABASE, or one of its own by the ``embedded`` extra."""
    with mongodb(tmp_path_factory.mktemp("dinnerkit-mongodb")) as url:
        yield url


@pytest.fixture
def dinnerkit_database_url(dinnerkit_mongodb: str) -> Iterator[str]:
    """The URL of a database of this test alone, dropped after it."""
    from dinnerkit.plugins import open_backend

    name = f"test-{uuid4().hex}"
    yield with_database(dinnerkit_mongodb, name)
    with closing(open_backend("database", dinnerkit_mongodb)) as backend:
        backend.database.client.drop_database(name)


@pytest.fixture
def dinnerkit_backend() -> Iterator[OpenBackend]:
    """``dinnerkit_backend(kind, url)`` opens a backend as an app does, by its entry point, and closes it after the test."""
    from dinnerkit.plugins import open_backend

    with ExitStack() as opened:

        def open_one(kind: str, url: str) -> Any:
            backend = open_backend(kind, url)
            if hasattr(backend, "close"):
                opened.callback(backend.close)
            return backend

        yield open_one


@pytest.fixture
def dinnerkit_kit(dinnerkit_database_url: str, tmp_path: Path) -> Iterator[OpenKit]:
    """``dinnerkit_kit(cache="acme://…")`` opens all services with a database and files of this test's alone, and your settings."""
    from dinnerkit.kit import Kit
    from dinnerkit.settings import Settings
    from dinnerkit.testing import settings_for_tests

    with ExitStack() as opened:

        def open_kit(**settings: Any) -> Kit:
            usual = settings_for_tests(dinnerkit_database_url, tmp_path / "dinnerkit", **settings)
            return opened.enter_context(Kit.open(Settings(**usual)))

        yield open_kit


@pytest.fixture
def dinnerkit_proxy() -> Iterator[Between]:
    """``dinnerkit_proxy(port)`` stands between a backend and the service at that port of this machine, and can be turned bad.

    Its ``port`` is where the backend is to look. ``turn("hangs")`` makes it hang, and so on: ``refuses``, ``drops``, ``slow``, ``well``.
    """
    from dinnerkit.testing.proxy import proxy

    with ExitStack() as opened:

        def between(port: int, delay: float | None = None) -> Proxy:
            return opened.enter_context(proxy(port) if delay is None else proxy(port, delay))

        yield between
