"""Clients of redis-py, as a URL describes them."""

from __future__ import annotations

from typing import Any, TypeAlias

from redis import BlockingConnectionPool, ConnectionPool, Redis, RedisCluster, Sentinel
from redis.backoff import ExponentialWithJitterBackoff, NoBackoff
from redis.cluster import ClusterNode
from redis.connection import Connection, SSLConnection
from redis.exceptions import ConnectionError as LostConnection
from redis.exceptions import RedisClusterException, RedisError
from redis.retry import Retry
from redis.sentinel import SentinelConnectionPool

from dinnerkit.errors import Unavailable
from dinnerkit_redis.urls import RedisUrl

Client: TypeAlias = "Redis | RedisCluster"

FAULTS = (RedisError, RedisClusterException, OSError)
"""What the driver raises where Redis does not do what it is asked."""

_PROTOCOL = 2
"""The one that Redis 5 speaks too, and some proxies alone; nothing here needs what RESP3 adds."""

_SHORTEST_SECONDS = 0.02
_FIRST_WAIT, _LONGEST_WAIT = 0.004, 0.016
"""Seconds between attempts: they mend a connection that was closed while it was idle. A failover takes longer than a request can wait."""


def connect(url: RedisUrl, *, answers_within: float | None = None, waits: bool = True) -> Client:
    """A client; connections are made on first use, except of a cluster, whose nodes are asked for the others.

    Args:
        url: where, and how patient.
        answers_within: seconds that an answer may take, where that is not ``url.timeout``: for commands that wait on purpose.
        waits: whether there are at most ``url.connections``; each that waits on purpose needs one of its own.

    Raises:
        Unavailable: no node of the cluster answers.
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
        return _cluster(url, usual)
    usual |= {"db": url.db, "retry": _retry(url)}
    if url.kind == "sentinel":
        return _watched(url, usual, waits)
    (host, port) = url.hosts[0]
    usual |= {"host": host, "port": port, "connection_class": SSLConnection if url.tls else Connection} | _tls(url)
    pool = BlockingConnectionPool(max_connections=url.connections, timeout=url.timeout, **usual) if waits else ConnectionPool(**usual)
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


class _MasterPool(SentinelConnectionPool, BlockingConnectionPool):
    """Connections to whoever is the master, at most so many at the same time."""


def _watched(url: RedisUrl, usual: dict[str, Any], waits: bool) -> Redis:
    soon = max(url.timeout / len(url.hosts), _SHORTEST_SECONDS)  # one after the other is asked, and the request waits
    asking = {"socket_connect_timeout": soon, "socket_timeout": soon, "password": url.sentinel_password, "ssl": url.tls}
    sentinel = Sentinel(url.hosts, sentinel_kwargs=asking | _tls(url) | {"retry": Retry(NoBackoff(), 0)})
    usual |= {"ssl": url.tls} | _tls(url)
    if waits:
        usual |= {"max_connections": url.connections, "timeout": url.timeout}
    pool = _MasterPool if waits else SentinelConnectionPool
    master: Redis = sentinel.master_for(url.service, connection_pool_class=pool, **usual)
    return master


def _cluster(url: RedisUrl, usual: dict[str, Any]) -> RedisCluster:
    nodes = [ClusterNode(host, port) for host, port in url.hosts]
    try:
        return RedisCluster(startup_nodes=nodes, ssl=url.tls, retry=_retry(url), max_connections=url.connections, **usual, **_tls(url))
    except FAULTS as error:
        raise Unavailable(f"the Redis cluster can't be reached: {type(error).__name__}") from error
