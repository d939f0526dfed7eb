"""Leases: one process at a time does what only one shall do."""

from __future__ import annotations

from datetime import timedelta

from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from dinnerkit.clock import Clock
from dinnerkit.delivery.documents import LeaseDocument
from dinnerkit.ids import new_id
from dinnerkit.storage import Row, collection


class Lease:
    """A named right that one holder has until it runs out; what is done under it must still be safe to do twice."""

    def __init__(self, database: Database[Row], name: str, seconds: float, clock: Clock) -> None:
        self._leases = collection(database, LeaseDocument)
        self._name = name
        self._length = timedelta(seconds=seconds)
        self._clock = clock
        self._holder = new_id()

    def hold(self) -> bool:
        """Take the lease, or renew it; whether it is ours now."""
        now = self._clock()
        free = {"_id": self._name, "$or": [{"holder": self._holder}, {"until": {"$lte": now}}]}
        try:
            self._leases.update_one(free, {"$set": {"holder": self._holder, "until": now + self._length}}, upsert=True)
        except DuplicateKeyError:
            return False
        return True

    def release(self) -> None:
        """Let another have it at once."""
        self._leases.delete_one({"_id": self._name, "holder": self._holder})
