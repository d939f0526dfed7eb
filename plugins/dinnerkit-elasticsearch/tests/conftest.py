from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest
from elasticsearch import Elasticsearch

from tests.conftest import database, database_url, databases_to_use_again, mongo_client, mongo_url  # noqa: F401 - fixtures
from tests.services.elasticsearch import elasticsearch_node


@pytest.fixture(scope="session")
def node() -> Iterator[tuple[str, int]]:
    """The address of a node."""
    with elasticsearch_node() as address:
        yield address


@pytest.fixture
def prefix(node: tuple[str, int]) -> Iterator[str]:
    """What the names of a test's indexes begin with; they are dropped afterwards."""
    host, port = node
    made = f"t{uuid4().hex}"
    yield made
    with Elasticsearch(f"http://{host}:{port}", request_timeout=60) as client:
        if left := list(client.indices.get(index=f"{made}*").body):
            client.indices.delete(index=left)
