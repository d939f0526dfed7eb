"""The queue in Redis: huey's queues with priorities, and tasks as JSON."""

from __future__ import annotations

import threading
from functools import partial
from typing import Any, ClassVar

from huey.api import Huey
from huey.storage import PriorityRedisExpireStorage

from dinnerkit.ports.contracts import built_for
from dinnerkit.ports.json_tasks import JsonTasks
from dinnerkit.ports.queue import Queue
from dinnerkit_redis.connecting import Client, connect, ping
from dinnerkit_redis.urls import parse

_WAIT_SECONDS = 1
"""How long Redis lets a worker wait for a task."""

_GRACE_SECONDS = 2.0
"""How much longer it may take until that answer is here."""


_STAMP = 8
"""Bytes before each task that huey orders those of the same priority by: when it was queued."""


class RedisTasks(PriorityRedisExpireStorage):  # type: ignore[misc]
    """Huey's sorted sets, over two clients that are given: one for what must be quick, one that waits for tasks.

    The braces let a cluster keep the keys of one queue on one node, since huey asks for several at once. Huey's own names begin with
    its own prefix; these with ours, so that a deployer can allow us ``~prefix:*`` alone.
    """

    def __init__(self, name: str, client: Client, waiting: Client, prefix: str) -> None:
        self._waiting = waiting
        ours = f"{prefix}:{{{name}}}:"
        super().__init__(ours, connection_pool=client, clean_name=False, read_timeout=_WAIT_SECONDS)
        self.queue_key = f"{ours}queue"
        self.schedule_key = f"{ours}schedule"
        self.notify_prefix = f"{ours}notify:"
        self.result_prefix = f"{ours}result:".encode()
        self.counter_prefix = f"{ours}counter:".encode()
        self.result_key = partial(_after, self.result_prefix)
        self.counter_key = partial(_after, self.counter_prefix)

    def redis_client(self, connection_pool: Client) -> Client:
        """Take the client instead of making one: huey knows neither Sentinel nor clusters."""
        return connection_pool

    def dequeue(self) -> bytes | None:
        """Wait for a task, at most a second."""
        found: Any = self._waiting.bzpopmin(self.queue_key, timeout=self.read_timeout)
        return bytes(found[1][_STAMP:]) if found else None


def _after(prefix: bytes, key: str | bytes) -> bytes:
    return prefix + (key if isinstance(key, bytes) else key.encode())


class RedisQueue:
    """Named huey queues in one Redis."""

    priorities: ClassVar[bool] = True

    def __init__(self, client: Client, waiting: Client, prefix: str) -> None:
        self._client = client
        self._waiting = waiting
        self._prefix = prefix
        self._queues: dict[str, Huey] = {}
        self._lock = threading.Lock()

    def huey(self, name: str) -> Huey:
        """The named queue; the same object each time."""
        with self._lock:
            if name not in self._queues:
                storage = partial(RedisTasks, client=self._client, waiting=self._waiting, prefix=self._prefix)
                self._queues[name] = Huey(name, storage_class=storage, results=False, serializer=JsonTasks())
            return self._queues[name]

    def ping(self) -> None:
        """Reach Redis.

        Raises:
            Unavailable: it can't be reached.
        """
        ping(self._client, "queue")

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
        self._waiting.close()


@built_for(1, RedisQueue)
def open_queue(url: str) -> Queue:
    """``redis://HOST:PORT/DB``, ``rediss://``, ``redis+sentinel://`` or ``redis+cluster://``.

    Raises:
        SettingError: the URL is malformed.
    """
    parsed = parse(url)
    waiting = connect(parsed, answers_within=_WAIT_SECONDS + _GRACE_SECONDS, waits=False)
    return RedisQueue(connect(parsed), waiting, parsed.prefix)
