"""Keeping the index up to date with the events."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

import structlog

from dinnerkit.clock import Clock
from dinnerkit.events.rules import Event, Status
from dinnerkit.events.seat_errors import NoSuchEvent
from dinnerkit.events.service import EventService
from dinnerkit.ports.search import MOST_AT_ONCE, EventEntry, Rebuilding, Removal, Search
from dinnerkit.search.rules import entry_of

log = structlog.get_logger(__name__)


class Indexing:
    """Writes what is true now under the version at which it was true: messages may come late, doubled and in any order."""

    def __init__(self, search: Search, events: EventService, clock: Clock, changed: Callable[[], None] = lambda: None) -> None:
        """Write an index.

        Args:
            search: the index.
            events: what it is of.
            clock: the time.
            changed: called after it was written.
        """
        self._changed = changed
        self._search = search
        self._events = events
        self._clock = clock

    def update(self, event_id: str) -> None:
        """Make the event be found as it is now, or not any more.

        Raises:
            Unavailable: the index can't be written.
        """
        try:
            event = self._events.event(event_id)
        except NoSuchEvent:
            return
        if self._findable(event):
            self._search.put([entry_of(event)])
        else:
            self._search.remove([Removal(event.id, event.version)])
        self._changed()

    def expire(self) -> int:
        """Drop the events that have begun; how many.

        Raises:
            Unavailable: the index can't be written.
        """
        return self._search.expire(self._clock())

    def rebuild(self) -> int:
        """Make the index anew, while it is in use; how many events it holds then.

        Raises:
            Unavailable: the index can't be written.
        """
        if isinstance(self._search, Rebuilding):
            count = self._search.rebuild(self._entries())
            self._changed()
            return count
        count = 0
        entries = self._entries()
        while batch := list(islice(entries, MOST_AT_ONCE)):
            self._search.put(batch)
            count += len(batch)
        self._changed()
        return count

    def ensure_built(self) -> bool:
        """Build the index where it never was, as with events that are older than the index; whether there was anything to do.

        Raises:
            Unavailable: the index can't be reached.
        """
        if not isinstance(self._search, Rebuilding) or self._search.built():
            return False
        log.info("search_built", events=self.rebuild())
        return True

    def _entries(self) -> Iterator[EventEntry]:
        events: Iterable[Event] = self._events.walk_listed()
        return (entry_of(event) for event in events if self._findable(event))

    def _findable(self, event: Event) -> bool:
        return event.status is Status.PUBLISHED and not event.begun(self._clock())
