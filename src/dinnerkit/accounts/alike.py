"""Who is like whom, of those who agreed to be found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from heapq import nsmallest
from math import sqrt
from typing import TypeAlias, TypedDict

from pymongo.database import Database

from dinnerkit.accounts.documents import UserDocument
from dinnerkit.accounts.findable import AGREED
from dinnerkit.accounts.rules import TRAITS
from dinnerkit.clock import Clock, utcnow
from dinnerkit.storage import Row, collection

_FARTHEST = sqrt(len(TRAITS))
_REACHES = (0.05, 0.1, 0.15, 0.2, 0.27, 0.36, 0.5, 0.8)
"""How far the boxes reach, one after the other; whoever is farther away than the last is not alike. Each holds at most some eight times
as many as the one before, but for the second, so that not much more is read than needed."""
_MOST_READ, _MOST_MILLISECONDS = 2000, 1000
"""What a box may cost. Where one holds more people, the nearest of so many of them are good enough."""

STEPS = (0.9, 0.8, 0.6)
"""Which similarities are told: the highest step that is reached. Exact ones, asked for with a few made-up answers, would give away
everybody's traits."""

COMPARED_FOR = timedelta(days=1)
"""So long others are compared with the same traits of the asker's, whatever they answer meanwhile, for the same reason."""


Near: TypeAlias = Callable[[Sequence[float], float, int], Sequence[str] | None]
"""The ids of about so many who may be nearest to such traits, and no farther than that; None where that can't be told."""


class AlikePerson(TypedDict):
    """Somebody who agreed to be found; ``similarity`` is the highest of :data:`STEPS` that is reached."""

    name: str
    city: str | None
    languages: list[str]
    interests: list[str]
    similarity: float


class Alike:
    """Looks for the nearest by the five traits.

    Around the one who asks a box is opened, wider each time, and the traits in it are read from one index alone. Once enough of these are
    no farther away than the box reaches, nobody outside can be nearer. What is read is bounded: it ends with those who are not alike, or
    with very many. Whoever changes their mind about being found, or seen, is gone from the index by the same write.

    Args:
        database: where the users are.
        clock: tells the time.
        near: an index of people elsewhere, which is asked first; what it answers is read here before anybody is told. None is no answer.
    """

    def __init__(self, database: Database[Row], clock: Clock = utcnow, near: Near = lambda traits, farthest, limit: None) -> None:
        self._users = collection(database, UserDocument)
        self._clock = clock
        self._near = near

    def nearest(self, user_id: str, limit: int) -> list[AlikePerson]:
        """The most alike, nearest first; nobody where the user has not answered the questionnaire."""
        traits = self._compared(user_id)
        if traits is None:
            return []
        ways = self._ways(user_id, traits, limit)
        rows = {row["_id"]: row for row in self._users.find({"_id": {"$in": list(ways)}, **AGREED}, _SHOWN)}
        return [_shown(rows[one], way) for one, way in ways.items() if one in rows]

    def _compared(self, user_id: str) -> Row | None:
        """The traits that count for the user: those of the latest answers, once the ones before have counted long enough."""
        while True:
            me = self._users.find_one({"_id": user_id, "personality.traits": {"$exists": True}}, {"personality.traits": 1, "compared": 1})
            if me is None:
                return None
            latest, before, now = me["personality"]["traits"], me.get("compared"), self._clock()
            if before and (before["traits"] == latest or now - before["since"] < COMPARED_FOR):
                return dict(before["traits"])
            unchanged = {"_id": user_id, "compared.since": before and before["since"]}
            if self._users.update_one(unchanged, {"$set": {"compared": {"traits": latest, "since": now}}}).matched_count:
                return dict(latest)

    def _ways(self, user_id: str, traits: Row, limit: int) -> dict[str, float]:
        farthest = _REACHES[-1]
        ids = self._near([traits[name] for name in TRAITS], farthest, limit + 1)  # the one who asks may be among them
        known = self._in_boxes(user_id, traits, limit) if ids is None else self._of(ids, traits)
        near = nsmallest(limit, ((way, one) for one, way in known.items() if way <= farthest and one != user_id))
        return {one: way for way, one in near}

    def _of(self, ids: Sequence[str], traits: Row) -> dict[str, float]:
        """How far away those are of these who agree, by what they have answered last."""
        agreed = {"_id": {"$in": list(ids)}, "personality.traits": {"$exists": True}, **AGREED}
        return {row["_id"]: _way(row["personality"]["traits"], traits) for row in self._users.find(agreed, {"personality.traits": 1})}

    def _in_boxes(self, user_id: str, traits: Row, limit: int) -> dict[str, float]:
        known: dict[str, float] = {}
        for reach in _REACHES:
            rows = self._within(reach, traits)
            known |= {row["_id"]: _way(row["personality"]["traits"], traits) for row in rows if row["_id"] != user_id}
            if len(rows) == _MOST_READ or sum(way <= reach for way in known.values()) >= limit:
                break
        return known

    def _within(self, reach: float, traits: Row) -> list[Row]:
        box = {f"personality.traits.{name}": {"$gte": traits[name] - reach, "$lte": traits[name] + reach} for name in TRAITS}
        found = self._users.find({**AGREED, **box}, {"personality.traits": 1}).hint("findable")
        return list(found.limit(_MOST_READ).max_time_ms(_MOST_MILLISECONDS))


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
        "similarity": next(step for step in STEPS if round(1 - way / _FARTHEST, 4) >= step),
    }
