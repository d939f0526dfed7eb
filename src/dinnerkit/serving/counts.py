"""The folder in which the worker processes share their metrics."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


@contextmanager
def shared_counts() -> Iterator[Path]:
    """An empty folder for the counts of the processes that are started meanwhile, named in their environment.

    It is the one that ``PROMETHEUS_MULTIPROC_DIR`` names already, emptied of an earlier run's counts, or else one that is
    removed afterwards.
    """
    given = os.environ.get(_VARIABLE)
    if given:
        folder = Path(given)
        folder.mkdir(parents=True, exist_ok=True)
        for stale in folder.glob("*.db"):
            stale.unlink()
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="dinnerkit-metrics-", ignore_cleanup_errors=True) as made:
        os.environ[_VARIABLE] = made
        try:
            yield Path(made)
        finally:
            del os.environ[_VARIABLE]
