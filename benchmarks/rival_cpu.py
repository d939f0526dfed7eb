"""Ours and a rival in turn, on the same MongoDB and Redis, with the same data and passwords: what each request costs.

``--rival FOLDER`` names the rival; README.md says what it must do. Without one, ours is measured alone.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import count, cycle, islice, product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.request import urlopen

import wrk
from journey import Asked, Behind, Request, ask, behind, booking, fill, get, login, ours, send, settings_of, spending
from live_connections import tokens_of
from rich.console import Console
from rich.table import Table
from rival import Rivals, grow, rival
from serving_cpu import resident_mb

from dinnerkit import Kit, Settings
from dinnerkit.backends.database import mongodb
from dinnerkit.capacity import MIX
from dinnerkit.ids import new_id

CONNECTIONS = 64
VISITORS, EVENTS, BUYERS = 64, 30, 1000
LISTED = "/v1/events?city=Lisbon&limit={}"
CITIES, DINNERS_A_CITY = 30, 30
ELSEWHERE = "city=City%20{turn}&limit=20&max_price={number}"
"""Another query for each price, below which there are 20 dinners in each city whatever it is."""
FAR = 100_000
"""Prices in a row that are not asked for at once."""
MOST_BUSY, MIXED_CONNECTIONS, MIXED_SECONDS = 0.8, 256, 10


@dataclass
class Contender:
    """One server, and how it is asked."""

    name: str
    pid: int
    port: int
    events: list[str]
    tokens: list[str]
    buyers: list[str]
    uncached: tuple[int, int, str]
    """Where nothing is kept: its pid, its port, and the path of the list without its query."""
    asked: dict[str, list[Asked]] = field(default_factory=dict)
    prices: Iterator[int] = field(default_factory=lambda: count(FAR, FAR))
    pairs: Iterator[Request] = field(init=False)

    def __post_init__(self) -> None:
        self.pairs = iter([booking(event, token) for event, token in product(self.events[2:], self.tokens)])

    def known(self) -> Request:
        """The list, asked for by who has it as it is now."""
        with urlopen(f"http://127.0.0.1:{self.port}{LISTED.format(14)}") as answer:
            return get(LISTED.format(14), If_None_Match=answer.headers["ETag"])

    def cpu(self, row: str) -> float:
        """Microseconds, over all rounds."""
        runs = self.asked[row]
        return sum(run.web for run in runs) / sum(len(run.took) for run in runs) * 1e6


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


def hot_sale(one: Contender, stood_on: Behind) -> Asked:
    """100 seats, 1,000 people who want one, 32 connections."""
    return ask(one.pid, one.port, stood_on, [booking(one.events[1], token) for token in one.buyers], 32)


def mixed(one: Contender, stood_on: Behind, visitors: Sequence[str]) -> tuple[float, Asked]:
    """Saturation in requests a second, and the journey at a part of it."""

    def requests(count: int) -> list[Request]:
        of: dict[str, Iterator[Request]] = {
            "kept": cycle([get(LISTED.format(14)), get(f"/v1/events/{one.events[0]}")]),
            "not_modified": cycle([one.known()]),
            "uncached": cycle([get("/v1/bookings", Authorization=f"Bearer {token}") for token in one.tokens]),
            "booking": one.pairs,
            "login": cycle([login(visitor) for visitor in visitors]),
        }
        due = dict.fromkeys(MIX, 0.0)
        found = []
        for _ in range(count):
            for kind, share in MIX.items():
                due[kind] += share
            kind = max(due, key=lambda name: due[name])
            due[kind] -= 1
            found.append(next(of[kind]))
        return found

    full = send(one.port, requests(2500), CONNECTIONS)
    most = len(full.took) / full.seconds
    pace = MOST_BUSY * most
    return most, ask(one.pid, one.port, stood_on, requests(int(pace * MIXED_SECONDS)), MIXED_CONNECTIONS, pace)


def contenders(stack: ExitStack, folder: Path, stood_on: Behind, other: Path | None) -> tuple[list[Contender], list[str], Any]:
    """Who is measured, all running; whom both know; and how their data grow."""
    given = settings_of(stood_on, folder)
    events, visitors = fill(given, EVENTS, VISITORS)
    with Kit.open(Settings.load(given, environ={})) as kit:
        minted = tokens_of(kit, VISITORS + BUYERS, given["secret_key"])
    database = mongodb(stood_on.database_url).database
    pid, port = stack.enter_context(ours(given))
    slow = stack.enter_context(ours(given, lane="off"))
    found = [Contender("dinnerkit", pid, port, events, minted[:VISITORS], minted[VISITORS:], (*slow, "/v1/events"))]
    rivals = None
    if other is not None:
        rivals = Rivals(stood_on, database)
        pid, port = stack.enter_context(rival(other, stood_on))
        theirs = rivals.copy_events()
        tokens, buyers = rivals.copy_users(visitors), rivals.tokens(BUYERS)
        found.append(Contender("rival", pid, port, theirs, tokens, buyers, (pid, port, "/v1/events-nocache")))

    dinners = CITIES * DINNERS_A_CITY
    grow(
        database,
        "events",
        dinners,
        lambda number: {"_id": new_id(), "city": f"City {number % CITIES}", "city_key": f"city {number % CITIES}"},
    )
    if rivals is not None:
        rivals.grow_events(dinners, lambda number: f"City {number % CITIES}")

    def grown(new_events: int, bookings: int) -> None:
        grow(database, "events", new_events, lambda _: {"_id": new_id(), "city": "Porto", "city_key": "porto"})
        grow(database, "bookings", bookings, lambda _: {"_id": new_id(), "user": new_id(), "event": new_id(), "outbox": []})
        if rivals is not None:
            rivals.grow_events(new_events, lambda _: "Porto")
            rivals.grow_bookings(bookings)

    return found, visitors, grown


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
        found = {
            one.name: {
                "cpu_us": {name: one.cpu(name) for name in work},
                "p50_ms": {name: one.asked[name][-1].percentile(0.5) for name in work},
                "p99_ms": {name: one.asked[name][-1].percentile(0.99) for name in work},
            }
            for one in measured
        }
        if only is None:
            for one in measured:
                found[one.name] |= crowds(one, stood_on, visitors) | {"resident_mb": resident_mb(one.pid)}
            if any(grown_to):
                grown(*grown_to)
                for name in ("GET list, kept", "GET list of 20, not kept, each another", "POST booking, free"):
                    for one in measured:
                        after = work[name](one, stood_on)
                        found[one.name].setdefault("grown_times", {})[name] = after.micros(after.web) / one.cpu(name)
    return found


def crowds(one: Contender, stood_on: Behind, visitors: Sequence[str]) -> dict[str, Any]:
    """What is measured once, as it leaves the dinners full."""
    sale = hot_sale(one, stood_on)
    most, journey = mixed(one, stood_on, visitors)
    busy = one.asked["GET list, kept"][-1]
    return {
        "saturated_p99_over_p50": busy.percentile(0.99) / busy.percentile(0.5),
        "sale": {
            "seconds": sale.seconds,
            "cpu_us": sale.micros(sale.web),
            "slowest_ms": sale.percentile(1),
            "statuses": dict(sale.statuses),
        },
        "journey": {
            "saturation_rps": most,
            "cpu_us": journey.micros(journey.web),
            "p50_ms": journey.percentile(0.5),
            "p99_ms": journey.percentile(0.99),
            "slowest_ms": journey.percentile(1),
            "statuses": dict(journey.statuses),
        },
    }


_TIMES = ("p50_ms", "p99_ms", "slowest_ms")


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
    "journey: CPU µs": lambda one: f"{one['journey']['cpu_us']:,.0f}",
    "journey: saturation a second": lambda one: f"{one['journey']['saturation_rps']:,.0f}",
    "journey at 80 %: p50, p99, slowest ms": lambda one: " ".join(
        f"{one['journey'][at]:,.0f}" for at in ("p50_ms", "p99_ms", "slowest_ms")
    ),
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
