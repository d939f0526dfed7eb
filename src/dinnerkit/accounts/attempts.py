"""Limits on how often something is tried on one account, whatever the address it is tried from."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import cast

from pymongo import ReturnDocument
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from dinnerkit.accounts.documents import AttemptDocument
from dinnerkit.accounts.errors import TooManyAttempts
from dinnerkit.accounts.secrecy import Keys
from dinnerkit.clock import Clock
from dinnerkit.storage import Row, collection

REMEMBERED = timedelta(days=90)
"""How long after they have signed in somebody is remembered to have."""


@dataclass(frozen=True, slots=True)
class AttemptLimit:
    """So many times in a window that begins with the first."""

    name: str
    most: int
    window: timedelta


@dataclass(frozen=True, slots=True)
class Tried:
    """The attempts in the present window, and what :meth:`Attempts.remember` has noted with them."""

    count: int
    user: str | None = None
    password: str | None = field(default=None, repr=False)


class Attempts:
    """Counts attempts, of accounts that exist and of those that don't alike.

    After the last allowed attempt the account waits until the window is over, at the longest; it is never locked for good. Who knows only
    the address can keep its owner from signing in anew for as long as they keep trying; sessions go on meanwhile, and a new password by
    mail clears the count.
    """

    def __init__(self, database: Database[Row], keys: Keys, clock: Clock) -> None:
        self._attempts = collection(database, AttemptDocument)
        self._keys = keys
        self._clock = clock

    def count(self, limit: AttemptLimit, subject: str) -> Tried:
        """Count one attempt, before it is made; how many there are then.

        Raises:
            TooManyAttempts: it is one too many.
        """
        now = self._clock()
        row = self._counted(limit, subject, now)
        if row["count"] > limit.most:
            wait = max(1, math.ceil((row["until"] - now).total_seconds()))
            raise TooManyAttempts("That was tried too often; wait a while.", retry_after=wait)
        return Tried(row["count"], row.get("user"), row.get("password"))

    def made(self, limit: AttemptLimit, subject: str) -> int:
        """How many attempts are counted now."""
        row = self._attempts.find_one({"_id": self._id(limit, subject)}, {"count": 1, "until": 1, "expires_at": 1})
        return int(row["count"]) if row is not None and (row.get("until") or row["expires_at"]) > self._clock() else 0

    def remember(self, limit: AttemptLimit, subject: str, tried: Tried, *, user: str, password: str) -> None:
        """It worked, so forget the attempts before it; note who it was and the hash of the password, for the next time.

        Both may be outdated by then, so they are a hint, and no more. Where there was no attempt before, the one that worked counts for the
        rest of its window, which leaves less to guess with.
        """
        noted: Row = {"user": user, "password": password, "expires_at": self._clock() + REMEMBERED}
        if tried.count > 1:
            noted["count"] = 0
        self._attempts.update_one({"_id": self._id(limit, subject)}, {"$set": noted})

    def clear(self, limit: AttemptLimit, subject: str) -> None:
        """Forget the attempts, and what was noted with them."""
        self._attempts.delete_one({"_id": self._id(limit, subject)})

    def _counted(self, limit: AttemptLimit, subject: str, now: datetime) -> Row:
        end = {"$ifNull": ["$until", "$expires_at"]}  # documents of an earlier version have no other
        runs, ends = {"$gt": [end, now]}, now + limit.window
        counted = {
            "count": {"$cond": [runs, {"$add": ["$count", 1]}, 1]},
            "until": {"$cond": [runs, end, ends]},
            "expires_at": {"$max": ["$expires_at", ends]},
        }
        query, update = {"_id": self._id(limit, subject)}, [{"$set": counted}]
        try:
            return self._count(query, update)
        except DuplicateKeyError:  # two first attempts at once: by now there is a count
            return self._count(query, update)

    def _count(self, query: Row, update: list[Row]) -> Row:
        return cast("Row", self._attempts.find_one_and_update(query, update, upsert=True, return_document=ReturnDocument.AFTER))

    def _id(self, limit: AttemptLimit, subject: str) -> str:
        return self._keys.mark("attempts", f"{limit.name}:{subject}")
