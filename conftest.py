"""The Python blocks of the README and the documentation are tests, each page in a folder of its own."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sybil import Sybil
from sybil.parsers.myst import PythonCodeBlockParser


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
