"""A backend that fails is left alone for a while, so that not everyone waits for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock
from typing import TypeVar

import structlog

from dinnerkit.ports.search import SearchTooSlow

log = structlog.get_logger(__name__)

T = TypeVar("T")

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

    def asked(self, ask: Callable[[], T], *refusals: type[Exception]) -> T | None:
        """The answer of the backend; None where it rests, fails, or takes too long for that.

        Args:
            ask: asks it.
            refusals: what is raised before the backend was asked at all; passed on.
        """
        if not self.may_ask():
            return None
        try:
            answer = ask()
        except refusals:
            self.unasked()
            raise
        except SearchTooSlow:
            log.info("search_too_slow")
            self.answered()
            return None
        except Exception as error:  # noqa: BLE001 - a plugin may fail in any way, and readers are to be shown something
            log.warning("search_degraded", error=type(error).__name__)
            self.failed()
            return None
        self.answered()
        return answer

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
