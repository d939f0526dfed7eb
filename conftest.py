"""What holds for all tests: they are the same on every machine. The Python blocks of the README and the documentation are among them."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from sybil import Sybil
from sybil.parsers.myst import PythonCodeBlockParser

for name in ("NO_PROXY", "no_proxy"):  # a machine's proxy does not know the servers that tests start on it
    os.environ[name] = ",".join(filter(None, ["127.0.0.1", "localhost", os.environ.get(name)]))

settings.register_profile("on a busy machine", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("on a busy machine")

LONG = (
    "tests/matching/test_columns.py",
    "tests/fire",
    "tests/booking/test_any_order.py",
    "tests/booking/test_killed_at_every_line.py",
    "tests/booking/test_interleaved.py",
    "tests/serving/test_serve.py",
    "tests/serving/test_worker_ends.py",
    "tests/demo",
    "tests/api/test_schema.py",
    "tests/live/test_live.py",
    "tests/cli/test_work.py",
    "tests/backends/test_embedded.py",
    "tests/matching/test_any_rules.py",
    "tests/scaffold",
    "tests/web/chromium",
    "tests/booking/test_discounts.py",
    "tests/backends/test_contracts.py",
)
"""What takes longest, longest first: processes that share the tests by files would else wait at the end for whoever began one last.

But first one of those that need the compiled search: compiling takes most of a minute, and whoever begins with them meanwhile waits.
"""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Have the long ones begin first where several processes share the tests; elsewhere the order stays as it is."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: next((rank for rank, place in enumerate(LONG) if item.nodeid.startswith(place)), len(LONG)))


def _enter(namespace: dict[str, Any]) -> None:
    namespace["__name__"] = "__main__"
    namespace["_before"] = Path.cwd()
    namespace["_folder"] = TemporaryDirectory(ignore_cleanup_errors=True)
    os.chdir(namespace["_folder"].name)


def _leave(namespace: dict[str, Any]) -> None:
    os.chdir(namespace["_before"])
    namespace["_folder"].cleanup()


pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser()],
    patterns=["README.md", "docs/*.md"],
    path=str(Path(__file__).parent),
    setup=_enter,
    teardown=_leave,
).pytest()
