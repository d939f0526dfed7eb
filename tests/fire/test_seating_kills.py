"""A worker is killed while it makes the tables of a large night."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from dinnerkit import Kit, Settings
from dinnerkit.accounts.rules import Personality
from dinnerkit.accounts.service import AccountService, NewUser
from dinnerkit.booking.service import BookingService
from dinnerkit.clock import utcnow
from dinnerkit.delivery.documents import DeliveryDocument
from dinnerkit.ids import new_id
from dinnerkit.matching.computing import SeatingWork
from dinnerkit.matching.documents import SeatingDocument
from dinnerkit.matching.halfway import Kept
from dinnerkit.matching.people.items import TRAITS
from dinnerkit.matching.seating.following import Halfway
from dinnerkit.matching.seatings import Staying, StoredSeating, Wishes
from dinnerkit.matching.service import SeatingService
from dinnerkit.money import Money
from dinnerkit.settings import PREFIX
from dinnerkit.storage import collection
from dinnerkit.testing import settings_for_tests
from tests.fire.dinners import HOST, host_dinner
from tests.waiting import COMPILED, until

GUESTS = 600
SEARCHED_IN_ROUNDS = 620
ROUNDS = 7
PAIRS_KEPT = 3
PRIMES = (2, 3, 5, 7, 11)


def large_night(kit: Kit, guests: int = GUESTS) -> str:
    event = host_dinner(kit, seats=guests, price=Money(0, "EUR"))
    people = [
        NewUser(
            email=f"{number}@example.org",
            name=f"Guest {number}",
            personality=Personality(
                answers={"E1": 3}, traits={trait: (number * prime % 101) / 100 for trait, prime in zip(TRAITS, PRIMES, strict=True)}
            ),
        )
        for number in range(guests)
    ]
    for user in kit.service(AccountService).import_users(people):
        kit.service(BookingService).reserve(user, event, 1, booking_id=new_id())
    return event


@contextmanager
def worker(settings: dict[str, Any], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    variables = {f"{PREFIX}{name.upper()}": str(value) for name, value in settings.items()}
    with log.open("ab") as file:
        process = subprocess.Popen([sys.executable, "-m", "dinnerkit", "work"], env=os.environ | variables, stdout=file, stderr=file)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def tables(seating: StoredSeating) -> list[set[str]]:
    return [{place.booking for place in table.places} for table in seating.tables]


def test_another_worker_makes_the_same_tables(new_database_url: str, tmp_path: Path) -> None:
    settings = settings_for_tests(new_database_url, tmp_path)
    with Kit.open(Settings(**settings)) as kit:
        seatings, deliveries = kit.service(SeatingService), collection(kit.database, DeliveryDocument)
        event = large_night(kit)
        asked, alike = (seatings.request(HOST, event, seating_id=new_id(), wishes=Wishes(seed=5)) for _ in range(2))
        of_asked = {"handler": "matching.compute", "data.seating_id": asked.id}

        with worker(settings, tmp_path / "first.log") as first:
            until(lambda: deliveries.find_one(of_asked | {"state": "running"}), "a worker at work")
            first.kill()
        assert seatings.get(HOST, event, asked.id).status == "queued"
        # As if its lease had run out, which takes a minute.
        deliveries.update_many({"state": "running"}, {"$set": {"not_before": utcnow(), "due_at": utcnow()}})
        with worker(settings, tmp_path / "second.log"):
            until(lambda: seatings.get(HOST, event, asked.id).status == "done", "the tables", COMPILED)

        kit.service(SeatingWork).compute(alike.id)
        assert tables(seatings.get(HOST, event, asked.id)) == tables(seatings.get(HOST, event, alike.id))
        assert deliveries.find_one(of_asked)["attempts"] == 2  # type: ignore[index]


KILLED_HALFWAY = """
import os, signal, sys
from dinnerkit import Kit, Settings
from dinnerkit.matching import computing, halfway
from dinnerkit.matching.computing import SeatingWork

halfway._SECONDS = 0.0
noted = halfway.Kept.__call__

def note(self, where):
    noted(self, where)
    if where.rounds == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)

halfway.Kept.__call__ = note
with Kit.open(Settings.load()) as kit:
    kit.service(SeatingWork).compute(sys.argv[1])
"""


def test_another_worker_goes_on_where_the_killed_one_was(new_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_for_tests(new_database_url, tmp_path)
    variables = os.environ | {f"{PREFIX}{name.upper()}": str(value) for name, value in settings.items()}
    with Kit.open(Settings(**settings)) as kit:
        seatings, rows = kit.service(SeatingService), collection(kit.database, SeatingDocument)
        event = large_night(kit, SEARCHED_IN_ROUNDS)
        first = seatings.request(HOST, event, seating_id=new_id())
        kit.service(SeatingWork).compute(first.id)
        pairs = [{place.guest_id for place in table.places[:2]} for table in seatings.get(HOST, event, first.id).tables[:PAIRS_KEPT]]
        wishes = Wishes(seed=5, keep=Staying(first.id, guests=frozenset().union(*pairs)))
        asked, alike, changed, freed = (seatings.request(HOST, event, seating_id=new_id(), wishes=wishes) for _ in range(4))
        killed = subprocess.run([sys.executable, "-c", KILLED_HALFWAY, asked.id, str(ROUNDS)], env=variables, check=False)
        assert killed.returncode == -signal.SIGKILL
        kept = rows.find_one({"_id": asked.id})["halfway"]  # type: ignore[index]
        assert kept["rounds"] == ROUNDS
        rows.update_one({"_id": changed.id}, {"$set": {"halfway": kept | {"inputs": "of other guests"}}})
        rows.update_one({"_id": freed.id}, {"$set": {"halfway": kept, "locked_guests": []}})

        rounds: list[list[int]] = []
        noted = Kept.__call__

        def note(self: Kept, where: Halfway) -> None:
            rounds[-1].append(where.rounds)
            noted(self, where)

        monkeypatch.setattr(Kept, "__call__", note)
        for seating in (asked, alike, changed, freed):
            rounds.append([])
            kit.service(SeatingWork).compute(seating.id)
        last = rounds[1][-1]
        assert rounds[:3] == [list(range(ROUNDS + 1, last + 1)), list(range(1, last + 1)), list(range(1, last + 1))]
        assert rounds[3][0] == 1, "what was noted was of those who keep their company"
        done = seatings.get(HOST, event, asked.id)
        assert done.score is not None
        assert done.score > kept["score"] - 1  # lifting the worst tables at the end costs the others a little
        assert [[pair & table for table in tables(done) if pair & table] for pair in pairs] == [[pair] for pair in pairs]
        assert tables(done) == tables(seatings.get(HOST, event, alike.id)) == tables(seatings.get(HOST, event, changed.id))
        assert not {"halfway", "best"} & rows.find_one({"_id": asked.id}).keys()  # type: ignore[union-attr]
