"""A backend that fails is left alone for a while, so that not everyone waits for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock

_FAILURES = 3
_SECONDS = 5.0


class Resting:
    """Counts failures in a row; after some the backend rests, and then one caller after the other tries it again.

    Args:
        now: seconds that only rise.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = Lock()
        self._failures = 0
        self._until = 0.0

    def may_ask(self) -> bool:
        """Whether the backend may be asked now; whoever may after a rest is the only one, until that is answered, or fails."""
        with self._lock:
            now = self._now()
            if now < self._until:
                return False
            if self._failures >= _FAILURES:
                self._until = now + _SECONDS
            return True

    def failed(self) -> None:
        """It gave no answer."""
        with self._lock:
            self._failures += 1
            if self._failures >= _FAILURES:
                self._until = self._now() + _SECONDS

    def answered(self) -> None:
        """It did."""
        with self._lock:
            self._failures, self._until = 0, 0.0

    def unasked(self) -> None:
        """Whoever was allowed to ask did not: the next one may."""
        with self._lock:
            self._until = 0.0
