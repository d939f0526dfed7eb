"""The plugin passes dinnerkit's contract."""

from __future__ import annotations

import pytest

from dinnerkit.testing import SearchBench, SearchContract
from dinnerkit_elasticsearch import open_search

SECRET = "hunter22"
PATIENT = "timeout_ms=60000&refresh_ms=20"


class TestElasticsearch(SearchContract):
    @pytest.fixture
    def bench(self, node: tuple[str, int], prefix: str) -> SearchBench:
        place = f"elasticsearch://{node[0]}:{node[1]}?{PATIENT}&prefix={prefix}"
        return SearchBench(
            open=lambda: open_search(place),
            elsewhere=lambda: open_search(f"{place}-b"),
            reach=lambda host, port: open_search(f"elasticsearch://ours:{SECRET}@{host}:{port}"),
            secrets=[SECRET],
            at_once=3.0,  # less than a client waits by itself, and enough beside much other work
        )
