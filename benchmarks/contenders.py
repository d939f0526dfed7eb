"""Who is measured: ours and a rival, on the same servers, with the same dinners and visitors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import count, product
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from journey import Asked, Behind, Request, booking, fill, get, ours, settings_of
from live_connections import tokens_of
from rival import Rivals, grow, rival

from dinnerkit import Kit, Settings
from dinnerkit.backends.database import mongodb
from dinnerkit.ids import new_id

CONNECTIONS = 64
VISITORS, EVENTS, BUYERS = 64, 30, 1000
LISTED = "/v1/events?city=Lisbon&limit={}"
CITIES, DINNERS_A_CITY = 30, 30
FAR = 100_000
"""Prices in a row that are not asked for at once."""


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
