"""A database must be a replica set or a cluster, and new enough: who gives another is told so, and not by what fails later."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pymongo import MongoClient

from dinnerkit.backends.database import unsuitable
from dinnerkit.backends.mongod.binary import find_mongod
from tests.cli.running import Ended
from tests.cli.test_check import states
from tests.services.processes import free_port


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a mongod that is no replica set."""
    port, folder = free_port(), tmp_path_factory.mktemp("alone")
    command = [str(find_mongod()), "--port", str(port), "--bind_ip", "127.0.0.1", "--dbpath", str(folder), "--logpath", str(folder / "log")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            with MongoClient[dict[str, Any]]("127.0.0.1", port, serverSelectionTimeoutMS=30_000) as client:
                client.admin.command("ping")
            yield f"mongodb://127.0.0.1:{port}/x"
        finally:
            process.kill()


def test_a_server_by_itself_is_refused_with_what_to_do(alone: str, run_served: Callable[..., Ended]) -> None:
    ended = run_served("check", DINNERKIT_DATABASE=alone, DINNERKIT_BUS=alone)
    found = states(ended)
    assert (found.pop("database"), found.pop("bus")) == ("down", "down")
    assert set(found.values()) == {"ok"}
    assert ended.out.count("start mongod with --replSet rs0 and give it rs.initiate() once") == 2
    started = run_served("db", "init", DINNERKIT_DATABASE=alone)
    assert started.code == 2
    assert started.err.startswith("dinnerkit: database: 'mongodb://127.0.0.1:")
    assert "is a server by itself" in started.err
    assert started.err.count("\n") == 1


@pytest.mark.parametrize(
    ("told", "wrong"),
    [
        ({"maxWireVersion": 17, "setName": "rs0"}, ""),
        ({"maxWireVersion": 25, "msg": "isdbgrid"}, ""),
        ({"maxWireVersion": 13, "setName": "rs0"}, "this MongoDB is too old; dinnerkit needs 6.0 or newer"),
        ({"setName": "rs0"}, "this MongoDB is too old; dinnerkit needs 6.0 or newer"),
    ],
)
def test_a_server_is_known_by_its_greeting(told: dict[str, Any], wrong: str) -> None:
    assert unsuitable(told) == wrong
