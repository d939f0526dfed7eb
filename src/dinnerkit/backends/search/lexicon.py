"""What the index's entries are made of, each once: the words by which slips are forgiven, and the phrases that are suggested."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pymongo import IndexModel
from pymongo.collection import Collection

from dinnerkit.storage import Row, insert_missing

DOOMED = "doomed"
"""Marks an entry that goes unless somebody needs it meanwhile."""

_MANY = 2000


class Lexicon:
    """A collection of terms, kept as complete as the entries that use them, and not much larger.

    The order of steps makes it safe: an entry is written before its terms are learned, and a term is dropped in three steps: mark, look
    again whether any entry uses it, drop what still has the mark. Learning takes the mark away.

    Args:
        rows: the terms, by ``_id``.
        entries: the collection of those who use them.
        member: in which array of an entry its terms are.
        indexes: of ``rows``.
    """

    def __init__(self, rows: Collection[Row], entries: str, member: str, indexes: Sequence[IndexModel]) -> None:
        self.rows = rows
        self._entries = entries
        self._member = member
        self._indexes = indexes

    def ensure_indexes(self) -> None:
        """Make the indexes that are missing."""
        self.rows.create_indexes(list(self._indexes))

    def learn(self, terms: Iterable[Row]) -> None:
        """Have these terms, whatever was to become of them."""
        wanted = {term["_id"]: term for term in terms}
        keys = list(wanted)
        for at in range(0, len(keys), _MANY):
            part = keys[at : at + _MANY]
            self.rows.update_many({"_id": {"$in": part}, DOOMED: {"$exists": True}}, {"$unset": {DOOMED: 1}})
            known = {row["_id"] for row in self.rows.find({"_id": {"$in": part}}, {"_id": 1})}
            if missing := [wanted[key] for key in part if key not in known]:
                insert_missing(self.rows, missing)

    def drop_unused(self, keys: Iterable[str], token: str) -> None:
        """Forget those of these terms that no entry uses any more."""
        unique = list(dict.fromkeys(keys))
        for at in range(0, len(unique), _MANY):
            unused = self._unused(unique[at : at + _MANY])
            if not unused:
                continue
            self.rows.update_many({"_id": {"$in": unused}}, {"$set": {DOOMED: token}})
            self.rows.delete_many({"_id": {"$in": self._unused(unused)}, DOOMED: token})

    def doom_all(self, token: str) -> None:
        """Mark everything; what nobody learns anew is dropped by :meth:`drop_doomed`."""
        self.rows.update_many({}, {"$set": {DOOMED: token}})

    def drop_doomed(self, token: str) -> None:
        """Forget what still has the mark."""
        self.rows.delete_many({DOOMED: token})

    def used(self) -> list[dict[str, Any]]:
        """Pipeline stages that leave only terms which some entry uses."""
        return [self._lookup(), {"$match": {"used": {"$ne": []}}}]

    def _unused(self, keys: Sequence[str]) -> list[str]:
        stages = [{"$match": {"_id": {"$in": list(keys)}}}, self._lookup(), {"$match": {"used": []}}, {"$project": {"_id": 1}}]
        return [row["_id"] for row in self.rows.aggregate(stages)]

    def _lookup(self) -> dict[str, Any]:
        one = [{"$limit": 1}, {"$project": {"_id": 1}}]
        return {"$lookup": {"from": self._entries, "localField": "_id", "foreignField": self._member, "pipeline": one, "as": "used"}}
