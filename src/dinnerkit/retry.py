"""When to try again: exponential backoff with jitter, as data; and when to leave alone what has just failed."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

_MOST_DOUBLINGS = 64  # far beyond any wait, and within what a float holds


@dataclass(frozen=True, slots=True)
class Backoff:
    """A schedule of repeated attempts.

    The wait doubles from ``first`` up to ``longest`` seconds. Each wait is drawn from its upper half ("equal jitter", as in the AWS
    Architecture Blog's "Exponential Backoff And Jitter"), so that what failed together does not come back together.
    """

    attempts: int = 3
    first: float = 2.0
    longest: float = 600.0

    def wait(self, failures: int) -> float:
        """Seconds to wait after that many failures (from 1)."""
        full = min(self.longest, self.first * 2.0 ** min(failures - 1, _MOST_DOUBLINGS))
        return full / 2 + random.random() * full / 2  # noqa: S311 - jitter is no secret

    def exhausted(self, failures: int) -> bool:
        """Whether that many failures leave no attempt."""
        return failures >= self.attempts


class Breaker:
    """Leaves alone what has just failed, so that not all who could do without it wait for it.

    After a failure nobody tries for ``seconds``; then one does, and the others go on waiting until that one has seen it work. (Michael
    Nygard's "circuit breaker", with a single failure as its threshold.) Safe to use from several threads: at worst two try at once.

    Args:
        seconds: how long.
        clock: tells seconds that only rise.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._until: float | None = None

    def lets(self) -> bool:
        """Whether to try now. Who does must tell how it went."""
        if self._until is None:
            return True
        now = self._clock()
        if now < self._until:
            return False
        self._until = now + self._seconds
        return True

    def failed(self) -> None:
        """It failed just now."""
        self._until = self._clock() + self._seconds

    def worked(self) -> None:
        """It works."""
        self._until = None
