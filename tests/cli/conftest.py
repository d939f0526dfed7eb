"""The command line as people use it: in a process of its own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dinnerkit.testing.settings import settings_for_tests
from tests.cli.forking import Forking, forking
from tests.cli.running import Ended, Run


@pytest.fixture
def clean_environ() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("DINNERKIT_")}


@pytest.fixture(scope="session")
def forked() -> Iterator[Forking]:
    with forking() as process:
        yield process


@pytest.fixture
def run(tmp_path: Path, clean_environ: dict[str, str], forked: Forking) -> Run:
    """Run ``dinnerkit`` in an empty folder, with no setting but those given as keywords."""

    def ended(*arguments: str, stdin: str = "", **environ: str) -> Ended:
        return Ended(*forked.run(arguments, clean_environ | environ, tmp_path, stdin))

    return ended


@pytest.fixture
def served_environ(database_url: str, tmp_path: Path) -> dict[str, str]:
    """Settings with this test's database, as environment variables."""
    found = settings_for_tests(database_url, tmp_path / "data")
    return {f"DINNERKIT_{name.upper()}": str(value) for name, value in found.items()}


@pytest.fixture
def run_served(run: Run, served_environ: dict[str, str]) -> Callable[..., Ended]:
    """Run ``dinnerkit`` with this test's database."""

    def ended(*arguments: str, stdin: str = "", **environ: str) -> Ended:
        return run(*arguments, stdin=stdin, **(served_environ | environ))

    return ended
