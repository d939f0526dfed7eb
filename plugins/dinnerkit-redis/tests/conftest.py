from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conftest import database, database_url, databases_to_use_again, mongo_client, mongo_url  # noqa: F401 - fixtures
from tests.services.redis import MASTER, PASSWORD, redis_cluster, redis_sentinel, redis_server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a server."""
    with redis_server(tmp_path_factory.mktemp("redis")) as port:
        yield port


@pytest.fixture(scope="session")
def sentinel(tmp_path_factory: pytest.TempPathFactory, server: int) -> Iterator[int]:
    """The port of a sentinel that watches it."""
    with redis_sentinel(tmp_path_factory.mktemp("sentinel"), server) as port:
        yield port


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[int]]:
    """The ports of a cluster."""
    with redis_cluster(tmp_path_factory.mktemp("cluster")) as ports:
        yield ports


@pytest.fixture(params=["redis", "redis+sentinel", "redis+cluster"])
def url(request: pytest.FixtureRequest) -> str:
    """Of Redis in each of its forms."""
    if request.param == "redis":
        return f"redis://:{PASSWORD}@127.0.0.1:{request.getfixturevalue('server')}/0"
    if request.param == "redis+sentinel":
        return f"redis+sentinel://:{PASSWORD}@127.0.0.1:{request.getfixturevalue('sentinel')}/{MASTER}"
    hosts = ",".join(f"127.0.0.1:{port}" for port in request.getfixturevalue("cluster"))
    return f"redis+cluster://:{PASSWORD}@{hosts}"
