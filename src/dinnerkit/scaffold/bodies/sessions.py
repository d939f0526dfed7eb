"""Sessions in this process's memory, for the store of yours that takes its place."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from dinnerkit.ports.contracts import built_for
from dinnerkit.ports.sessions import StoredSession
from dinnerkit.ports.urls import parse_url


class AcmeSessions:
    """Sealed values by the hashes of their keys, each with the time at which it ends.

    Args:
        place: which sessions; stores of the same place share them.
    """

    def __init__(self, place: str) -> None:
        self._place = _PLACES.setdefault(place, _Place())

    def put(self, key: str, value: bytes, seconds: int) -> None:
        """Keep the session for so many seconds."""
        with self._place.lock:
            self._place.kept[key] = (time.monotonic() + seconds, value)

    def get(self, key: str) -> StoredSession | None:
        """The session, or None where there is none or its time is over."""
        with self._place.lock:
            until, value = self._place.kept.get(key, (0.0, b""))
        left = until - time.monotonic()
        return StoredSession(value, left) if left > 0 else None

    def prolong(self, key: str, seconds: int) -> bool:
        """Look and lengthen in one step, so that a session that has ended never comes back; whether there is one."""
        with self._place.lock:
            until, value = self._place.kept.get(key, (0.0, b""))
            if until <= time.monotonic():
                return False
            self._place.kept[key] = (time.monotonic() + seconds, value)
            return True

    def delete(self, key: str) -> None:
        """End the session, if there is one."""
        with self._place.lock:
            self._place.kept.pop(key, None)

    def ping(self) -> None:
        """Memory is always there; a store that is not raises ``dinnerkit.errors.Unavailable``, here and above."""

    def close(self) -> None:
        """Memory has nothing to give back; a client's connections would be closed here."""


@built_for(1, AcmeSessions)
def open_sessions(url: str) -> AcmeSessions:
    """``acme://PLACE``.

    Raises:
        SettingError: the URL has options.
    """
    return AcmeSessions(parse_url(url).only().location)


@dataclass(slots=True)
class _Place:
    """In place of the store: for each key until when there is what. Sessions that nobody ends lie there for ever."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    kept: dict[str, tuple[float, bytes]] = field(default_factory=dict)


_PLACES: dict[str, _Place] = {}
