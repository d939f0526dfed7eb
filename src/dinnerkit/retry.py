"""When to try again: exponential backoff with jitter, as data."""

from __future__ import annotations

import random
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
