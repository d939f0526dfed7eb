"""The caches that need no server: cachelib's SimpleCache in the process, and its FileSystemCache, with values that are no code."""

from __future__ import annotations

from typing import Any

from cachelib import FileSystemCache, SimpleCache

from dinnerkit.errors import SettingError
from dinnerkit.ports.cache import Cache
from dinnerkit.ports.cached_values import CachedValues
from dinnerkit.ports.urls import BackendUrl, parse_url

_VALUES = 500
_VALUES_ON_DISK = 10_000


class MemoryCache(SimpleCache):
    """Values in this process."""

    serializer: Any = CachedValues()


class DiskCache(FileSystemCache):
    """Values as files, for the processes of one machine."""

    serializer: Any = CachedValues()

    def set(self, key: str, value: Any, timeout: Any = None, mgmt_element: bool = False) -> bool:
        """Store the value for ``timeout`` seconds.

        Raises:
            TypeError: it is neither bytes nor JSON.
        """
        self.serializer.dumps(value)  # before there is a file
        return bool(super().set(key, value, timeout, mgmt_element))


def memory(url: str) -> Cache:
    """``memory://?values=500``: at most that many values, in this process alone; lost with it.

    Raises:
        SettingError: an option is unknown or no positive number.
    """
    return MemoryCache(threshold=_values(parse_url(url).only("values"), _VALUES))


def disk(url: str) -> Cache:
    """``disk://PATH?values=10000``: at most about that many values, as files in a folder of its own, readable by its owner alone.

    Raises:
        SettingError: an option is unknown or no positive number, or the folder can't be made.
    """
    parsed = parse_url(url).only("values")
    values = _values(parsed, _VALUES_ON_DISK)
    try:
        parsed.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        return DiskCache(str(parsed.path), threshold=values)
    except OSError as error:
        raise SettingError(f"cache: {parsed.path} can't be made: {error.strerror}") from error


def _values(url: BackendUrl, usual: int) -> int:
    values = url.options.get("values", str(usual))
    if not values.isdecimal() or int(values) < 1:
        raise SettingError(f"cache: values is a positive number, not {values!r}")
    return int(values)
