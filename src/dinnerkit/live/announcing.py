"""Telling the bus what has just changed.

News are hints: they say what to look at, and who hears them reads it, as they may. Only the progress of a seating is told as it is, since
it changes more often than it is stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from dinnerkit.events.messages import EventCancelled, EventChanged, EventPublished
from dinnerkit.events.surrogates import EVENTS, INDEX, SEATS, event_key
from dinnerkit.http.lane.purging import Purges
from dinnerkit.matching.messages import SeatingPublished
from dinnerkit.ports.bus import Bus, News
from dinnerkit.storage import Row

_OF_BOOKINGS = "booking."
_OF_EVENTS = frozenset(message.kind for message in (EventPublished, EventChanged, EventCancelled))


def event_topic(event_id: str) -> str:
    """Of an event's seats and state."""
    return f"event:{event_id}"


def bookings_topic(user_id: str) -> str:
    """Of a user's bookings."""
    return f"bookings:{user_id}"


def tables_topic(event_id: str) -> str:
    """Of an event's published tables."""
    return f"tables:{event_id}"


def seating_topic(event_id: str) -> str:
    """Of the making of an event's tables."""
    return f"seating:{event_id}"


class Announcer:
    """Publishes, after the fact, what others may want to look at."""

    def __init__(self, bus: Bus, purges: Purges) -> None:
        self._bus = bus
        self._purges = purges

    def event_changed(self, event_id: str) -> None:
        """Tell that an event is another, or is public now, or no longer: no answer from before is given any more."""
        self._purges.purge(event_key(event_id), EVENTS)

    def index_changed(self) -> None:
        """Tell that other events are found, or found by other words."""
        self._purges.purge(INDEX)

    def seats_changed(self, event_id: str) -> None:
        """Tell that an event has other seats left."""
        self._purges.purge(event_key(event_id), SEATS)
        self._bus.publish(_hint(event_topic(event_id)))

    def seating_goes_on(self, event_id: str, state: Mapping[str, Any]) -> None:
        """Tell how far the making of tables is."""
        self._bus.publish(News(seating_topic(event_id), state))

    def overhear(self, entries: Iterable[Row]) -> None:
        """Tell what the messages that the relay passes on are about.

        Whoever changed an event has told so by itself, unless it was killed meanwhile.
        """
        news: dict[tuple[str, str], News] = {}
        outdated: dict[str, None] = {}
        for entry in entries:
            for one, about in _news(entry["kind"], entry["data"]):
                news[one, about] = _hint(one, about)
            if entry["kind"] in _OF_EVENTS:
                outdated |= dict.fromkeys((EVENTS, event_key(entry["data"]["event_id"])))
        self._purges.purge(*outdated)
        if news:
            self._bus.publish(*news.values())


def _news(kind: str, data: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Topics and what they are about."""
    if kind.startswith(_OF_BOOKINGS) and {"user_id", "booking_id"} <= data.keys():
        return [(bookings_topic(data["user_id"]), data["booking_id"])]
    if kind in _OF_EVENTS:
        return [(event_topic(data["event_id"]), "")]
    if kind == SeatingPublished.kind:
        return [(tables_topic(data["event_id"]), ""), (seating_topic(data["event_id"]), "")]
    return []


def _hint(topic: str, about: str = "") -> News:
    """To look at something."""
    return News(topic, {"about": about})
