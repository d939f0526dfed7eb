"""Waiting for what other threads and processes do: until it is done, and not for a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

DEADLINE = 120.0
"""Seconds after which what has not come counts as not coming: far more than it takes beside much other work on a slow machine."""

COMPILED = 840.0
"""The same where the search may have to be compiled first."""


def until(condition: Callable[[], T], what: str = "it comes to hold", seconds: float = DEADLINE) -> T:
    """Wait until the condition holds: what it gave then."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"in vain: {what}"
        time.sleep(0.005)
    return found
