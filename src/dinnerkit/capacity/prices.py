"""What servers, storage and traffic cost, by a file with its date."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from dinnerkit.capacity.tables import number, read_table, row_of, table_in
from dinnerkit.errors import Invalid

_SHIPPED = Path(__file__).with_name("prices.toml")
ROLES = ("app", "mongodb", "config", "redis")
"""The roles of servers: the app, members of shards, config servers of the sharded cluster, and Redis."""


@dataclass(frozen=True, slots=True)
class Server:
    """A type of server, and what an hour of it costs."""

    type: str
    vcpus: float
    ram_gb: float
    hour: Decimal


@dataclass(frozen=True, slots=True)
class Balancer:
    """A load balancer: an hour of it, and an hour of each unit, which is so many open connections or so many GB an hour."""

    hour: Decimal
    unit_hour: Decimal
    unit_connections: float
    unit_gb: float


@dataclass(frozen=True, slots=True)
class Prices:
    """In units of the currency; traffic in tiers of (GB up to which, price of a GB), of which the last has no end."""

    date: str
    source: str
    currency: str
    hours: float
    servers: Mapping[str, Server]
    storage_gb_month: Decimal
    traffic: tuple[tuple[Decimal | None, Decimal], ...]
    balancer: Balancer


def shipped_prices() -> Prices:
    """Those of the file that comes with dinnerkit."""
    return read_prices(_SHIPPED)


def read_prices(path: Path) -> Prices:
    """From a TOML file like the shipped one.

    Raises:
        Invalid: it can't be used; the message says why.
    """
    table, where = read_table(path), str(path)
    texts = {}
    for name in ("date", "source", "currency"):
        if not isinstance(table.get(name), str):
            raise Invalid(f"{where}: {name} is missing, or no text")
        texts[name] = table[name]
    roles = table_in(table, "servers", where)
    servers = {role: row_of(Server, table_in(roles, role, f"{where}: servers"), f"{where}: servers.{role}") for role in ROLES}
    for role, server in servers.items():
        if server.vcpus < 1 or server.ram_gb <= 0:
            raise Invalid(f"{where}: servers.{role}: no vcpus or no ram_gb")
    balancer = row_of(Balancer, table_in(table, "balancer", where), f"{where}: balancer")
    if balancer.unit_connections <= 0 or balancer.unit_gb <= 0:
        raise Invalid(f"{where}: balancer: a unit of nothing")
    return Prices(
        **texts,
        hours=float(number(table.get("hours"), f"{where}: hours")),
        servers=servers,
        storage_gb_month=number(table.get("storage_gb_month"), f"{where}: storage_gb_month"),
        traffic=_tiers(table.get("traffic"), f"{where}: traffic"),
        balancer=balancer,
    )


def _tiers(listed: Any, where: str) -> tuple[tuple[Decimal | None, Decimal], ...]:
    if not isinstance(listed, list) or not listed or not all(isinstance(tier, dict) for tier in listed):
        raise Invalid(f"{where}: no list of tiers")
    tiers: list[tuple[Decimal | None, Decimal]] = []
    before = Decimal(0)
    for tier in listed[:-1]:
        up_to = number(tier.get("up_to_gb"), f"{where}: up_to_gb")
        if up_to <= before:
            raise Invalid(f"{where}: the tiers do not rise")
        tiers.append((up_to, number(tier.get("gb"), f"{where}: gb")))
        before = up_to
    if "up_to_gb" in listed[-1]:
        raise Invalid(f"{where}: the last tier has an end")
    return (*tiers, (None, number(listed[-1].get("gb"), f"{where}: gb")))
