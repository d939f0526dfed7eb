"""Ours and a rival in turn, on the same MongoDB and Redis, with the same data and passwords: what each request costs.

``--rival FOLDER`` names the rival; README.md says what it must do. Without one, ours is measured alone.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import wrk
from contenders import CITIES, CONNECTIONS, LISTED, Contender, contenders
from journey import Asked, Behind, Request, ask, behind, booking, get, login, spending
from mixed import journeys
from rich.console import Console
from rich.table import Table
from serving_cpu import resident

GROWING = ("GET list, kept", "GET list of 20, not kept, each another", "POST booking, free")
"""What is measured again when there is more data."""
ELSEWHERE = "city=City%20{turn}&limit=20&max_price={number}"
"""Another query for each price, below which there are 20 dinners in each city whatever it is."""


def driven(one: Contender, stood_on: Behind, pid: int, port: int, request: Request, status: int, *, another: bool = False) -> Asked:
    """Reads on all connections, after as many seconds as it takes to warm up."""

    def drive(seconds: int = wrk.SECONDS) -> Asked:
        others = wrk.Others(next(one.prices), CITIES) if another else None
        return wrk.drive(port, request, status, CONNECTIONS, others, seconds)

    drive(1)
    return spending(pid, stood_on, drive)


def rows(visitors: Sequence[str]) -> dict[str, Callable[[Contender, Behind], Asked]]:
    """What is measured, by name."""

    def reading(request: Callable[[Contender], Request], status: int) -> Callable[[Contender, Behind], Asked]:
        return lambda one, on: driven(one, on, one.pid, one.port, request(one), status)

    def uncached(one: Contender, stood_on: Behind) -> Asked:
        pid, port, path = one.uncached
        return driven(one, stood_on, pid, port, get(f"{path}?{LISTED.format(20).partition('?')[2]}"), 200)

    def differing(one: Contender, stood_on: Behind, pid: int, port: int, path: str) -> Asked:
        return driven(one, stood_on, pid, port, get(f"{path}?{ELSEWHERE}"), 200, another=True)

    return {
        "GET list, kept": reading(lambda _: get(LISTED.format(14)), 200),
        "GET event, kept": reading(lambda one: get(f"/v1/events/{one.events[0]}"), 200),
        "GET list, 304": reading(Contender.known, 304),
        "GET list of 20, not kept, the same for all": uncached,
        "GET list of 20, not kept, each another": lambda one, on: differing(one, on, *one.uncached),
        "GET list of 20, cache missed, each another": lambda one, on: differing(one, on, one.pid, one.port, "/v1/events"),
        "POST booking, free": lambda one, on: ask(one.pid, one.port, on, list(islice(one.pairs, 300)), 32).only(201),
        "POST login": lambda one, on: ask(one.pid, one.port, on, [login(visitor) for visitor in visitors], 8).only(200),
    }


def hot_sale(one: Contender, stood_on: Behind) -> dict[str, Any]:
    """100 seats, 1,000 people who want one, 32 connections."""
    sale = ask(one.pid, one.port, stood_on, [booking(one.events[1], token) for token in one.buyers], 32)
    return {
        "seconds": sale.seconds,
        "cpu_us": sale.micros(sale.web),
        "slowest_ms": sale.percentile(1),
        "statuses": dict(sale.statuses),
    }


def measure(folder: Path, other: Path | None, rounds: int, grown_to: tuple[int, int], only: str | None) -> dict[str, Any]:
    """Everything, by contender; or only the rows whose name has that in it."""
    with behind(folder) as stood_on, ExitStack() as stack:
        measured, visitors, grown = contenders(stack, folder, stood_on, other)
        work = {name: row for name, row in rows(visitors).items() if only is None or only in name}
        for _ in range(rounds):
            for name, row in work.items():
                for one in measured:
                    print(f"{one.name}: {name}", file=sys.stderr, flush=True)
                    one.asked.setdefault(name, []).append(row(one, stood_on))
        found: dict[str, Any] = {
            one.name: {
                "cpu_us": {name: one.cpu(name) for name in work},
                "p50_ms": {name: one.asked[name][-1].percentile(0.5) for name in work},
                "p99_ms": {name: one.asked[name][-1].percentile(0.99) for name in work},
            }
            for one in measured
        }
        if only is None:
            for name, crowded in crowds(measured, stood_on, visitors).items():
                found[name] |= crowded
            if any(grown_to):
                grown(*grown_to)
                for one in measured:
                    again = {name: work[name](one, stood_on) for name in GROWING}
                    found[one.name]["grown_times"] = {name: asked.micros(asked.web) / one.cpu(name) for name, asked in again.items()}
    return found


def crowds(measured: Sequence[Contender], stood_on: Behind, visitors: Sequence[str]) -> dict[str, Any]:
    """What is measured once, as it leaves the dinners full."""
    sales = {one.name: hot_sale(one, stood_on) for one in measured}
    mixed = journeys(measured, stood_on, visitors)
    return {
        one.name: {
            "saturated_p99_over_p50": _spread(one),
            "sale": sales[one.name],
            "journey": mixed[one.name],
            "resident_mb": resident(one.pid) / 1e6,
        }
        for one in measured
    }


def _spread(one: Contender) -> float:
    busy = one.asked["GET list, kept"][-1]
    return busy.percentile(0.99) / busy.percentile(0.5)


def _times(paced: dict[str, Any]) -> str:
    return " ".join(f"{paced[at]:,.0f}" for at in ("p50_ms", "p99_ms", "slowest_ms"))


def show(found: dict[str, Any]) -> None:
    names = list(found)
    compared = ["ratio"] if len(names) > 1 else []
    table = Table("", *names, *compared, title=f"CPU µs of the server's processes a request, {CONNECTIONS} connections")
    for row in found[names[0]]["cpu_us"]:
        values = [found[name]["cpu_us"][row] for name in names]
        table.add_row(row, *(f"{value:,.0f}" for value in values), *(f"{values[0] / values[-1]:.2f}" for _ in compared))
    crowded = all("journey" in one for one in found.values())
    for row, value in _CROWDS.items() if crowded else ():
        table.add_row(row, *(value(found[name]) for name in names))
    Console(width=130).print(table)


_CROWDS: dict[str, Callable[[dict[str, Any]], str]] = {
    "saturated: p99 / p50": lambda one: f"{one['saturated_p99_over_p50']:.1f}",
    "hot sale: CPU µs an attempt": lambda one: f"{one['sale']['cpu_us']:,.0f}",
    "hot sale: seconds": lambda one: f"{one['sale']['seconds']:.2f}",
    "hot sale: sold": lambda one: f"{one['sale']['statuses'].get(201, 0)}",
    "journey: CPU µs": lambda one: f"{one['journey']['own_pace']['cpu_us']:,.0f}",
    "journey: saturation a second": lambda one: f"{one['journey']['saturation_rps']:,.0f}",
    "journey at 80 % of it: p50, p99, slowest ms": lambda one: _times(one["journey"]["own_pace"]),
    "  with the processors busy": lambda one: f"{one['journey']['own_pace']['busy']:.0%}",
    "journey at 80 % of the slowest": lambda one: _times(one["journey"]["same_pace"]),
    "  with the processors busy ": lambda one: f"{one['journey']['same_pace']['busy']:.0%}",
    "resident, MB": lambda one: f"{one['resident_mb']:,.0f}",
    "grown: CPU of list kept, not kept, booking": lambda one: " ".join(f"{times:.2f}" for times in one.get("grown_times", {}).values()),
}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", type=Path)
    parser.add_argument("--rival", type=Path, metavar="FOLDER", help="where its server.js is, installed")
    parser.add_argument("--grow", type=int, nargs=2, metavar=("EVENTS", "BOOKINGS"), default=(0, 0), help="measure again with so many more")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--only", metavar="TEXT", help="only the requests whose row has that in its name, and no crowds")
    options = parser.parse_args()
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        found = measure(Path(folder), options.rival, options.rounds, tuple(options.grow), options.only)
    show(found)
    if options.json is not None:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
