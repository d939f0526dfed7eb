"""From a load, and what things cost, to servers, processes, connections and shards."""

from __future__ import annotations

import math
from dataclasses import dataclass

from dinnerkit.capacity.billing import BYTES_OF_GB, Bill, bill_of
from dinnerkit.capacity.figures import Figures
from dinnerkit.capacity.load import KINDS, Load
from dinnerkit.capacity.prices import Prices, Server

MOST_BUSY = 0.9
"""How busy processors may be while one zone is away."""

MOST_FILLED = 0.75
"""How much of a server's memory processes and data may take."""

CACHE_SHARE = 0.5
"""The share of its memory in which a member of a shard keeps documents and indexes: WiredTiger's default."""

CONNECTION_MB = 1.0
"""What a connection takes of MongoDB's memory: as much as its manual says that it may be."""

MEMBERS, CONFIG_SERVERS, COPIES = 3, 3, 2
"""Members of a shard; config servers of a cluster; a Redis and its replica."""

DATABASE_KINDS = ("uncached", "booking", "login")
"""What can't be answered without a connection to MongoDB."""

MONTH_SECONDS = 730 * 3600
_MICROS = 1e6
_KB_OF_GB = 1e6


@dataclass(frozen=True, slots=True)
class AppPlan:
    """The servers of the app; cores are those that are busy."""

    web_cores: float
    work_cores: float
    live_cores: float
    router_cores: float
    web_processes: int
    work_processes: int
    live_processes: int
    pods: int
    ram_gb: float
    servers: int

    @property
    def processes(self) -> int:
        """All of them."""
        return self.web_processes + self.work_processes + self.live_processes


@dataclass(frozen=True, slots=True)
class DatabasePlan:
    """MongoDB: what it does and holds, its shards, and the connections to it."""

    cores: float
    hot_gb: float
    data_gb: float
    shards: int
    members: int
    config_servers: int
    connections: int
    connections_most: int
    ram_gb: float


@dataclass(frozen=True, slots=True)
class RedisPlan:
    """Redis: primaries and, for each, a replica."""

    cores: float
    ram_gb: float
    primaries: int
    servers: int
    connections: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What carries a load, and what it costs a month."""

    app: AppPlan
    database: DatabasePlan
    redis: RedisPlan
    sent_gb: float
    bill: Bill


def plan(load: Load, figures: Figures, prices: Prices) -> Plan:
    """What carries a load."""
    app = _app(load, figures, prices.servers["app"])
    database = _database(load, figures, prices.servers["mongodb"], app.processes)
    redis = _redis(load, figures, prices.servers["redis"], app.processes)
    a_second = sum(load.rate(kind) * figures.requests[kind].bytes for kind in KINDS)
    sent_gb = a_second * load.mean * MONTH_SECONDS / BYTES_OF_GB
    servers = [
        ("app servers", "app", app.servers),
        ("MongoDB, members of shards", "mongodb", database.members),
        ("MongoDB, config servers", "config", database.config_servers),
        ("Redis", "redis", redis.servers),
    ]
    bill = bill_of(prices, servers, stored_gb=database.data_gb * MEMBERS, sent_gb=sent_gb, connections=load.users)
    return Plan(app, database, redis, sent_gb, bill)


def _cores(load: Load, figures: Figures, part: str) -> float:
    """Cores that one part of all requests keeps busy."""
    return sum(load.rate(kind) * float(getattr(figures.requests[kind], part)) for kind in KINDS) / _MICROS


def _app(load: Load, figures: Figures, server: Server) -> AppPlan:
    live = figures.live
    web, work = _cores(load, figures, "web_us"), _cores(load, figures, "work_us")
    router = _cores(load, figures, "mongodb_us") * figures.stored.mongos_share
    talk = load.sockets * (load.messages / 60 * live.message_us + live.ping_us / live.ping_seconds) / _MICROS
    counts = (
        math.ceil(web / load.utilisation),
        math.ceil(work / load.utilisation),
        max(math.ceil(load.sockets / live.connections), math.ceil(talk / load.utilisation)),
    )
    pods = sum(math.ceil(count / load.processes_per_pod) for count in counts)
    ram_gb = (sum(counts) * figures.process.rss_mb + load.sockets * live.kb_each / 1000) / 1000
    return AppPlan(web, work, talk, router, *counts, pods, ram_gb, _spread(web + work + talk + router, ram_gb, server, load))


def _spread(cores: float, ram_gb: float, server: Server, load: Load) -> int:
    """Servers for so much work and memory, as many in each zone, so that the others do with one zone away."""
    zones = load.zones
    usual = max(cores / load.utilisation / server.vcpus, ram_gb / MOST_FILLED / server.ram_gb, 1)
    if zones == 1:
        return math.ceil(usual)
    least = max(cores / MOST_BUSY / server.vcpus, ram_gb / server.ram_gb, 1)
    return zones * max(math.ceil(usual / zones), math.ceil(least / (zones - 1)))


def _database(load: Load, figures: Figures, member: Server, processes: int) -> DatabasePlan:
    stored = figures.stored
    cores = _cores(load, figures, "mongodb_us")
    hot_gb = load.users * (stored.user_kb + load.bookings * stored.booking_kb) / _KB_OF_GB
    data_gb = hot_gb * load.accounts
    shards = max(1, math.ceil(cores / load.utilisation / member.vcpus), math.ceil(hot_gb / (member.ram_gb * CACHE_SHARE)))
    in_use = sum(load.rate(kind) for kind in DATABASE_KINDS) * figures.process.mongodb_ms / 1000
    connections = math.ceil(max(processes, in_use / load.utilisation))
    most = math.ceil(max(connections, processes * figures.process.mongodb_pool))
    return DatabasePlan(
        cores,
        hot_gb,
        data_gb,
        shards,
        shards * MEMBERS,
        CONFIG_SERVERS if shards > 1 else 0,
        connections,
        most,
        hot_gb + connections * CONNECTION_MB / 1000,
    )


def _redis(load: Load, figures: Figures, node: Server, processes: int) -> RedisPlan:
    cores = _cores(load, figures, "redis_us")
    ram_gb = load.users * figures.stored.redis_user_bytes / BYTES_OF_GB
    primaries = max(1, math.ceil(cores / load.utilisation), math.ceil(ram_gb / MOST_FILLED / node.ram_gb))
    return RedisPlan(cores, ram_gb, primaries, primaries * COPIES, math.ceil(processes * figures.process.redis_connections))
