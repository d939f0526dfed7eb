"""The cache keeps its contract."""

from __future__ import annotations

from pathlib import Path

import pytest

from dinnerkit.plugins import open_backend
from dinnerkit.testing import CacheBench, CacheContract


class TestSqliteCache(CacheContract):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> CacheBench:
        return CacheBench(
            open=lambda: open_backend("cache", f"sqlite://{tmp_path}/cache.db"),
            beside=lambda: open_backend("cache", f"sqlite://{tmp_path}/beside.db"),
        )
