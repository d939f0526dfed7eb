"""The bus in Redis: one channel, which each process hears on one connection."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson
from redis.exceptions import ConnectionError as LostConnection

from dinnerkit.ports.bus import Bus
from dinnerkit.ports.contracts import built_for
from dinnerkit.ports.remote_bus import NextParcel, Parcel, RemoteBus
from dinnerkit_redis.connecting import FAULTS, Client, connect, ping
from dinnerkit_redis.urls import parse

_PATIENCE = 0.25
"""Seconds that a first listener waits until the channel is open; then they hear that they may have missed something."""

_POLL_SECONDS = 0.5
_SILENCE_SECONDS = 2.0
"""After so long without a word a connection is asked whether it is alive, and given up where it does not say so within as long again."""

_FIRST_WORD_SECONDS = 2.0


class Channel:
    """News by publish and subscribe: each message is a parcel."""

    errors = FAULTS

    def __init__(self, client: Client, listening: Client, name: str) -> None:
        self._client = client
        self._listening = listening
        self._name = name

    def send(self, parcel: Parcel) -> None:
        """Publish it."""
        self._client.publish(self._name, orjson.dumps([list(map(list, parcel.news)), parcel.lost]))

    @contextmanager
    def hear(self) -> Iterator[NextParcel]:
        """Subscribe, and wait until that is so."""
        subscription: Any = self._listening.pubsub()
        try:
            subscription.subscribe(self._name)
            first = subscription.get_message(timeout=_FIRST_WORD_SECONDS)
            if first is None or first["type"] != "subscribe":
                raise LostConnection("it does not say that we are subscribed")
            yield _Ear(subscription).next
        finally:
            subscription.close()


class _Ear:
    """Hears one connection, and notices when it is dead or another."""

    def __init__(self, subscription: Any) -> None:
        self._subscription = subscription
        self._heard_at = time.monotonic()
        self._asked = False

    def next(self) -> Parcel | None:
        message = self._subscription.get_message(timeout=_POLL_SECONDS)
        now = time.monotonic()
        if message is None:
            self._ask(now - self._heard_at)
            return None
        self._heard_at, self._asked = now, False
        if message["type"] == "subscribe":  # the driver has connected anew, and what was told meanwhile is lost
            raise LostConnection("the connection was another for a moment")
        if message["type"] != "message":
            return None
        news, lost = orjson.loads(message["data"])
        return Parcel([(topic, body) for topic, body in news], bool(lost))

    def _ask(self, silence: float) -> None:
        if silence > 2 * _SILENCE_SECONDS:
            raise LostConnection("the connection is silent")
        if silence > _SILENCE_SECONDS and not self._asked:
            self._asked = True
            self._subscription.ping()


class RedisBus(RemoteBus):
    """Tells and hears by one channel."""

    def __init__(self, client: Client, listening: Client, prefix: str, db: int) -> None:
        super().__init__(Channel(client, listening, f"{prefix}:bus:{db}"), _PATIENCE)  # channels are the same in all databases
        self._clients = (client, listening)

    def ping(self) -> None:
        """Reach Redis.

        Raises:
            Unavailable: it can't be reached.
        """
        ping(self._clients[0], "bus")

    def close(self) -> None:
        """Send what was published, and close the connections."""
        super().close()
        for client in self._clients:
            client.close()


@built_for(1, RedisBus)
def open_bus(url: str) -> Bus:
    """``redis://HOST:PORT/DB``, ``rediss://``, ``redis+sentinel://`` or ``redis+cluster://``.

    Raises:
        SettingError: the URL is malformed.
    """
    parsed = parse(url)
    return RedisBus(connect(parsed), connect(parsed, waits=False), parsed.prefix, parsed.db)
