"""The surrogate keys of answers about events: what an answer follows from, and what is purged when that changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

EVENTS: Final = "events"
"""Which events are in the lists, in which order, and all but their seats."""

SEATS: Final = "seats"
"""How many seats are left, of any event: for answers with so many events that they can't name each."""

INDEX: Final = "search"
"""What the search index says."""

MOST_NAMED = 50


def event_key(event_id: str) -> str:
    """Of one event: its details and its seats."""
    return f"event:{event_id}"


def keys_of_list(items: Iterable[Mapping[str, Any]], *more: str) -> tuple[str, ...]:
    """What a list of these events is about."""
    named = [event_key(item["id"]) for item in items]
    return (EVENTS, *more, *(named if len(named) <= MOST_NAMED else (SEATS,)))
