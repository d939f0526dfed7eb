"""A process that must not outlive its parent."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def end_with(parent: int) -> None:
    """Have this process sent SIGTERM when the process ``parent``, which started it, dies of whatever cause.

    Linux alone offers this (``prctl(2)``); elsewhere nothing is done, and a parent that is killed leaves its children running.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
    if os.getppid() != parent:  # it died before the call above
        sys.exit(f"dinnerkit: the process {parent} that started this one is gone")
