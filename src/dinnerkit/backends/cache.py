"""The cache in the process: cachelib's SimpleCache, as flask-caching uses it."""

from __future__ import annotations

from cachelib import SimpleCache

from dinnerkit.errors import SettingError
from dinnerkit.ports.cache import Cache
from dinnerkit.ports.urls import parse_url

_VALUES = 500


def memory(url: str) -> Cache:
    """``memory://?values=500``: at most that many values, in this process alone; lost with it.

    Raises:
        SettingError: an option is unknown or no positive number.
    """
    values = parse_url(url).only("values").options.get("values", str(_VALUES))
    if not values.isdecimal() or int(values) < 1:
        raise SettingError(f"cache: values is a positive number, not {values!r}")
    return SimpleCache(threshold=int(values))
