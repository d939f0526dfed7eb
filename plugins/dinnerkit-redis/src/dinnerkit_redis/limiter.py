"""The rate limits' counts in Redis: the moving windows of the limits library, over our clients."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from limits.storage import RedisStorage, Storage

from dinnerkit.ports.contracts import built_for
from dinnerkit.ports.limiter import LimiterStorage
from dinnerkit_redis.connecting import FAULTS, Client, connect, ping
from dinnerkit_redis.urls import parse

_SCHEME = "dinnerkit-redis"


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
