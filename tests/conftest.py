"""What tests of every domain share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from pymongo import MongoClient
from pymongo.database import Database

from dinnerkit.backends.database import mongodb
from dinnerkit.pytest_plugin import mongodb as mongodb_for_tests
from dinnerkit.pytest_plugin import with_database


@pytest.fixture(scope="session")
def mongo_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL, without a database, of the MongoDB that the tests use: an embedded one, unless DINNERKIT_TEST_DATABASE names another."""
    with mongodb_for_tests(tmp_path_factory.mktemp("database")) as url:
        yield url


@pytest.fixture(scope="session")
def mongo_client(mongo_url: str) -> Iterator[MongoClient[dict[str, Any]]]:
    """One client for all tests, with the options that the app's has."""
    backend = mongodb(mongo_url)
    yield backend.database.client
    backend.close()


@pytest.fixture
def new_database_url(mongo_url: str, mongo_client: MongoClient[dict[str, Any]]) -> Iterator[str]:
    """The URL of a database that nobody had before, dropped after the test."""
    name = f"test-{uuid4().hex}"
    yield with_database(mongo_url, name)
    mongo_client.drop_database(name)


@pytest.fixture(scope="session")
def databases_to_use_again() -> list[str]:
    """The names of those that are empty again."""
    return []


@pytest.fixture
def database_url(mongo_url: str, mongo_client: MongoClient[dict[str, Any]], databases_to_use_again: list[str]) -> Iterator[str]:
    """The URL of an empty database, perhaps another test's before: a kit finds its indexes there, which take longer than most tests."""
    name = databases_to_use_again.pop() if databases_to_use_again else f"test-{uuid4().hex}"
    yield with_database(mongo_url, name)
    database = mongo_client[name]
    for found in database.list_collections():
        if found.get("options", {}).get("capped"):
            database.drop_collection(found["name"])
        elif not found["name"].startswith("system."):
            database[found["name"]].delete_many({})
    databases_to_use_again.append(name)


@pytest.fixture
def database(database_url: str, mongo_client: MongoClient[dict[str, Any]]) -> Database[dict[str, Any]]:
    """The database of this test, as services are given it."""
    return mongo_client[urlsplit(database_url).path.removeprefix("/")]
