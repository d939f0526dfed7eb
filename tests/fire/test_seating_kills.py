"""A worker is killed while it makes the tables of a large night."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dinnerkit import Kit, Settings
from dinnerkit.accounts.rules import Personality
from dinnerkit.accounts.service import AccountService, NewUser
from dinnerkit.booking.service import BookingService
from dinnerkit.clock import utcnow
from dinnerkit.delivery.documents import DeliveryDocument
from dinnerkit.ids import new_id
from dinnerkit.matching.computing import SeatingWork
from dinnerkit.matching.people.items import TRAITS
from dinnerkit.matching.seatings import StoredSeating, Wishes
from dinnerkit.matching.service import SeatingService
from dinnerkit.money import Money
from dinnerkit.settings import PREFIX
from dinnerkit.storage import collection
from dinnerkit.testing import settings_for_tests
from tests.fire.dinners import HOST, host_dinner
from tests.serving.processes import until

GUESTS = 600
PRIMES = (2, 3, 5, 7, 11)


def large_night(kit: Kit) -> str:
    event = host_dinner(kit, seats=GUESTS, price=Money(0, "EUR"))
    people = [
        NewUser(
            email=f"{number}@example.org",
            name=f"Guest {number}",
            personality=Personality(
                answers={"E1": 3}, traits={trait: (number * prime % 101) / 100 for trait, prime in zip(TRAITS, PRIMES, strict=True)}
            ),
        )
        for number in range(GUESTS)
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


def test_another_worker_makes_the_same_tables(database_url: str, tmp_path: Path) -> None:
    settings = settings_for_tests(database_url, tmp_path)
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
            until(lambda: seatings.get(HOST, event, asked.id).status == "done", "the tables")

        kit.service(SeatingWork).compute(alike.id)
        assert tables(seatings.get(HOST, event, asked.id)) == tables(seatings.get(HOST, event, alike.id))
        assert deliveries.find_one(of_asked)["attempts"] == 2  # type: ignore[index]
