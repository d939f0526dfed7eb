"""The life of a booking: its states, and what may follow what."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

TRANSITIONS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "offered": frozenset({"action_required", "confirmed", "cancelled", "expired"}),
        "held": frozenset({"action_required", "confirmed", "cancelled", "expired"}),
        "action_required": frozenset({"held", "confirmed", "cancelled", "expired"}),
        "confirmed": frozenset({"checked_in", "cancelled"}),
        "checked_in": frozenset({"cancelled"}),
        "expired": frozenset({"confirmed", "cancelled"}),
        "cancelled": frozenset(),
    }
)
"""What may follow each status. An expired booking whose payment comes late is confirmed if there are seats, else cancelled. One that is
checked in is cancelled by the host alone, who calls the dinner off."""

STATUSES = frozenset(TRANSITIONS)

UNPAID = frozenset({"offered", "held", "action_required"})
"""Keeps seats for a while, and waits to be confirmed."""

SETTLED = frozenset({"confirmed", "checked_in"})
"""Has its seats for good, unless it is cancelled."""

LIVE = UNPAID | SETTLED
"""Has seats."""


def sources(status: str) -> list[str]:
    """The statuses from which a booking may become ``status``, sorted."""
    return sorted(source for source, targets in TRANSITIONS.items() if status in targets)


def has_expired(status: str, expires_at: datetime | None, now: datetime) -> bool:
    """Whether a booking that nobody has touched is over all the same."""
    return status in UNPAID and expires_at is not None and expires_at <= now
