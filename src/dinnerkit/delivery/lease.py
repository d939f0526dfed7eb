"""Leases: one process at a time does what only one shall do."""

from __future__ import annotations

from typing import Any

from pymongo import ReturnDocument
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from dinnerkit.clock import Clock
from dinnerkit.delivery.documents import LeaseDocument
from dinnerkit.ids import new_id
from dinnerkit.storage import Row, collection


class Lease:
    """A named right that one holder has until it runs out; what is done under it must still be safe to do twice.

    Args:
        database: where it is kept.
        name: of the right.
        seconds: how long it is had.
        clock: tells until when. Without one it is the database's, which is the same for all, so that no machine's own clock matters.
    """

    def __init__(self, database: Database[Row], name: str, seconds: float, clock: Clock | None = None) -> None:
        self._leases = collection(database, LeaseDocument)
        self._name = name
        self._milliseconds = int(seconds * 1000)
        self._clock = clock
        self._holder = new_id()

    def hold(self) -> bool:
        """Take the lease, or renew it; whether it is ours now."""
        now: Any = "$$NOW" if self._clock is None else self._clock()
        free = {"$or": [{"$eq": ["$holder", self._holder]}, {"$lte": [{"$ifNull": ["$until", now]}, now]}]}
        ours = {"holder": self._holder, "until": {"$add": [now, self._milliseconds]}}
        taken = [{"$set": {name: {"$cond": [free, value, f"${name}"]} for name, value in ours.items()}}]
        try:
            row = self._leases.find_one_and_update({"_id": self._name}, taken, upsert=True, return_document=ReturnDocument.AFTER)
        except DuplicateKeyError:  # somebody else has made it just now
            return False
        return row is not None and bool(row["holder"] == self._holder)

    def release(self) -> None:
        """Let another have it at once."""
        self._leases.delete_one({"_id": self._name, "holder": self._holder})
