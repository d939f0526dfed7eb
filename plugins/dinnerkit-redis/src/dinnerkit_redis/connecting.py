"""Clients of redis-py, as a URL describes them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeAlias

from redis import BlockingConnectionPool, ConnectionPool, Redis, RedisCluster, Sentinel
from redis.backoff import ExponentialWithJitterBackoff, NoBackoff
from redis.cluster import ClusterNode
from redis.connection import Connection, SSLConnection
from redis.exceptions import ClusterDownError, RedisClusterException, RedisError, SlotNotCoveredError
from redis.exceptions import ConnectionError as LostConnection
from redis.retry import Retry
from redis.sentinel import SentinelConnectionPool, SentinelManagedConnection, SentinelManagedSSLConnection

from dinnerkit.errors import Unavailable
from dinnerkit_redis.urls import RedisUrl

Client: TypeAlias = "Redis | LazyCluster"

FAULTS = (RedisError, RedisClusterException, OSError)
"""What the driver raises where Redis does not do what it is asked."""

_PROTOCOL = 2
"""The one that Redis 5 speaks too, and some proxies alone; nothing here needs what RESP3 adds."""

_ANY_NUMBER = 1 << 20
"""Of connections: without a number the driver's newer versions take 100 and then fail."""

_SHORTEST_SECONDS = 0.02
_FIRST_WAIT, _LONGEST_WAIT = 0.004, 0.016
"""Seconds between attempts: they mend a connection that was closed while it was idle. A failover takes longer than a request can wait."""


def connect(url: RedisUrl, *, answers_within: float | None = None, waits: bool = True) -> Client:
    """A client; connections are made on first use, except to a cluster, whose nodes are asked for the others, if they answer.

    Args:
        url: where, and how patient.
        answers_within: seconds that an answer may take, where that is not ``url.timeout``: for commands that wait on purpose.
        waits: whether there are at most ``url.connections``; each that waits on purpose needs one of its own. A cluster's client knows
            only a maximum at which it fails, so there it has none.
    """
    usual: dict[str, Any] = {
        "username": url.username,
        "password": url.password,
        "socket_connect_timeout": url.timeout,
        "socket_timeout": answers_within or url.timeout,
        "socket_keepalive": True,
        "protocol": _PROTOCOL,
    }
    if url.kind == "cluster":
        return LazyCluster(lambda: _cluster(url, usual))
    usual |= {"db": url.db, "retry": _retry(url)}
    if url.kind == "sentinel":
        return _watched(url, usual, waits)
    (host, port) = url.hosts[0]
    usual |= {"host": host, "port": port, "connection_class": SSLConnection if url.tls else Connection} | _tls(url)
    pool = (
        BlockingConnectionPool(max_connections=url.connections, timeout=url.timeout, **usual)
        if waits
        else ConnectionPool(max_connections=_ANY_NUMBER, **usual)
    )
    return Redis(connection_pool=pool)


def ping(client: Client, what: str) -> None:
    """Reach the server that takes writes.

    Raises:
        Unavailable: it does not answer, or refuses us.
    """
    try:
        client.ping()
    except FAULTS as error:
        raise Unavailable(f"{what}: Redis can't be reached: {type(error).__name__}") from error


def _retry(url: RedisUrl) -> Retry:
    backoff = ExponentialWithJitterBackoff(base=_FIRST_WAIT, cap=_LONGEST_WAIT) if url.retries else NoBackoff()
    return Retry(backoff, url.retries, supported_errors=(LostConnection,))


def _tls(url: RedisUrl) -> dict[str, Any]:
    return ({"ssl_ca_certs": url.ca} if url.ca else {}) if url.tls else {}


class _Closing:
    """A connection that is closed when an answer does not come in time, as the driver does itself where no sentinel is asked.

    Kept open it would go on with a master that hangs for ever, after another has taken over; and whoever uses it next could be given the
    answer that came too late.
    """

    def read_response(self, *args: Any, **options: Any) -> Any:
        """The next answer."""
        return super().read_response(*args, **({"disconnect_on_error": True} | options))  # type: ignore[misc]


class _ToMaster(_Closing, SentinelManagedConnection):
    """A connection to whoever is the master."""


class _ToMasterByTls(_Closing, SentinelManagedSSLConnection):
    """The same, encrypted."""


class _MasterPool(SentinelConnectionPool, BlockingConnectionPool):
    """Connections to whoever is the master, at most so many at the same time."""


def _watched(url: RedisUrl, usual: dict[str, Any], waits: bool) -> Redis:
    soon = max(url.timeout / len(url.hosts), _SHORTEST_SECONDS)  # one after the other is asked, and the request waits
    asking = {"socket_connect_timeout": soon, "socket_timeout": soon, "password": url.sentinel_password, "ssl": url.tls}
    sentinel = Sentinel(url.hosts, sentinel_kwargs=asking | _tls(url) | {"retry": Retry(NoBackoff(), 0)})
    usual |= {"connection_class": _ToMasterByTls if url.tls else _ToMaster} | _tls(url)
    usual |= {"max_connections": url.connections, "timeout": url.timeout} if waits else {"max_connections": _ANY_NUMBER}
    pool = _MasterPool if waits else SentinelConnectionPool
    master: Redis = sentinel.master_for(url.service, connection_pool_class=pool, **usual)
    return master


class _Cluster(RedisCluster):
    """Tries again where a connection was lost or a slot has moved, and not where an answer takes too long: the request waits for it."""

    ERRORS_ALLOW_RETRY = (LostConnection, ClusterDownError, SlotNotCoveredError)  # type: ignore[assignment] # those without TimeoutError


class LazyCluster:
    """A client of a cluster that asks its nodes for the others, again on use while they are down: so an app opens also then.

    Args:
        make: asks them.
    """

    def __init__(self, make: Callable[[], RedisCluster]) -> None:
        self._make = make
        self._made: RedisCluster | None = None
        self._failures = 0
        self._lock = threading.Lock()
        with suppress(*FAULTS):
            self._opened()  # now rather than when somebody waits for it

    def __getattr__(self, name: str) -> Any:
        """The client's own."""
        return getattr(self._opened(), name)

    def register_script(self, text: str) -> Callable[..., Any]:
        """A script to be called; nothing is asked for it until then."""

        def script(*args: Any, **kwargs: Any) -> Any:
            return self._opened().register_script(text)(*args, **kwargs)

        return script

    def close(self) -> None:
        """Close the connections, if there are any."""
        if self._made is not None:
            self._made.close()

    def _opened(self) -> RedisCluster:
        if self._made is not None:
            return self._made
        before = self._failures
        with self._lock:
            if self._made is None:
                if self._failures != before:  # while this one waited for its turn; those behind it would wait ever longer
                    raise LostConnection("the cluster could not be reached just now")
                try:
                    self._made = self._make()
                except FAULTS:
                    self._failures += 1
                    raise
            return self._made


def _cluster(url: RedisUrl, usual: dict[str, Any]) -> RedisCluster:
    nodes = [ClusterNode(host, port) for host, port in url.hosts]
    return _Cluster(startup_nodes=nodes, ssl=url.tls, retry=_retry(url), max_connections=_ANY_NUMBER, **usual, **_tls(url))
