"""Bookings made, paid and cancelled over HTTP while everything that serves them is killed: the processes, and MongoDB too.

DINNERKIT_TEST_GUESTS says how many guests there are; the usual 500 take about a minute.
"""

from __future__ import annotations

import os
import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pymongo.database import Database

from dinnerkit import Kit, Settings
from dinnerkit.clock import Clock, utcnow
from dinnerkit.testing import StandingClock, run_background, settings_for_tests
from tests.booking.balance import books_balance
from tests.fire.crowd import Guest, promised
from tests.fire.dinners import host_dinner
from tests.fire.postman import Postman
from tests.fire.serving import Server, kill, sign_in
from tests.mailbox import mails

GUESTS = int(os.environ.get("DINNERKIT_TEST_GUESTS", "500"))
GUESTS_PER_DINNER = 100
SEATS = 80
CONNECTIONS = 16
FEWEST_KILLS = 12
OPTIONS = ("--workers", "2", "--work")


@dataclass(frozen=True)
class Postbox:
    mails: list[tuple[str, str]]


@dataclass(frozen=True)
class Aftermath:
    """What :func:`tests.booking.balance.books_balance` looks at."""

    database: Database[dict[str, Any]]
    clock: Clock
    books: Path
    postbox: Postbox


def test_the_books_balance_after_kills_at_random_moments(tmp_path: Path) -> None:
    settings = settings_for_tests(f"embedded://{tmp_path}", tmp_path, hold_seconds=600)
    chance = random.Random(20261122)
    with Kit.open(Settings(**settings)) as kit:
        dinners = [host_dinner(kit, seats=SEATS) for _ in range(GUESTS // GUESTS_PER_DINNER)]
        tokens = list(sign_in(kit, [f"guest-{number}" for number in range(GUESTS)]).values())
        crowd = [Guest(token, chance.choice(dinners), random.Random(chance.random())) for token in tokens]
        kills = under_fire(settings, tmp_path, crowd, chance)

        outcomes = Counter(guest.outcome for guest in crowd)
        assert kills >= FEWEST_KILLS
        assert outcomes["confirmed"] > GUESTS / 4, outcomes
        assert outcomes["cancelled"] > GUESTS / 20, outcomes

    later = StandingClock(utcnow())
    later.advance(hours=1)
    with Kit.open(Settings(**settings), clock=later) as kit:
        run_background(kit)
        books_balance(Aftermath(kit.database, later, tmp_path / "gateway.db", Postbox(mails(tmp_path / "mail"))))
        promised(kit, crowd)


def under_fire(settings: dict[str, Any], folder: Path, crowd: list[Guest], chance: random.Random) -> int:
    """Let the crowd dine, and kill a process whenever some more are through, MongoDB twice, now and then all others; how often."""
    server = Server(settings, folder, *OPTIONS)
    address, kills, through = server.address, 0, threading.Semaphore(0)
    for guest in crowd:
        guest.patience = max(guest.patience, 2 * server.seconds_to_start)
    with Postman(settings["gateway"], address, chance) as postman, ThreadPoolExecutor(CONNECTIONS) as connections:
        dining = [connections.submit(guest.dine, address) for guest in crowd]
        for done in dining:
            done.add_done_callback(lambda _: through.release())
        left, database_dies_at = len(crowd), [len(crowd) * 2 // 3, len(crowd) // 3]
        while left > 0:
            for _ in range(some := min(left, chance.randint(5, 35))):
                through.acquire()
            left -= some
            threading.Event().wait(chance.uniform(0.0, 0.3))  # a random moment
            kills += 1
            if database_dies_at and left <= database_dies_at[0]:
                database_dies_at.pop(0)
                kill(int((folder / "mongod" / "data" / "mongod.lock").read_text()))
            elif kills % 6 == 0:
                server.kill_everything()
                server = Server(settings, folder, *OPTIONS, bind=address)
            elif tree := server.tree():
                kill(chance.choice(tree))
        for done in dining:
            done.result()
    assert postman.delivered > 0, "no webhook was delivered twice"
    assert postman.refused == 0, "a webhook was refused that the gateway had signed"
    assert server.stop() == 0
    return kills
