"""A bus in this process's memory, for the service of yours that takes its place."""

from __future__ import annotations

import json

from dinnerkit.ports.bus import News, encoded
from dinnerkit.ports.contracts import built_for
from dinnerkit.ports.hub import Hub, Inbox
from dinnerkit.ports.urls import parse_url


class AcmeBus:
    """Hands news to whoever listens.

    A bus with a service behind it is best made of ``dinnerkit.ports.remote_bus.RemoteBus``: it needs a ``Line`` with
    the two methods ``send`` and ``hear``, and looks after threads, lost connections and what was missed meanwhile.

    Args:
        place: where news are told; buses of the same place hear each other.
    """

    def __init__(self, place: str) -> None:
        self._hub = _PLACES.setdefault(place, Hub())
        self._closed = False

    def publish(self, *news: News) -> None:
        """Tell everybody who listens.

        Raises:
            ValueError: a topic or a body is too long, or not JSON.
        """
        told = [News(one.topic, json.loads(encoded(one))) for one in news]
        if not self._closed:
            for one in told:
                self._hub.hand_out(one)

    def subscribe(self, *topics: str, most: int = 256) -> Inbox:
        """Listen to all that is published on these topics from now on."""
        inbox = self._hub.open(most)
        for topic in topics:
            inbox.add(topic)
        return inbox

    def ping(self) -> None:
        """Memory is always there; a service that is not raises ``dinnerkit.errors.Unavailable``."""

    def close(self) -> None:
        """Publish nothing any more."""
        self._closed = True


@built_for(1, AcmeBus)
def open_bus(url: str) -> AcmeBus:
    """``acme://PLACE``.

    Raises:
        SettingError: the URL has options.
    """
    return AcmeBus(parse_url(url).only().location)


_PLACES: dict[str, Hub] = {}
"""In place of the service: for each place those who listen."""
