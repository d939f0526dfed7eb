"""The sessions in Redis: a key each, which Redis itself drops when its time is over."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from dinnerkit.errors import Unavailable
from dinnerkit.ports.contracts import built_for
from dinnerkit.ports.sessions import SessionStore, StoredSession
from dinnerkit_redis.connecting import FAULTS, Client, connect
from dinnerkit_redis.urls import parse

_GONE = -2
"""What Redis answers to how long a key lives that is not there."""


class RedisSessions:
    """Sessions for all processes together, under keys with a prefix of their own."""

    def __init__(self, client: Client, prefix: str) -> None:
        self._client = client
        self._prefix = prefix

    def put(self, key: str, value: bytes, seconds: int) -> None:
        """Keep the session.

        Raises:
            Unavailable: Redis can't be reached, or takes nothing.
        """
        with _unavailable():
            self._client.set(self._name(key), value, ex=seconds)

    def get(self, key: str) -> StoredSession | None:
        """The session, if it lives.

        Raises:
            Unavailable: Redis can't be reached.
        """
        name = self._name(key)
        with _unavailable(), self._client.pipeline(transaction=False) as asked:
            asked.get(name)
            asked.pttl(name)
            value, millis = asked.execute()
        return None if value is None or millis == _GONE else StoredSession(bytes(value), max(millis, 0) / 1000)

    def prolong(self, key: str, seconds: int) -> bool:
        """Let it live longer; Redis does so with keys that are there alone.

        Raises:
            Unavailable: Redis can't be reached, or takes nothing.
        """
        with _unavailable():
            return bool(self._client.expire(self._name(key), seconds))

    def delete(self, key: str) -> None:
        """End it.

        Raises:
            Unavailable: Redis can't be reached, or takes nothing.
        """
        with _unavailable():
            self._client.delete(self._name(key))

    def ping(self) -> None:
        """Write and drop something, since a Redis that is full, or a replica, answers a ping and takes no session.

        Raises:
            Unavailable: Redis can't be reached, or takes nothing.
        """
        with _unavailable():
            self._client.set(self._name("ping"), b"", ex=1)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _name(self, key: str) -> str:
        return f"{self._prefix}:sessions:{key}"


@contextmanager
def _unavailable() -> Iterator[None]:
    """Redis's own words stay out of it: they may quote a command, and so a key."""
    try:
        yield
    except FAULTS as error:
        raise Unavailable(f"sessions: Redis can't be reached: {type(error).__name__}") from None


@built_for(1, RedisSessions)
def open_sessions(url: str) -> SessionStore:
    """``redis://HOST:PORT/DB``, ``rediss://``, ``redis+sentinel://`` or ``redis+cluster://``.

    Raises:
        SettingError: the URL is malformed.
    """
    parsed = parse(url)
    return RedisSessions(connect(parsed), parsed.prefix)
