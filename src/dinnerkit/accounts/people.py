"""Users as other domains see them: what they told about themselves, many at a time."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from pymongo.database import Database

from dinnerkit.accounts.documents import UserDocument
from dinnerkit.identity import Role
from dinnerkit.storage import Row, collection

_SINGLE = ("birth_year", "gender", "city", "budget", "visibility", "reminders")
_FIELDS = ("name", "email", "profile", "personality.traits")


@dataclass(frozen=True, slots=True)
class Person:
    """A user's name, address, profile, and personality (empty where the questionnaire was not answered)."""

    id: str
    name: str
    email: str
    birth_year: int | None = None
    gender: str | None = None
    languages: tuple[str, ...] = ()
    diets: tuple[str, ...] = ()
    interests: tuple[str, ...] = ()
    city: str | None = None
    budget: str | None = None
    visibility: str = "private"
    reminders: bool = True
    traits: Mapping[str, float] = field(default_factory=dict)

    @property
    def first_name(self) -> str:
        """What table companions call the person."""
        return self.name.split()[0]


class People:
    """Reads users for seating, hosts and mails."""

    def __init__(self, database: Database[Row]) -> None:
        self._users = collection(database, UserDocument)

    def find(self, user_ids: Collection[str]) -> dict[str, Person]:
        """The users that exist, by id."""
        rows = self._users.find({"_id": {"$in": list(user_ids)}}, _FIELDS)
        return {row["_id"]: _person(row) for row in rows}

    def contact(self, user_id: str) -> Person | None:
        """Where to reach the user, or None where they are gone."""
        return self.find([user_id]).get(user_id)

    def admins(self) -> list[Person]:
        """Those who are told what a person must look into."""
        return [_person(row) for row in self._users.find({"role": str(Role.ADMIN)}, _FIELDS).sort("_id", 1)]


def _person(row: Row) -> Person:
    profile: dict[str, Any] = row["profile"]
    lists: dict[str, Any] = {name: tuple(profile.get(name, ())) for name in ("languages", "diets", "interests")}
    single = {
        name: profile[name]
        for name in ("birth_year", "gender", "city", "budget", "visibility", "reminders")
        if profile.get(name) is not None
    }
    traits = row.get("personality", {}).get("traits", {})
    return Person(id=row["_id"], name=row["name"], email=row["email"], traits=traits, **lists, **single)
