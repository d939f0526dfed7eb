"""The pytest plugin, in runs of pytest of their own, as the author of a backend has them."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from tests.conftest import with_database

TESTS = """
import socket
import threading

import pytest


def test_a_backend_is_opened_by_its_entry_point_and_closed(dinnerkit_backend, tmp_path):
    cache = dinnerkit_backend("cache", f"disk://{tmp_path}")
    cache.set("a", 1, 60)
    assert cache.get("a") == 1
    assert dinnerkit_backend("bus", "memory://") is not dinnerkit_backend("bus", "memory://")


def test_a_kit_has_the_backend_and_a_database_of_this_tests(dinnerkit_kit, dinnerkit_database_url, tmp_path):
    kit = dinnerkit_kit(cache=f"disk://{tmp_path}/cache")
    assert kit.database.name in dinnerkit_database_url
    assert kit.settings.cache == f"disk://{tmp_path}/cache"
    kit.database["letters"].insert_one({"dear": "all"})


def test_another_test_has_another_database(dinnerkit_kit):
    assert dinnerkit_kit().database["letters"].count_documents({}) == 0


@pytest.fixture
def service():
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def echo():
            while True:
                try:
                    caller, _ = listener.accept()
                except OSError:
                    return
                with caller:
                    caller.sendall(caller.recv(100))

        threading.Thread(target=echo, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def asked(port, patience=30.0):
    with socket.create_connection(("127.0.0.1", port), patience) as connection:
        connection.sendall(b"well?")
        return connection.recv(100)


def test_a_proxy_is_as_bad_as_it_is_told_to_be(dinnerkit_proxy, service):
    between = dinnerkit_proxy(service)
    assert asked(between.port) == b"well?"
    between.turn("hangs")
    with pytest.raises(TimeoutError):
        asked(between.port, 0.3)
    between.turn("drops")
    with pytest.raises(ConnectionError):
        assert asked(between.port) == b"", "hung up"
        raise ConnectionError
    between.turn("refuses")
    with pytest.raises(ConnectionRefusedError):
        asked(between.port)
    between.turn("slow")
    assert asked(dinnerkit_proxy(service, 0.01).port) == b"well?"
    between.turn("well")
    assert asked(between.port) == b"well?"
    with pytest.raises(ValueError, match="a proxy is one of well, hangs"):
        between.turn("nasty")


def test_a_service_that_is_not_there_does_not_end_its_proxy(dinnerkit_proxy, service):
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    between = dinnerkit_proxy(port)
    for _ in range(2):
        with pytest.raises(ConnectionError):
            assert asked(between.port) == b""
            raise ConnectionError
"""


def ran(folder: Path, *options: str, **environ: str) -> subprocess.CompletedProcess[str]:
    (folder / "pytest.ini").write_text("[pytest]\naddopts = -p no:cacheprovider\n")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("DINNERKIT_", "PYTEST_"))}
    command = [sys.executable, "-m", "pytest", "-q", *options]
    return subprocess.run(command, cwd=folder, env=clean | environ, capture_output=True, text=True, check=False)


def test_its_fixtures_do_what_they_say(tmp_path: Path, mongo_url: str):
    (tmp_path / "test_ours.py").write_text(TESTS)
    ended = ran(tmp_path, DINNERKIT_TEST_DATABASE=with_database(mongo_url, ""))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "5 passed" in ended.stdout


@pytest.mark.parametrize("option", ["", "-pno:dinnerkit"])
def test_who_asks_for_none_of_them_imports_nothing_for_them(tmp_path: Path, option: str):
    heavy = "[name for name in sys.modules if name.split('.')[0] in ('pymongo', 'flask', 'structlog') or name.startswith('dinnerkit.')]"
    (tmp_path / "test_theirs.py").write_text(
        f"import sys\n\ndef test_it():\n    assert {heavy} == {[] if option else ['dinnerkit.first_use', 'dinnerkit.pytest_plugin']}\n"
    )
    ended = ran(tmp_path, *([option] if option else []))
    assert ended.returncode == 0, ended.stdout


def test_it_is_there_for_whoever_installs_dinnerkit():
    (found,) = [point for point in entry_points(group="pytest11") if point.name == "dinnerkit"]
    assert found.value == "dinnerkit.pytest_plugin"
