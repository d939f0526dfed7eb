"""What requests, processes and connections cost, as it was measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dinnerkit.capacity.load import KINDS
from dinnerkit.capacity.tables import number, read_table, row_of, table_in
from dinnerkit.errors import Invalid

_SHIPPED = Path(__file__).with_name("figures.toml")

_MEASURED_AS = {
    "kept": "GET list, kept",
    "not_modified": "GET list, kept, 304",
    "uncached": "GET one's own bookings, 2",
    "booking": "POST booking, free",
    "login": "POST login",
}
"""The rows of ``benchmarks/journey_cpu.py``."""

_PARTS = ("web_us", "mongodb_us", "redis_us")


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU microseconds that one request takes of the web process, MongoDB, Redis, and afterwards of the background work; bytes it sends."""

    web_us: float
    mongodb_us: float
    redis_us: float
    work_us: float
    bytes: float


@dataclass(frozen=True, slots=True)
class Process:
    """One process: its memory in MB, its connections to MongoDB at most and to Redis, and for how long a request needs one to MongoDB."""

    rss_mb: float
    mongodb_pool: float
    mongodb_ms: float
    redis_connections: float


@dataclass(frozen=True, slots=True)
class Live:
    """WebSockets: the most of one process, kB of memory each, CPU microseconds for a message to one and for its ping and pong."""

    connections: float
    kb_each: float
    message_us: float
    ping_us: float
    ping_seconds: float


@dataclass(frozen=True, slots=True)
class Stored:
    """kB in MongoDB of a user, and of a booking with what follows from it; bytes in Redis of a user.

    ``mongos_share`` is the CPU of the cluster's routers, as a share of that of MongoDB itself.
    """

    user_kb: float
    booking_kb: float
    redis_user_bytes: float
    mongos_share: float


@dataclass(frozen=True, slots=True)
class Figures:
    """All of it, and where each comes from."""

    measured: str
    requests: Mapping[str, Cost]
    process: Process
    live: Live
    stored: Stored


def shipped_figures() -> Figures:
    """Our own last ones, with their date and machine."""
    return read_figures(_SHIPPED)


def read_figures(path: Path) -> Figures:
    """From a TOML file like the shipped one; or a folder with the JSON of ``nox -s bench``, or one such file, over the shipped ones.

    Raises:
        Invalid: the file or folder can't be used; the message says why.
    """
    if path.is_dir():
        return _over_shipped(path, [path / f"{name}.json" for name in _BENCHMARKS if (path / f"{name}.json").is_file()])
    return _over_shipped(path, [path]) if path.suffix == ".json" else _from_toml(path)


def _from_toml(path: Path) -> Figures:
    table, where = read_table(path), str(path)
    if unknown := sorted(table.keys() - {"measured", "requests", "process", "live", "stored"}):
        raise Invalid(f"{where}: unknown {', '.join(unknown)}")
    measured, requests = table.get("measured"), table_in(table, "requests", where)
    if not isinstance(measured, str):
        raise Invalid(f"{where}: measured, the date and the machine, is missing")
    if set(requests) != set(KINDS):
        raise Invalid(f"{where}: [requests] has a table for each of {', '.join(KINDS)}, and for nothing else")
    costs = {kind: row_of(Cost, table_in(requests, kind, f"{where}: requests"), f"{where}: requests.{kind}") for kind in KINDS}
    live = row_of(Live, table_in(table, "live", where), f"{where}: live")
    if live.connections < 1 or live.ping_seconds <= 0:
        raise Invalid(f"{where}: live: connections and ping_seconds can't be 0")
    return Figures(
        measured,
        costs,
        row_of(Process, table_in(table, "process", where), f"{where}: process"),
        live,
        row_of(Stored, table_in(table, "stored", where), f"{where}: stored"),
    )


def _over_shipped(given: Path, files: list[Path]) -> Figures:
    figures = shipped_figures()
    names = [path.stem for path in files if path.stem in _BENCHMARKS]
    if not names:
        raise Invalid(f"{given}: no figures of {' or '.join(f'{name}.json' for name in _BENCHMARKS)}")
    for path in files:
        rows = table_in(read_table(path), "rows", str(path))
        figures = _BENCHMARKS[path.stem](figures, rows, str(path))
    return replace(figures, measured=f"{', '.join(names)} of {given}; the rest: {figures.measured}")


def _with_journey(figures: Figures, rows: Mapping[str, Any], where: str) -> Figures:
    costs = {}
    for kind, name in _MEASURED_AS.items():
        row = table_in(rows, name, f"{where}: rows")
        found = {part: float(number(row.get(part), f"{where}: {name}: {part}")) for part in _PARTS}
        costs[kind] = replace(figures.requests[kind], **found)
    return replace(figures, requests=costs)


def _with_live(figures: Figures, rows: Mapping[str, Any], where: str) -> Figures:
    names = ("connections", "kb_each", "message_us", "ping_us")
    found = {name: float(number(rows.get(name), f"{where}: {name}")) for name in names}
    if found["connections"] < 1:
        raise Invalid(f"{where}: connections can't be 0")
    return replace(figures, live=replace(figures.live, **found))


_BENCHMARKS = {"journey_cpu": _with_journey, "live_connections": _with_live}
"""What of the benchmarks' JSON is used, by the file's name."""
