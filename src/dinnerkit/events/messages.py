"""What the life of an event tells. What its seats tell is in :mod:`dinnerkit.events.seat_messages`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from dinnerkit.messages import Message


@dataclass(frozen=True, kw_only=True, slots=True)
class EventPublished(Message):
    """An event can be found and booked."""

    kind: ClassVar[str] = "events.published"

    event_id: str
    host_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class EventChanged(Message):
    """The host changed a published event; ``fields`` names what, as the API does: ``["seats", "venue"]``."""

    kind: ClassVar[str] = "events.changed"

    event_id: str
    host_id: str
    fields: list[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class EventCancelled(Message):
    """A published event will not take place."""

    kind: ClassVar[str] = "events.cancelled"

    event_id: str
    host_id: str
