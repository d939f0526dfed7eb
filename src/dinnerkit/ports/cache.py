"""The cache port: values that may be lost at any time."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import structlog

from dinnerkit.retry import Breaker

log = structlog.get_logger(__name__)

_REST_SECONDS = 1.0


@runtime_checkable
class Cache(Protocol):
    """A store of values with a time to live: the interface of cachelib, and so of flask-caching's backends.

    What a backend must guarantee:

    - ``get`` answers what the last ``set`` of that key stored, whole, or None; never another key's value, nor one past its timeout;
    - after ``delete`` or ``clear`` has returned, what is deleted is not seen again by anybody who opened the same URL;
    - ``clear`` forgets what is this cache's, and nothing else that lies in the same store;
    - values are bytes, or JSON values other than None: they come back as copies and as the same types, and anything else is refused by
      TypeError when it is set. In the store they are no code (:class:`dinnerkit.ports.cached_values.CachedValues`);
    - where the store can't be reached, each method raises within half a second, since a request waits for it.

    It may forget anything at any time. It is safe to use from several threads and greenlets, and is opened anew in a forked child.
    """

    def get(self, key: str) -> Any:
        """The value, or None."""
        ...

    def set(self, key: str, value: Any, timeout: int | None = None) -> bool | None:
        """Store the value for ``timeout`` seconds."""
        ...

    def delete(self, key: str) -> bool:
        """Forget the value; whether there was one, where the store tells."""
        ...

    def clear(self) -> bool:
        """Forget everything."""
        ...


@runtime_checkable
class Claims(Protocol):
    """The power of a cache that several processes share: of all who claim a key at the same time one gets it.

    Without it nothing that processes make together is kept in the cache: each makes its own.
    """

    def claim(self, key: str, value: Any, timeout: int) -> bool:
        """Store the value for ``timeout`` seconds where the key has none, in one step whoever else does so; whether it was stored."""
        ...


class ShieldedCache:
    """A cache as services use it: while it fails there is nothing in it, and they go to the database.

    What could not be deleted meanwhile is seen until its timeout is over. A cache that has just failed is left alone for a second.
    """

    def __init__(self, cache: Cache) -> None:
        self._cache = cache
        self._breaker = Breaker(_REST_SECONDS)

    def get(self, key: str) -> Any:
        """The value, or None: also where the cache fails."""
        if not self._breaker.lets():
            return None
        try:
            found = self._cache.get(key)
        except Exception as error:  # noqa: BLE001 - every driver has errors of its own, and a cache may forget anything
            self._failed(error)
            return None
        self._breaker.worked()
        return found

    def set(self, key: str, value: Any, timeout: int) -> None:
        """Store the value, if that is possible.

        Raises:
            TypeError: it is neither bytes nor JSON.
        """
        if not self._breaker.lets():
            return
        try:
            self._cache.set(key, value, timeout)
        except TypeError:
            raise
        except Exception as error:  # noqa: BLE001 - as above
            self._failed(error)
        else:
            self._breaker.worked()

    def _failed(self, error: Exception) -> None:
        self._breaker.failed()
        log.warning("cache_failed", error=type(error).__name__)
