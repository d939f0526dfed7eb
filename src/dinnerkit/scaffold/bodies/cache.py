"""A cache in this process's memory, for the store of yours that takes its place."""

from __future__ import annotations

import time
from typing import Any

from dinnerkit.ports.cached_values import CachedValues
from dinnerkit.ports.contracts import built_for
from dinnerkit.ports.urls import parse_url

_SECONDS = 300
_VALUES = CachedValues()


class AcmeCache:
    """Values by their keys, each with the time at which it ends.

    Args:
        place: which values; caches of the same place share them.
    """

    def __init__(self, place: str) -> None:
        self._kept = _PLACES.setdefault(place, {})

    def get(self, key: str) -> Any:
        """The value, or None where there is none or its time is over."""
        until, stored = self._kept.get(key, (0.0, None))
        return _VALUES.loads(stored) if time.monotonic() < until else None

    def set(self, key: str, value: Any, timeout: int | None = None) -> bool:
        """Store the value for ``timeout`` seconds.

        Raises:
            TypeError: it is neither bytes nor JSON.
        """
        stored = _VALUES.dumps(value)
        self._kept[key] = (time.monotonic() + (timeout or _SECONDS), stored)
        return True

    def delete(self, key: str) -> bool:
        """Forget the value; whether there was one."""
        return self._kept.pop(key, None) is not None

    def clear(self) -> bool:
        """Forget everything in this place, and nothing beside it."""
        self._kept.clear()
        return True

    def close(self) -> None:
        """Memory has nothing to give back; a client's connections would be closed here."""


@built_for(1, AcmeCache)
def open_cache(url: str) -> AcmeCache:
    """``acme://PLACE``.

    Raises:
        SettingError: the URL has options.
    """
    return AcmeCache(parse_url(url).only().location)


_PLACES: dict[str, dict[str, tuple[float, bytes]]] = {}
"""In place of the store: for each place, until when there is what. What nobody deletes is there for ever."""
