"""A small world, and what is known of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pymongo.database import Database

from dinnerkit.demo import Scale, World
from dinnerkit.demo.keys import Keys
from dinnerkit.demo.logbook import Logbook
from dinnerkit.demo.plan import Plan, plan
from dinnerkit.demo.plots import Script, Visit
from dinnerkit.settings import Settings

SMALL = Scale(people=120, cities=2, dinners=4)
TINY = Scale(people=40, cities=1, dinners=2)
SEED = 7

_RANDOM = 14
"""So many of an id's last letters tell nothing of its time."""


@dataclass(frozen=True)
class Made:
    """A world that was made.

    Attributes:
        out: what was printed as its summary.
        err: what was told meanwhile.
    """

    settings: Settings
    folder: Path
    database: Database[dict[str, Any]]
    plan: Plan
    book: Logbook
    world: World
    out: str
    err: str

    def rows(self, collection: str, **query: Any) -> list[dict[str, Any]]:
        return list(self.database[collection].find(query).sort("_id", 1))


def keys(seed: int = SEED, *, day: int = 20) -> Keys:
    return Keys(seed, datetime(2026, 11, day, 12, tzinfo=UTC))


def read_plan(folder: Path) -> tuple[Logbook, Plan]:
    book = Logbook.open(folder, seed=SEED, scale=SMALL)
    return book, plan(book.scale, book.keys)


def all_visits(of: Plan) -> list[tuple[Script, Visit]]:
    return [(script, visit) for script in of.scripts for visit in (*script.visits, *script.waiting)]


def without_time(an_id: str) -> str:
    return an_id[-_RANDOM:]


def state(database: Database[dict[str, Any]]) -> dict[str, Any]:
    """What has come of a world, but for the moments at which it did: the same for every world of the same seed."""
    short = without_time
    return {
        "people": sorted((short(row["_id"]), row["email"], row["role"]) for row in database.users.find()),
        "events": {short(row["_id"]): _event(row) for row in database.events.find()},
        "bookings": {
            short(row["_id"]): (short(row["event"]), short(row["user"]), row["status"], row["guests"], row["amount"], row.get("refund"))
            for row in database.bookings.find()
        },
        "payments": sorted(
            (short(row["reference"]), row["status"], row["amount"], [refund["amount"] for refund in row["refunds"]])
            for row in database.payments.find()
        ),
        "tables": {
            short(row["event"]): [[(short(place["user"]), place["companion"]) for place in table["places"]] for table in row["tables"]]
            for row in database.seatings.find({"status": "published"})
        },
    }


def _event(row: dict[str, Any]) -> tuple[Any, ...]:
    holds = sorted((without_time(hold["user"]), hold["guests"], hold["until"] is None) for hold in row["holds"])
    return row["title"], row["status"], row["seats_left"], holds, [without_time(party["user"]) for party in row["waitlist"]]
