"""How a plan was counted, in lines that can be checked by hand, and what was assumed on the way."""

from __future__ import annotations

from dinnerkit.capacity.figures import Figures
from dinnerkit.capacity.load import KINDS, Load
from dinnerkit.capacity.planning import CACHE_SHARE, CONNECTION_MB, COPIES, MEMBERS, MOST_BUSY, MOST_FILLED, Plan
from dinnerkit.capacity.prices import Prices

Step = tuple[str, str, str]
"""What, how much, and how it was counted."""


def steps(plan: Plan, load: Load, figures: Figures, prices: Prices) -> list[Step]:
    """The formula of each number."""
    return [*_work(plan, load, figures), *_app(plan, load, figures, prices), *_stores(plan, load, figures, prices)]


def _work(plan: Plan, load: Load, figures: Figures) -> list[Step]:
    app, live = plan.app, figures.live
    found = []
    for kind in KINDS:
        cost = figures.requests[kind]
        busy = load.rate(kind) * cost.web_us / 1e6
        found.append((f"  {kind}", f"{busy:,.1f}", f"{load.rate(kind):,.0f} a second ({load.mix[kind]:.2%}) × {cost.web_us:,.0f} µs"))
    talk = (
        f"{load.sockets:,} sockets × ({load.messages:g} messages a minute × {live.message_us:,.0f} µs"
        f" + a ping in {live.ping_seconds:g} s × {live.ping_us:,.0f} µs)"
    )
    return [
        ("cores that requests keep busy", f"{app.web_cores:,.1f}", "the sum of:"),
        *found,
        ("cores of background work", f"{app.work_cores:,.1f}", "what follows from a booking"),
        ("cores of WebSockets", f"{app.live_cores:,.1f}", talk),
        ("cores of routers (mongos)", f"{app.router_cores:,.1f}", f"{figures.stored.mongos_share:g} × MongoDB's own"),
    ]


def _app(plan: Plan, load: Load, figures: Figures, prices: Prices) -> list[Step]:
    app, server, live, process = plan.app, prices.servers["app"], figures.live, figures.process
    at = f"/ {load.utilisation:.0%} busy"
    ram = f"{app.processes:,} processes × {process.rss_mb:g} MB + {load.sockets:,} sockets × {live.kb_each:g} kB"
    spread = f"{server.type}: {server.vcpus:g} vCPU, {server.ram_gb:g} GB; {load.utilisation:.0%} busy, {MOST_FILLED:.0%} of the memory"
    if load.zones > 1:
        spread += f"; {load.zones} zones, {MOST_BUSY:.0%} busy with one away"
    return [
        ("web processes", f"{app.web_processes:,}", f"{app.web_cores:,.1f} cores {at}"),
        ("work processes", f"{app.work_processes:,}", f"{app.work_cores:,.1f} cores {at}"),
        ("WebSocket processes", f"{app.live_processes:,}", f"{live.connections:,.0f} sockets each, or {app.live_cores:,.1f} cores {at}"),
        ("pods", f"{app.pods:,}", f"of {load.processes_per_pod} processes"),
        ("memory of the app", f"{app.ram_gb:,.0f} GB", ram),
        ("app servers", f"{app.servers:,}", spread),
    ]


def _stores(plan: Plan, load: Load, figures: Figures, prices: Prices) -> list[Step]:
    return [*_mongodb(plan, load, figures, prices), *_redis(plan, load, figures, prices), _traffic(plan, load)]


def _mongodb(plan: Plan, load: Load, figures: Figures, prices: Prices) -> list[Step]:
    database, stored, process, member = plan.database, figures.stored, figures.process, prices.servers["mongodb"]
    hot = f"{load.users:,} users × ({stored.user_kb:g} kB + {load.bookings:g} bookings × {stored.booking_kb:g} kB)"
    shards = f"{database.cores:,.1f} cores / {load.utilisation:.0%} busy / {member.vcpus:g} vCPU"
    shards += f", or the working set / {CACHE_SHARE:.0%} of {member.ram_gb:g} GB"
    servers = f"{MEMBERS} × {member.type} a shard, {database.config_servers} config servers"
    used = f"what is uncached, bookings and logins × {process.mongodb_ms:g} ms / {load.utilisation:.0%}, and one for each process"
    disks = f"that of {load.accounts:g} accounts for each who is connected, on {MEMBERS} members"
    return [
        ("MongoDB: working set", f"{database.hot_gb:,.1f} GB", hot),
        ("MongoDB: on disks", f"{database.data_gb * MEMBERS:,.1f} GB", disks),
        ("MongoDB: shards", f"{database.shards:,}", shards),
        ("MongoDB: servers", f"{database.members + database.config_servers:,}", servers),
        ("MongoDB: connections", f"{database.connections:,}", used),
        ("  at most", f"{database.connections_most:,}", f"{plan.app.processes:,} processes × {process.mongodb_pool:g}"),
        ("MongoDB: memory", f"{database.ram_gb:,.1f} GB", f"the working set, and {CONNECTION_MB:g} MB for each connection"),
    ]


def _redis(plan: Plan, load: Load, figures: Figures, prices: Prices) -> list[Step]:
    redis, node = plan.redis, prices.servers["redis"]
    primaries = f"{redis.cores:,.1f} cores / {load.utilisation:.0%} busy, one each"
    primaries += f", or {redis.ram_gb:,.1f} GB / {MOST_FILLED:.0%} of {node.ram_gb:g} GB"
    return [
        ("Redis: memory", f"{redis.ram_gb:,.1f} GB", f"{load.users:,} users × {figures.stored.redis_user_bytes:,.0f} bytes"),
        ("Redis: primaries", f"{redis.primaries:,}", primaries),
        ("Redis: servers", f"{redis.servers:,}", f"{COPIES} × {node.type}"),
        ("Redis: connections", f"{redis.connections:,}", f"{plan.app.processes:,} processes × {figures.process.redis_connections:g}"),
    ]


def _traffic(plan: Plan, load: Load) -> Step:
    return "traffic a month", f"{plan.sent_gb:,.0f} GB", f"bytes of each kind × {load.mean:.0%} of the busiest moment, compressed"


def assumptions(load: Load, figures: Figures, prices: Prices) -> list[str]:
    """What the figures don't prove."""
    return [
        "CPU for a request grows neither with the load nor with the data, and a vCPU of the servers is as fast as that of the measurement.",
        "The mix: a visit is 60 requests in ten minutes; 7 of 10 visitors sign in, 1 in 3 of these books. Your own: --kept, --login …",
        f"Of the people, {load.live:.0%} hold a WebSocket. A month's mean load is {load.mean:.0%} of the busiest moment.",
        "Not measured but assumed: the routers' share of CPU, what background work a booking makes, how long a connection is needed.",
        "Not counted: TLS and proxies, photos, mail, search in Elasticsearch, a CDN, traffic between zones, backups, people.",
        f"Figures: {figures.measured}",
        f"Prices: {prices.date}, {prices.source}",
    ]
