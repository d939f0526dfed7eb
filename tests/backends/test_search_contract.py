"""The search that comes with dinnerkit passes the contract, in the documents' database and in one of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from pymongo import MongoClient
from pymongo.database import Database

from dinnerkit.backends.search.mongo import ENTRIES, PHRASES, STATE, WORDS, DatabaseSearch, MongoSearch, OwnMongoSearch
from dinnerkit.testing import SearchBench, SearchContract
from tests.conftest import with_database

PATIENT = 60_000
SECRET = "hunter-two"
AT_ONCE = 3.0
"""Seconds for what must fail in a moment: less than the driver waits by itself, and enough beside much other work."""


@pytest.fixture(scope="module")
def places(mongo_client: MongoClient[Any]) -> Iterator[list[Database[Any]]]:
    """Two databases that keep their indexes from test to test."""
    made = [mongo_client[f"test-{uuid4().hex}"] for _ in range(2)]
    yield made
    for database in made:
        mongo_client.drop_database(database)


@pytest.fixture
def empty(places: list[Database[Any]]) -> list[Database[Any]]:
    for database in places:
        for name in (ENTRIES, WORDS, PHRASES, STATE):
            database[name].delete_many({})
    return places


def in_database(database: Database[Any]) -> Callable[[], MongoSearch]:
    def opened() -> DatabaseSearch:
        search = DatabaseSearch(PATIENT)
        search.use(database)
        return search

    return opened


def of_service(host: str, port: int) -> OwnMongoSearch:
    return OwnMongoSearch(f"mongodb://name:{SECRET}@{host}:{port}/x")


class TestInTheDatabaseOfTheDocuments(SearchContract):
    @pytest.fixture
    def bench(self, empty: list[Database[Any]]) -> SearchBench:
        here, elsewhere = empty
        return SearchBench(open=in_database(here), elsewhere=in_database(elsewhere), reach=of_service, secrets=[SECRET], at_once=AT_ONCE)


class TestInADatabaseOfItsOwn(SearchContract):
    @pytest.fixture
    def bench(self, mongo_url: str, empty: list[Database[Any]]) -> SearchBench:
        here, elsewhere = (with_database(mongo_url, database.name) for database in empty)
        return SearchBench(
            open=lambda: OwnMongoSearch(here, PATIENT),
            elsewhere=lambda: OwnMongoSearch(elsewhere, PATIENT),
            reach=of_service,
            secrets=[SECRET],
            at_once=AT_ONCE,
        )
