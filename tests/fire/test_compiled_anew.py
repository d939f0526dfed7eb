"""The same seed gives the same tables whether a process compiled the search itself or read it from disk."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("numba")

ROOT = Path(__file__).parents[2]

SEARCH = """
import hashlib
from numba.core import event
from dinnerkit.matching import solve
from tests.matching.test_crew import ask
import numpy as np

with event.install_recorder("numba:compile") as compiled:
    crowd = ask(1)
    weights = np.random.default_rng(7).random((90, 90))
    dense = solve(weights + weights.T, np.full(15, 5), np.full(15, 7), sweeps=400, seed=7)
labels = hashlib.sha256(crowd.labels.tobytes() + dense.labels.tobytes()).hexdigest()
print(len(compiled.buffer) > 0, labels, crowd.objective, dense.objective)
"""


def test_compiled_anew_and_read_from_disk_find_the_same(tmp_path: Path) -> None:
    variables = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)}
    anew, read = (
        subprocess.run([sys.executable, "-c", SEARCH], cwd=ROOT, env=variables, capture_output=True, text=True, check=True).stdout.split()
        for _ in range(2)
    )
    assert (anew[0], read[0]) == ("True", "False")
    assert anew[1:] == read[1:]
