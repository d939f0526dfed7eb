"""A clock for tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class StandingClock:
    """Shows one moment until it is moved; pass it wherever a :data:`dinnerkit.clock.Clock` is taken."""

    def __init__(self, now: datetime = datetime(2026, 11, 1, 12, tzinfo=UTC)) -> None:
        self.now = now

    def __call__(self) -> datetime:
        """The moment."""
        return self.now

    def advance(self, **by: float) -> None:
        """Move on: ``clock.advance(minutes=10)``, in the words of :class:`datetime.timedelta`."""
        self.now += timedelta(**by)
