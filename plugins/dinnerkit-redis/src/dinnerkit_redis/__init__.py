"""The queue, the bus, the rate limits, the cache and the sessions of dinnerkit in Redis: one server, Sentinel or a Cluster.

Each kind has a factory that takes a URL; they are the entry points by which dinnerkit finds them:

    DINNERKIT_QUEUE=redis://127.0.0.1:6379/0
    DINNERKIT_BUS=redis+sentinel://10.0.0.1:26379,10.0.0.2:26379,10.0.0.3:26379/mymaster
    DINNERKIT_LIMITER=redis+cluster://10.0.0.1:6379,10.0.0.2:6379,10.0.0.3:6379
"""

from __future__ import annotations

from dinnerkit_redis.bus import open_bus
from dinnerkit_redis.cache import open_cache
from dinnerkit_redis.limiter import open_limiter
from dinnerkit_redis.queue import open_queue
from dinnerkit_redis.sessions import open_sessions

__all__ = ["open_bus", "open_cache", "open_limiter", "open_queue", "open_sessions"]
