"""The background process of the demo: the same ``dinnerkit work`` that a deployment runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from dinnerkit.errors import Unavailable
from dinnerkit.settings import PREFIX, SETTING_NAMES, Settings

_PATIENCE_SECONDS = 40.0


def environment(settings: Settings) -> dict[str, str]:
    """The settings as variables for another process."""
    return {f"{PREFIX}{name.upper()}": str(getattr(settings, name)) for name in SETTING_NAMES}


class BackgroundWork:
    """Runs the background work beside this process, and not longer than it.

    Args:
        settings: what the process is to run with.
        log: the file for what it has to say.
    """

    def __init__(self, settings: Settings, log: Path) -> None:
        self._settings = settings
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        variables = {name: value for name, value in os.environ.items() if name != f"{PREFIX}SETTINGS"}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - this Python, this package
                [sys.executable, "-m", "dinnerkit", "work", "--parent", str(os.getpid())],
                env=variables | environment(self._settings),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # the terminal's Ctrl-C is for this process alone
            )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def check(self) -> None:
        """Make sure that it runs.

        Raises:
            Unavailable: it has ended.
        """
        if self._process is not None and self._process.poll() is not None:
            raise Unavailable(f"the background work ended with exit code {self._process.returncode}; its log: {self._log}")
