"""The time that a seating may take."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Deadline:
    """When a search should end, but for what hard rules ask.

    Attributes:
        at: the time, in seconds; None is never.
        clock: what tells the time.
    """

    at: float | None = None
    clock: Callable[[], float] = time.monotonic

    @classmethod
    def within(cls, began: float, seconds: float | None, clock: Callable[[], float] = time.monotonic) -> Deadline:
        """So many seconds after the beginning; none where there are no seconds."""
        return cls(None if seconds is None else began + seconds, clock)

    @property
    def left(self) -> float | None:
        """The seconds until then, hardly any if it has passed; None where there is no end."""
        return None if self.at is None else max(0.01, self.at - self.clock())

    def over(self, share: float = 1.0) -> Callable[[], bool]:
        """Tells whether this share of the time from now until then has passed; without an end it never has."""
        if self.at is None:
            return lambda: False
        now = self.clock()
        ends = now + share * (self.at - now)
        return lambda: self.clock() >= ends
