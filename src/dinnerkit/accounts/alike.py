"""Who is like whom, of those who let everyone see their profile."""

from __future__ import annotations

from math import sqrt
from typing import TypedDict

from pymongo.database import Database

from dinnerkit.accounts.documents import UserDocument
from dinnerkit.accounts.rules import TRAITS, Visibility
from dinnerkit.storage import Row, collection

_FARTHEST = sqrt(len(TRAITS))
_FIRST_REACH = 0.05


class AlikePerson(TypedDict):
    """Somebody who may be shown to everyone; ``similarity`` is 1 for the same in all traits, and 0 for the opposite."""

    name: str
    city: str | None
    languages: list[str]
    interests: list[str]
    similarity: float


class Alike:
    """Looks for the nearest by the five traits.

    Around the one who asks a box is opened, twice as wide each time, and the traits in it are read from one index alone. Once enough of
    these are no farther away than the box reaches, nobody outside can be nearer. Whoever changes their mind about being seen is gone from
    the index by the same write.
    """

    def __init__(self, database: Database[Row]) -> None:
        self._users = collection(database, UserDocument)

    def nearest(self, user_id: str, limit: int) -> list[AlikePerson]:
        """The most alike, nearest first; nobody where the user has not answered the questionnaire."""
        me = self._users.find_one({"_id": user_id, "personality.traits": {"$exists": True}}, {"personality.traits": 1})
        if me is None:
            return []
        ways = self._ways(user_id, me["personality"]["traits"], limit)
        rows = {row["_id"]: row for row in self._users.find({"_id": {"$in": list(ways)}, **_AGREED}, _SHOWN)}
        return [_shown(rows[one], way) for one, way in ways.items() if one in rows]

    def _ways(self, user_id: str, traits: Row, limit: int) -> dict[str, float]:
        reach = _FIRST_REACH
        while True:
            box = {f"personality.traits.{name}": {"$gte": traits[name] - reach, "$lte": traits[name] + reach} for name in TRAITS}
            rows = self._users.find({**_AGREED, **box}, {"personality.traits": 1}).hint("alike")
            near = sorted((_way(row["personality"]["traits"], traits), row["_id"]) for row in rows if row["_id"] != user_id)
            inside = [(way, one) for way, one in near if way <= reach][:limit]
            if len(inside) == limit or reach >= _FARTHEST:
                return {one: way for way, one in near[:limit]}
            reach *= 2


_AGREED = {"profile.visibility": str(Visibility.PUBLIC)}
_SHOWN = {"name": 1, "profile.city": 1, "profile.languages": 1, "profile.interests": 1}


def _way(one: Row, other: Row) -> float:
    return sqrt(sum((one[name] - other[name]) ** 2 for name in TRAITS))


def _shown(row: Row, way: float) -> AlikePerson:
    profile = row["profile"]
    return {
        "name": row["name"].split()[0],
        "city": profile.get("city"),
        "languages": profile.get("languages", []),
        "interests": profile.get("interests", []),
        "similarity": round(1 - way / _FARTHEST, 4),
    }
