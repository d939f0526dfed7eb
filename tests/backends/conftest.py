from __future__ import annotations

import pytest


@pytest.fixture
def database_url(new_database_url: str) -> str:
    """A new one for each: these tests are about indexes and plans too."""
    return new_database_url
