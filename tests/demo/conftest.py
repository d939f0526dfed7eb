"""One small world for all tests that only look at it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import MongoClient
from rich.console import Console

from dinnerkit.demo import demo_settings, run
from tests.conftest import with_database
from tests.demo.small import SEED, SMALL, Made, read_plan


@pytest.fixture(scope="package")
def made(mongo_url: str, mongo_client: MongoClient[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    folder = tmp_path_factory.mktemp("world")
    environ = {"DINNERKIT_DATABASE": with_database(mongo_url, "demo-world"), "DINNERKIT_SECRET_KEY": "only-for-tests-" * 3}
    settings = demo_settings(folder, environ)
    out, err = Console(file=io.StringIO(), width=120), Console(file=io.StringIO(), width=120)
    world = run(settings, scale=SMALL, seed=SEED, out=out, err=err)
    book, script = read_plan(folder)
    database = mongo_client["demo-world"]
    yield Made(settings, folder, database, script, book, world, out.file.getvalue(), err.file.getvalue())  # type: ignore[attr-defined]
    mongo_client.drop_database("demo-world")
