"""The time, as every service sees it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias

Clock: TypeAlias = Callable[[], datetime]
"""What tells a service the time; tests and the demo pass their own."""


def utcnow() -> datetime:
    """The present moment, aware, in UTC, cut to the milliseconds that MongoDB stores."""
    return _cut(datetime.now(UTC))


def to_millis(moment: datetime) -> datetime:
    """``moment`` in UTC, cut to whole milliseconds, so that it equals itself once stored.

    Raises:
        ValueError: ``moment`` is naive.
    """
    if moment.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    return _cut(moment.astimezone(UTC))


def _cut(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
