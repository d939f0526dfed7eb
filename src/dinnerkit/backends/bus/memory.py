"""The bus in the process."""

from __future__ import annotations

import orjson

from dinnerkit.ports.bus import Bus, News, encoded
from dinnerkit.ports.contracts import built_for
from dinnerkit.ports.hub import Hub, Inbox
from dinnerkit.ports.urls import parse_url


class MemoryBus:
    """Hands news from one thread to the others."""

    def __init__(self) -> None:
        self._hub = Hub()
        self._closed = False

    def publish(self, *news: News) -> None:
        """Tell everybody in this process who listens."""
        told = [News(one.topic, orjson.loads(encoded(one))) for one in news]  # a copy, as it would be from another process
        for one in [] if self._closed else told:
            self._hub.hand_out(one)

    def subscribe(self, *topics: str, most: int = 256) -> Inbox:
        """Listen to topics."""
        inbox = self._hub.open(most)
        for topic in topics:
            inbox.add(topic)
        return inbox

    def ping(self) -> None:
        """Memory is always there."""

    def close(self) -> None:
        """Nothing is heard any more."""
        self._closed = True


@built_for(1, MemoryBus)
def memory(url: str) -> Bus:
    """``memory://``: heard in this process alone, so for one process that serves and works.

    Raises:
        SettingError: the URL has options.
    """
    parse_url(url).only()
    return MemoryBus()
