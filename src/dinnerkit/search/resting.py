"""A backend that fails is left alone for a while, so that not everyone waits for it."""

from __future__ import annotations

import time
from collections.abc import Callable

_FAILURES = 3
_SECONDS = 5.0


class Resting:
    """Counts failures in a row; after some the backend rests, and then one caller after the other tries it again.

    Args:
        now: seconds that only rise.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._failures = 0
        self._until = 0.0

    @property
    def rests(self) -> bool:
        """Whether it should not be asked now."""
        return self._now() < self._until

    def failed(self) -> None:
        """It gave no answer."""
        self._failures += 1
        if self._failures >= _FAILURES:
            self._until = self._now() + _SECONDS

    def answered(self) -> None:
        """It did."""
        self._failures = 0
