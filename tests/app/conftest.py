from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dinnerkit.kit import Kit
from dinnerkit.settings import Settings
from dinnerkit.testing.settings import settings_for_tests


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    return Settings(**settings_for_tests(database_url, tmp_path))


@pytest.fixture
def kit(settings: Settings) -> Iterator[Kit]:
    with Kit.open(settings) as opened:
        yield opened
