from __future__ import annotations

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from dinnerkit.backends.mongod.locks import FileLock
from dinnerkit.matching.solving.solver import compiled_available
from tests.waiting import COMPILED, until

ROOT = Path(__file__).parents[2]

COMPILING = """
from dinnerkit.matching.solving.solver import _loaded
from tests.matching.test_crew import ask

for engine in ("slots", "compiled"):
    _loaded(engine)
ask(1)
"""


@pytest.fixture(scope="session", autouse=True)
def compiled_once(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Where several processes share the tests, compile the search once: it takes nearly a minute, and each would begin at the same time."""
    if not hasattr(request.config, "workerinput") or not compiled_available() or os.name != "posix":
        return
    shared = tmp_path_factory.getbasetemp().parent
    done = shared / "compiled"
    with closing(FileLock(shared / "compiling")) as lock:
        until(lock.try_exclusive, "the compiled search of another process", COMPILED)
        if not done.exists():
            subprocess.run([sys.executable, "-c", COMPILING], cwd=ROOT, check=True)
            done.touch()
