from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from pymongo import MongoClient
from pymongo.write_concern import WriteConcern

from tests.booking.world import World


@pytest.fixture(scope="module")
def lasting_world(mongo_client: MongoClient[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One for a module's tests, which are about the order of writes and not about the disk."""
    name = f"test-{uuid4().hex}"
    database = mongo_client.get_database(name, write_concern=WriteConcern(w=1, j=False))
    yield World(database, tmp_path_factory.mktemp("world"))
    mongo_client.drop_database(name)


@pytest.fixture
def world(lasting_world: World) -> World:
    lasting_world.clear()
    return lasting_world
