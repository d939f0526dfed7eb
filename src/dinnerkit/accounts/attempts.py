"""Limits on how often something is tried on one account, whatever the address it is tried from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import cast

from pymongo import ReturnDocument
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from dinnerkit.accounts.documents import AttemptDocument
from dinnerkit.accounts.errors import TooManyAttempts
from dinnerkit.accounts.secrecy import Keys
from dinnerkit.clock import Clock
from dinnerkit.storage import Row, collection


@dataclass(frozen=True, slots=True)
class AttemptLimit:
    """So many times in a window that begins with the first."""

    name: str
    most: int
    window: timedelta


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

    def count(self, limit: AttemptLimit, subject: str) -> int:
        """Count one attempt, before it is made; how many there are then.

        Raises:
            TooManyAttempts: it is one too many.
        """
        now = self._clock()
        row = self._counted(limit, subject)
        if row["expires_at"] <= now:
            self._attempts.delete_one({"_id": row["_id"], "expires_at": row["expires_at"]})
            row = self._counted(limit, subject)
        if row["count"] > limit.most:
            wait = max(1, math.ceil((row["expires_at"] - now).total_seconds()))
            raise TooManyAttempts("That was tried too often; wait a while.", retry_after=wait)
        return int(row["count"])

    def made(self, limit: AttemptLimit, subject: str) -> int:
        """How many attempts are counted now."""
        row = self._attempts.find_one({"_id": self._id(limit, subject), "expires_at": {"$gt": self._clock()}}, {"count": 1})
        return int(row["count"]) if row else 0

    def clear(self, limit: AttemptLimit, subject: str) -> None:
        """Forget the attempts: it worked."""
        self._attempts.delete_one({"_id": self._id(limit, subject)})

    def _counted(self, limit: AttemptLimit, subject: str) -> Row:
        update = {"$inc": {"count": 1}, "$setOnInsert": {"expires_at": self._clock() + limit.window}}
        query = {"_id": self._id(limit, subject)}
        try:
            return self._count(query, update)
        except DuplicateKeyError:  # two first attempts at once: by now there is a count
            return self._count(query, update)

    def _count(self, query: Row, update: Row) -> Row:
        return cast("Row", self._attempts.find_one_and_update(query, update, upsert=True, return_document=ReturnDocument.AFTER))

    def _id(self, limit: AttemptLimit, subject: str) -> str:
        return self._keys.mark("attempts", f"{limit.name}:{subject}")
