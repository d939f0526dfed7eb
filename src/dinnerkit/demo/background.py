"""The background processes of the demo: the same ``dinnerkit work`` that a deployment runs, and one that warms up the solver."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from dinnerkit.errors import Unavailable
from dinnerkit.matching.solving.solver import compiled_available
from dinnerkit.settings import PREFIX, SETTING_NAMES, Settings

_ALONE: tuple[tuple[str, ...], ...] = ((),)
_SHARED = (("payments=8", "default=2"), ("emails=4", "matching=2", "media=1", "analytics=1"))
"""The queues of each worker."""

_PATIENCE_SECONDS = 40.0


def environment(settings: Settings) -> dict[str, str]:
    """The settings as variables for another process."""
    return {f"{PREFIX}{name.upper()}": str(getattr(settings, name)) for name in SETTING_NAMES}


class BackgroundWork:
    """Runs the background work beside this process, and not longer than it.

    Args:
        settings: what the processes are to run with.
        log: the file for what they have to say.
        large: whether there is so much to do that one worker, which Python runs on one core, would hold the others up.
    """

    def __init__(self, settings: Settings, log: Path, *, large: bool) -> None:
        self._settings = settings
        self._log = log
        self._large = large
        self._workers: list[subprocess.Popen[bytes]] = []
        self._warming: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        variables = {name: value for name, value in os.environ.items() if name != f"{PREFIX}SETTINGS"}
        variables |= environment(self._settings)
        try:
            for share in _SHARED if self._large else _ALONE:
                queues = [option for queue in share for option in ("--queue", queue)]
                self._workers.append(self._start(["dinnerkit", "work", "--parent", str(os.getpid()), *queues], variables))
            if self._large and compiled_available():
                self._warming = self._start(["dinnerkit.demo.warming"], variables)
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop()

    def check(self) -> None:
        """Make sure that it is done.

        Raises:
            Unavailable: a worker has ended.
        """
        for worker in self._workers:
            if worker.poll() is not None:
                raise Unavailable(f"the background work ended with exit code {worker.returncode}; its log: {self._log}")

    def _start(self, module: Sequence[str], variables: Mapping[str, str]) -> subprocess.Popen[bytes]:
        """Start a Python module, away from the terminal, whose Ctrl-C is for this process alone."""
        with self._log.open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - this Python, this package
                [sys.executable, "-m", *module], env=variables, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    def _stop(self) -> None:
        """Let the workers finish what they are at; the warming is not worth waiting for."""
        if self._warming is not None:
            self._warming.kill()
            self._warming.wait()
        for worker in self._workers:
            worker.terminate()
        deadline = time.monotonic() + _PATIENCE_SECONDS
        for worker in self._workers:
            try:
                worker.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()
