"""The counts of rate limits in this process's memory, for the store of yours that takes its place."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Any

from limits.storage import MovingWindowSupport, Storage

from dinnerkit.ports.contracts import built_for
from dinnerkit.ports.urls import parse_url

SCHEME = "dinnerkit-acme"
"""By which the limits library finds the storage; another than any of its own."""


class AcmeWindows(Storage, MovingWindowSupport):
    """A storage of the limits library: for each key when its hits were, as far back as its window goes.

    Args:
        uri: ``dinnerkit-acme://``.
        wrap_exceptions: the limits library's own.
        place: where the counts lie; storages of the same place count together.
    """

    STORAGE_SCHEME = [SCHEME]  # noqa: RUF012 - as the library has it

    def __init__(self, uri: str, wrap_exceptions: bool = False, *, place: str = "") -> None:
        super().__init__(uri, wrap_exceptions=wrap_exceptions)
        self._place = _PLACES.setdefault(place, _Place())

    @property
    def base_exceptions(self) -> type[Exception]:
        """What the storage raises where it can't be reached: memory always can."""
        return OSError

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Look and count in one step; not where there would be more than ``limit`` hits in ``expiry`` seconds."""
        with self._place.lock:
            hits = self._place.slid(key, expiry)
            if len(hits) + amount > limit:
                return False
            hits.extend([time.time()] * amount)
            self._place.hits[key] = hits
            return True

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        """Since when hits count, and how many do."""
        with self._place.lock:
            hits = self._place.slid(key, expiry)
            return (hits[0] if hits else time.time()), len(hits)

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Count whatever the limit is; the count."""
        self.acquire_entry(key, 1 << 62, int(expiry), amount)
        return self.get(key)

    def get(self, key: str) -> int:
        """The count."""
        with self._place.lock:
            return len(self._place.hits.get(key, ()))

    def get_expiry(self, key: str) -> float:
        """When the newest hit was; dinnerkit asks for no other windows than moving ones."""
        with self._place.lock:
            hits = self._place.hits.get(key)
            return hits[-1] if hits else time.time()

    def check(self) -> bool:
        """Whether the store can be reached."""
        return True

    def clear(self, key: str) -> None:
        """Forget one caller."""
        with self._place.lock:
            self._place.hits.pop(key, None)

    def reset(self) -> int:
        """Forget all; how many there were."""
        with self._place.lock:
            count = len(self._place.hits)
            self._place.hits.clear()
            return count


@dataclass(frozen=True, slots=True)
class AcmeLimiter:
    """What flask-limiter is told: where the counts lie, in the terms of the limits library."""

    place: str
    uri: str = f"{SCHEME}://"

    @property
    def options(self) -> dict[str, Any]:
        """The keywords that the storage is made with."""
        return {"place": self.place}

    def ping(self) -> None:
        """Memory is always there; a store that is not raises ``dinnerkit.errors.Unavailable``."""

    def close(self) -> None:
        """Memory has nothing to give back; a client's connections would be closed here."""


@built_for(1, AcmeLimiter)
def open_limiter(url: str) -> AcmeLimiter:
    """``acme://PLACE``.

    Raises:
        SettingError: the URL has options.
    """
    return AcmeLimiter(parse_url(url).only().location)


@dataclass(slots=True)
class _Place:
    """In place of the store: for each key its hits, the oldest first. Who never comes back is never forgotten."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    hits: dict[str, list[float]] = field(default_factory=dict)

    def slid(self, key: str, seconds: float) -> list[float]:
        oldest = time.time() - seconds
        return [moment for moment in self.hits.get(key, []) if moment >= oldest]


_PLACES: dict[str, _Place] = {}
