"""Who has which e-mail address: a document for each, whose id is the address, so that it has one holder.

An index of the users that is unique would say the same, but not where users are spread over shards, each of which looks after its own.
An address is taken before its user is made. Where a process dies in between, nobody has the address, and after a while somebody else may
take it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from dinnerkit.accounts.documents import AddressDocument, UserDocument
from dinnerkit.clock import Clock
from dinnerkit.storage import Row, collection, insert, insert_missing

_ABANDONED = timedelta(minutes=10)
"""How long a user is waited for whose address was taken; no request takes so long."""

_BATCH = 1000


class Addresses:
    """Takes addresses and gives them back, by their keys, in which all spellings are one."""

    def __init__(self, database: Database[Row], clock: Clock) -> None:
        self._database = database
        self._addresses = collection(database, AddressDocument)
        self._users = collection(database, UserDocument)
        self._clock = clock

    def holder(self, key: str) -> str | None:
        """The id of the user who has the address, or is being made with it."""
        row = self._addresses.find_one({"_id": key}, {"user": 1})
        return row["user"] if row else None

    def user(self, key: str, fields: Mapping[str, object]) -> Row | None:
        """These fields of the user who has the address. Where nobody has, that takes as long to find out."""
        return self._users.find_one({"_id": self.holder(key), "email_key": key}, fields)

    def take(self, key: str, user_id: str) -> str:
        """Take the address for a user; the id of the one who has it then, who may be another."""
        try:
            insert(self._database, AddressDocument(id=key, user=user_id, taken_at=self._clock()))
        except DuplicateKeyError:
            return self._contest(key, user_id)
        return user_id

    def take_many(self, users: Mapping[str, str]) -> dict[str, str]:
        """The same for many, given by address; those whose address another has, with that one."""
        now = self._clock()
        insert_missing(self._addresses, [{"_id": key, "user": user, "taken_at": now} for key, user in users.items()])
        rows = self._addresses.find({"_id": {"$in": list(users)}}, {"user": 1})
        rivals = {row["_id"]: row["user"] for row in rows if row["user"] != users[row["_id"]]}
        return {key: holder for key in rivals if (holder := self._contest(key, users[key])) != users[key]}

    def give_back(self, key: str, user_id: str) -> None:
        """Let others take an address that the user has no more."""
        self._addresses.delete_one({"_id": key, "user": user_id})

    def complete(self) -> None:
        """Take the addresses of users of an earlier version, which had none of these documents. The first user's comes last, and tells."""
        first = self._users.find_one({}, {"email_key": 1}, sort=[("_id", 1)])
        if first is None or self.holder(first["email_key"]) is not None:
            return
        batch: dict[str, str] = {}
        for row in self._users.find({}, {"email_key": 1}).sort("_id", -1):
            batch[row["email_key"]] = row["_id"]
            if len(batch) == _BATCH:
                self.take_many(batch)
                batch = {}
        self.take_many(batch)

    def _contest(self, key: str, user_id: str) -> str:
        """Take the address from whoever has not become its user in time; the holder then."""
        row = self._addresses.find_one({"_id": key})
        if row is None:
            return self.take(key, user_id)
        holder: str = row["user"]
        if holder == user_id or row["taken_at"] > self._clock() - _ABANDONED:
            return holder
        if self._users.find_one({"_id": holder, "email_key": key}, {"_id": 1}) is not None:
            return holder
        mine = {"$set": {"user": user_id, "taken_at": self._clock()}}
        taken = self._addresses.update_one({"_id": key, "user": holder, "taken_at": row["taken_at"]}, mine).matched_count
        return user_id if taken else self._contest(key, user_id)
