"""Who agreed to be found by those who are like them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pymongo.database import Database

from dinnerkit.accounts.documents import UserDocument
from dinnerkit.accounts.rules import TRAITS, Visibility
from dinnerkit.ports.search import Removal
from dinnerkit.ports.search_people import PersonEntry
from dinnerkit.storage import Row, collection

AGREED = {"profile.findable": True, "profile.visibility": str(Visibility.PUBLIC)}
"""What a user's document has as long as they may be found, whoever looks."""

_INDEXED = {"personality.traits": 1, "findability": 1}


class Findable:
    """Reads what an index may know of people."""

    def __init__(self, database: Database[Row]) -> None:
        self._users = collection(database, UserDocument)

    def person(self, user_id: str) -> PersonEntry | Removal | None:
        """The user as an index knows them now, or that it must not; None where there is no such user."""
        row = self._users.find_one({"_id": user_id}, _INDEXED | dict.fromkeys(AGREED, 1))
        if row is None:
            return None
        agreed = row["profile"].get("findable") and row["profile"].get("visibility") == str(Visibility.PUBLIC)
        return _entry(row) if agreed and "traits" in row.get("personality", {}) else Removal(user_id, row.get("findability", 0))

    def everybody(self) -> Iterator[PersonEntry]:
        """All who agreed and have answered the questionnaire."""
        for row in self._users.find({**AGREED, "personality.traits": {"$exists": True}}, _INDEXED):
            yield _entry(row)


def _entry(row: Any) -> PersonEntry:
    traits = row["personality"]["traits"]
    return PersonEntry(row["_id"], row.get("findability", 0), tuple(float(traits[name]) for name in TRAITS))
