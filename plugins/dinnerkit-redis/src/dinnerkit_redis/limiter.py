"""The rate limits' counts in Redis: the moving windows of the limits library, over our clients."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from limits.storage import RedisStorage, Storage

from dinnerkit.ports.contracts import built_for
from dinnerkit.ports.limiter import Lease, LimiterStorage, Unspent
from dinnerkit_redis.connecting import FAULTS, Client, connect, ping
from dinnerkit_redis.urls import parse

_SCHEME = "dinnerkit-redis"

_LEASE = """
local key, now = KEYS[1], ARGV[1]
local limit, seconds = tonumber(ARGV[2]), tonumber(ARGV[3])
local need, most, share = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local stamp, spent, unspent = ARGV[7], tonumber(ARGV[8]), tonumber(ARGV[9])

local function since(moment, or_later)
  local low, high = 0, redis.call('LLEN', key) - 1
  while low <= high do
    local middle = math.floor((low + high) / 2)
    local hit = tonumber(redis.call('LINDEX', key, middle))
    if hit > moment or (or_later and hit == moment) then low = middle + 1 else high = middle - 1 end
  end
  return low
end

if unspent > 0 then
  local at_stamp = since(tonumber(stamp), true) - since(tonumber(stamp), false)
  local back = math.min(unspent, at_stamp - spent)
  if back > 0 then redis.call('LREM', key, back, stamp) end
end

local hits = since(tonumber(now) - seconds, true)
local free = limit - hits
local granted = math.min(free, math.max(need, math.min(most, math.floor(free / share))))
local began = hits > 0 and redis.call('LINDEX', key, hits - 1) or now
if granted > 0 then
  local entries = {}
  for number = 1, granted do entries[number] = now end
  for first = 1, granted, 1000 do
    redis.call('LPUSH', key, unpack(entries, first, math.min(first + 999, granted)))
  end
  redis.call('LTRIM', key, 0, limit - 1)
  redis.call('EXPIRE', key, math.ceil(seconds))
end
return {granted, began, hits + math.max(granted, 0)}
"""
"""The list of a window has the time of each hit, the newest first, as the limits library keeps it.

Of what is given back only so much is dropped as leaves what was spent, since a driver may send a script again whose answer was lost.
"""


class RedisWindows(RedisStorage):
    """The storage of the limits library, on a client that is given: its own are told neither of time-outs for sentinels nor of pools."""

    STORAGE_SCHEME = [_SCHEME]  # noqa: RUF012 - as the library has it

    def __init__(self, uri: str, *, client: Client, prefix: str, wrap_exceptions: bool = False) -> None:
        Storage.__init__(self, uri, wrap_exceptions=wrap_exceptions)
        self.key_prefix = prefix
        self.target_server = "redis"
        self.dependency = self.dependencies["redis"].module
        self.storage = client
        self.initialize_storage(uri)

    @property
    def base_exceptions(self) -> tuple[type[Exception], ...]:
        """What a failing storage raises."""
        return FAULTS


@dataclass(frozen=True, slots=True)
class RedisLimiterStorage:
    """Counts for all processes together."""

    client: Client = field(repr=False)
    prefix: str
    uri: str = f"{_SCHEME}://"
    _script: Callable[..., Any] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_script", self.client.register_script(_LEASE))

    def lease(self, key: str, limit: int, seconds: float, *, need: int, most: int, share: int, back: Unspent | None) -> Lease:
        """Take hits ahead; see :class:`dinnerkit.ports.limiter.Leases`.

        Raises:
            RedisError: Redis can't be reached, or takes nothing; or another of those that the driver raises.
        """
        now = time.time()
        returned = (repr(back.stamp), back.spent, back.left) if back is not None else ("0", 0, 0)
        arguments = (repr(now), limit, seconds, need, most, share, *returned)
        granted, began, hits = self._script([f"{self.prefix}:limits:{key}"], arguments)
        return Lease(max(0, int(granted)), now, float(began), int(hits))

    @property
    def options(self) -> dict[str, Any]:
        """What the storage is made with."""
        return {"client": self.client, "prefix": f"{self.prefix}:limits"}

    def ping(self) -> None:
        """Reach Redis.

        Raises:
            Unavailable: it can't be reached.
        """
        ping(self.client, "limiter")

    def close(self) -> None:
        """Close the connections."""
        self.client.close()


@built_for(1, RedisLimiterStorage)
def open_limiter(url: str) -> LimiterStorage:
    """``redis://HOST:PORT/DB``, ``rediss://``, ``redis+sentinel://`` or ``redis+cluster://``.

    Raises:
        SettingError: the URL is malformed.
    """
    parsed = parse(url)
    return RedisLimiterStorage(connect(parsed), parsed.prefix)
