from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from dinnerkit.testing.settings import settings_for_tests
from tests.serving.processes import Served, serving


@pytest.fixture
def environ(new_database_url: str, tmp_path: Path) -> dict[str, str]:
    """The environment, with settings for this test's database and no others."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DINNERKIT_")}
    found = settings_for_tests(new_database_url, tmp_path / "data")
    return kept | {f"DINNERKIT_{name.upper()}": str(value) for name, value in found.items()}


@pytest.fixture
def served(environ: dict[str, str], tmp_path: Path) -> Iterator[Served]:
    """A server with two workers."""
    with serving(environ, "--workers", "2", cwd=tmp_path) as running:
        yield running
