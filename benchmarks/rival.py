"""Another server of the same journey, to be measured in turn with ours: how it is started and filled. README.md says what it must do."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
from bson import ObjectId
from journey import Behind
from pymongo import MongoClient
from pymongo.database import Database
from serving_cpu import SECRET, free_port, started

DATABASE = "rival"
_SHOWN = ("title", "description", "city", "cuisine")


@contextmanager
def rival(folder: Path, stood_on: Behind) -> Iterator[tuple[int, int]]:
    """The rival in that folder as (pid, port), once it answers."""
    port = free_port()
    environ = os.environ | {
        "NODE_ENV": "production",
        "PORT": str(port),
        "WORKERS": "1",
        "MONGO_URL": _url(stood_on),
        "REDIS_URL": f"redis://127.0.0.1:{stood_on.redis_port}/5",
        "JWT_SECRET": SECRET,
    }
    with started(str(folder), ["node", "server.js"], port, environ, cwd=folder, stdout=subprocess.DEVNULL) as pid:
        yield pid, port


def _url(stood_on: Behind) -> str:
    """The database's URL with the rival's own name in it."""
    address, _, rest = stood_on.database_url.rpartition("/")
    query = rest.partition("?")[2]
    return f"{address}/{DATABASE}?{query}&authSource=admin" if "authSource" not in query else f"{address}/{DATABASE}?{query}"


class Rivals:
    """The rival's data, copied from ours: the same texts, prices, places and password hashes."""

    def __init__(self, stood_on: Behind, ours: Database[dict[str, Any]]) -> None:
        self._database: Database[dict[str, Any]] = MongoClient(_url(stood_on)).get_database(DATABASE)
        self._ours = ours

    def copy_events(self) -> list[str]:
        """All of our events; their new ids."""
        made = [_event(event) for event in self._ours["events"].find().sort("starts_at")]
        self._database["events"].insert_many(made)
        return [str(event["_id"]) for event in made]

    def copy_users(self, addresses: Sequence[str]) -> list[str]:
        """Ours of those addresses; a token of each."""
        made = [
            {"_id": ObjectId(), "email": user["email"], "name": user["name"], "city": "Lisbon", "passwordHash": user["password"]}
            for user in self._ours["users"].find({"email": {"$in": list(addresses)}})
        ]
        self._database["users"].insert_many(made)
        return [_token(user["_id"]) for user in made]

    def tokens(self, count: int) -> list[str]:
        """Tokens of so many others, whom nothing but their bookings is known of."""
        return [_token(ObjectId()) for _ in range(count)]

    def grow_events(self, events: int, city: Callable[[int], str]) -> None:
        """So many more events, each in the city for its number."""
        grow(self._database, "events", events, lambda number: {"_id": ObjectId(), "city": city(number)})

    def grow_bookings(self, bookings: int) -> None:
        """So many bookings of people who are not here."""
        grow(self._database, "bookings", bookings, lambda _: {"_id": ObjectId(), "userId": ObjectId(), "eventId": ObjectId()})


def _event(event: Mapping[str, Any]) -> dict[str, Any]:
    """One of our events as the rival has it."""
    at = {"type": "Point", "coordinates": [-9.144, 38.7139]}
    return {name: event[name] for name in _SHOWN} | {
        "_id": ObjectId(),
        "startsAt": event["starts_at"],
        "priceCents": 0,
        "currency": "EUR",
        "seats": event["seats"],
        "seatsTaken": 0,
        "venue": {"name": "Tasca do Zé", "address": "Rua da Rosa 1", "location": at},
        "tags": [],
        "host": event["host"],
    }


def _token(user: Any) -> str:
    return jwt.encode({"sub": str(user), "exp": datetime.now(UTC) + timedelta(hours=1)}, SECRET, "HS256")


def grow(database: Database[dict[str, Any]], name: str, count: int, other: Any) -> None:
    """Copies of one document of a collection, each with other values of some fields."""
    pattern: Mapping[str, Any] = database[name].find_one() or {}
    for start in range(0, count, 5000):
        database[name].insert_many([{**pattern, **other(number)} for number in range(start, min(start + 5000, count))], ordered=False)
