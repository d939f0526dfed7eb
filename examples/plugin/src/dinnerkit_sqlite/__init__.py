"""A cache for dinnerkit, chosen by ``DINNERKIT_CACHE=sqlite://PLACE``."""

from __future__ import annotations

from dinnerkit_sqlite.cache import open_cache

__all__ = ["open_cache"]
