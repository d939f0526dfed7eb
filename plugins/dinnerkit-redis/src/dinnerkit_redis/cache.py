"""The cache in Redis: cachelib's, with values that are no code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cachelib import RedisCache as CachelibCache

from dinnerkit.errors import Unavailable
from dinnerkit.ports.cache import Cache
from dinnerkit.ports.cached_values import CachedValues
from dinnerkit.ports.contracts import built_for
from dinnerkit_redis.connecting import FAULTS, Client, connect
from dinnerkit_redis.urls import parse

_SECONDS = 300


class RedisCache(CachelibCache):
    """Values for all processes together, under keys with a prefix of their own."""

    serializer: Any = CachedValues()

    def __init__(self, client: Client, prefix: str) -> None:
        super().__init__(client, default_timeout=_SECONDS, key_prefix=prefix)
        self._client = client

    def get(self, key: str) -> Any:
        """The value, or None.

        Raises:
            Unavailable: Redis can't be reached.
        """
        with _unavailable():
            return super().get(key)

    def set(self, key: str, value: Any, timeout: Any = None) -> Any:
        """Store the value for ``timeout`` seconds.

        Raises:
            TypeError: it is neither bytes nor JSON.
            Unavailable: Redis can't be reached.
        """
        with _unavailable():
            return super().set(key, value, timeout)

    def claim(self, key: str, value: Any, timeout: int) -> bool:
        """Store the value for ``timeout`` seconds, where there is none; whether that was so.

        Raises:
            TypeError: it is neither bytes nor JSON.
            Unavailable: Redis can't be reached.
        """
        stored = self.serializer.dumps(value)
        with _unavailable():
            return bool(self._client.set(f"{self.key_prefix}{key}", stored, nx=True, ex=timeout))

    def delete(self, key: str) -> bool:
        """Forget the value; whether there was one.

        Raises:
            Unavailable: Redis can't be reached.
        """
        with _unavailable():
            return super().delete(key)

    def clear(self) -> bool:
        """Forget everything that is this cache's, without holding up Redis meanwhile.

        Raises:
            Unavailable: Redis can't be reached.
        """
        with _unavailable():
            for key in self._client.scan_iter(match=f"{self.key_prefix}*", count=1000):
                self._client.unlink(key)
        return True

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


@contextmanager
def _unavailable() -> Iterator[None]:
    try:
        yield
    except FAULTS as error:
        raise Unavailable(f"cache: Redis can't be reached: {type(error).__name__}") from error


@built_for(1, RedisCache)
def open_cache(url: str) -> Cache:
    """``redis://HOST:PORT/DB``, ``rediss://``, ``redis+sentinel://`` or ``redis+cluster://``.

    Raises:
        SettingError: the URL is malformed.
    """
    parsed = parse(url)
    return RedisCache(connect(parsed), f"{parsed.prefix}:cache:")
