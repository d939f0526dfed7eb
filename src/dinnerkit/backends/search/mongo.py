"""The index in MongoDB: entries with their words in one collection, all words and all phrases in two more."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, ClassVar, TypeAlias

import pymongo
from pymongo import ASCENDING, GEOSPHERE, IndexModel, ReplaceOne
from pymongo.database import Database
from pymongo.errors import BulkWriteError, PyMongoError

from dinnerkit.backends.database import MongoDatabase
from dinnerkit.backends.search.asking import CURSORS, FACETS, KEYS, Wanted, beginning, counts, order_of, page
from dinnerkit.backends.search.lexicon import Lexicon
from dinnerkit.backends.search.rows import NAME, TITLE, phrases, stored, terms
from dinnerkit.backends.search.wanting import wanted
from dinnerkit.clock import utcnow
from dinnerkit.errors import SettingError, Unavailable
from dinnerkit.http.paging import BadCursor, decode_cursor, encode_cursor
from dinnerkit.ids import new_id
from dinnerkit.ports.contracts import built_for
from dinnerkit.ports.search import (
    LONGEST_TEXT,
    MOST_AT_ONCE,
    MOST_HITS,
    MOST_SUGGESTIONS,
    Criteria,
    EventEntry,
    Found,
    Hit,
    Removal,
    Search,
    SearchTooSlow,
)
from dinnerkit.ports.search_words import LONGEST_TERM, words_of
from dinnerkit.ports.urls import parse_url
from dinnerkit.storage import Row

ENTRIES, WORDS, PHRASES, STATE = "search_events", "search_words", "search_phrases", "search_state"
FORM = 1
"""Rises when entries are stored in another form, so that they are all written anew."""

QUARTER_SECOND = 250
"""In milliseconds: how long a search may take unless the URL says otherwise."""

_ASKING = 0.8
"""The part of the time that a question may take; what is left is for finding out whether the database is there at all."""

_WRITE_SECONDS = 30.0
_REBUILD_BATCH = 100
_REMEMBERED = timedelta(days=7)
_TAKEN = 11_000
_CANDIDATES = 50

INDEXES = (
    IndexModel([("terms", ASCENDING)], name="terms"),
    IndexModel([("phrases", ASCENDING)], name="phrases"),
    IndexModel([("starts_at", ASCENDING), ("_id", ASCENDING)], name="start"),
    IndexModel([("city_key", ASCENDING), ("starts_at", ASCENDING), ("_id", ASCENDING)], name="city"),
    IndexModel([("cuisine_key", ASCENDING), ("starts_at", ASCENDING), ("_id", ASCENDING)], name="cuisine"),
    IndexModel([("price", ASCENDING), ("starts_at", ASCENDING), ("_id", ASCENDING)], name="price"),
    IndexModel([("tag_keys", ASCENDING)], name="tags"),
    IndexModel([("place", GEOSPHERE)], name="place"),
    IndexModel([("removed_at", ASCENDING)], name="removed", expireAfterSeconds=int(_REMEMBERED.total_seconds())),
)

_Database: TypeAlias = Database[dict[str, Any]]


class SearchUnavailable(Unavailable):
    """The index can't be reached, or gave no answer in time."""

    code: ClassVar[str] = "search_unavailable"


class MongoSearch:
    """Writes and asks the index. The tolerance of slips is that of SymSpell: what both words become by leaving out letters is compared."""

    facets = True
    tolerant = True
    distances = True

    def __init__(self, timeout_ms: int = QUARTER_SECOND) -> None:
        self._seconds = timeout_ms / 1000
        self._database: _Database | None = None
        self._indexed = False

    def put(self, entries: Sequence[EventEntry]) -> None:
        """Make these events be found as they are now."""
        if len(entries) > MOST_AT_ONCE:
            raise ValueError(f"at most {MOST_AT_ONCE} entries at once, not {len(entries)}")
        newest: dict[str, EventEntry] = {}
        for entry in entries:
            if entry.id not in newest or newest[entry.id].version <= entry.version:
                newest[entry.id] = entry
        with self._writing():
            if newest:
                self._put(list(newest.values()))

    def remove(self, removals: Sequence[Removal]) -> None:
        """Make these events be found no more, now and when an older version comes."""
        if len(removals) > MOST_AT_ONCE:
            raise ValueError(f"at most {MOST_AT_ONCE} removals at once, not {len(removals)}")
        newest: dict[str, Removal] = {}
        for removal in removals:
            if removal.id not in newest or newest[removal.id].version < removal.version:
                newest[removal.id] = removal
        with self._writing() as entries:
            before = self._members(entries, {"_id": {"$in": list(newest)}})
            now = utcnow()
            self._replace(
                ReplaceOne(
                    {"_id": removal.id, "version": {"$lte": removal.version}},
                    {"_id": removal.id, "version": removal.version, "removed_at": now},
                    upsert=True,
                )
                for removal in newest.values()
            )
            self._drop_unused(before)

    def expire(self, before: datetime) -> int:
        """Drop the entries that start before that moment."""
        dropped = 0
        with self._writing() as entries:
            while rows := list(entries.find({"starts_at": {"$lt": before}}, {"terms": 1, "phrases": 1}, limit=MOST_AT_ONCE)):
                gone = {"_id": {"$in": [row["_id"] for row in rows]}, "starts_at": {"$lt": before}}
                dropped += entries.delete_many(gone).deleted_count
                self._drop_unused(rows)
        return dropped

    def find(self, criteria: Criteria, limit: int, after: str | None = None) -> Found:
        """A page of the events that meet the criteria."""
        if not 1 <= limit <= MOST_HITS:
            raise ValueError(f"limit is from 1 to {MOST_HITS}, not {limit}")
        ends = time.monotonic() + self._seconds
        with self._reading() as data:
            words = self._wanted(_checked(criteria.text))
            order = order_of(criteria, words)
            last = _place(order, after)
            if criteria.text.strip() and not words:
                return Found([], None, {name: {} for name in FACETS})
            rows = list(data[ENTRIES].aggregate(page(criteria, words, limit, last)))
        hits = [Hit(found["_id"], round(found["metres"] / 1000, 1) if "metres" in found else None) for found in rows[:limit]]
        following = encode_cursor(order.value, *(rows[limit - 1][key] for key in KEYS[order])) if len(rows) > limit else None
        return Found(hits, following, self._counted(counts(criteria, words), ends))

    def _counted(self, stages: list[Row], ends: float) -> dict[str, dict[str, int]]:
        """The counts, or none where these come too late: the page is worth more."""
        left = ends - time.monotonic()
        if left <= 0:
            return {}
        try:
            with pymongo.timeout(left):
                [counted] = self._of()[ENTRIES].aggregate(stages)
        except PyMongoError:
            return {}
        return {name: {value["_id"]: value["count"] for value in counted[name]} for name in FACETS}

    def suggest(self, text: str, limit: int) -> Sequence[str]:
        """Titles, cuisines and cities with a word that begins so; cities and cuisines come first."""
        if not 1 <= limit <= MOST_SUGGESTIONS:
            raise ValueError(f"limit is from 1 to {MOST_SUGGESTIONS}, not {limit}")
        typed = words_of(_checked(text))
        if not typed:
            return []
        with self._reading():
            found = self._completed(" ".join(typed), limit)
            if not found:
                meant = [word.meant[0] if word.meant else word.word for word in self._wanted(" ".join(typed))]
                found = self._completed(" ".join(meant), limit) if meant != typed else []
        return found

    def rebuild(self, entries: Iterable[EventEntry]) -> int:
        """Write everything anew in place, then drop what nobody has written since the beginning."""
        token, count = new_id(), 0
        learned: set[str] = set()
        with self._writing() as rows:
            rows.update_many({"starts_at": {"$exists": True}}, {"$set": {"old": token}})
            for lexicon in self._lexicons():
                lexicon.doom_all(token)
        walked = iter(entries)
        while batch := list(islice(walked, _REBUILD_BATCH)):
            count += len(batch)
            with self._writing():
                self._put(batch, learned)
        with self._writing() as rows:
            rows.delete_many({"old": token})
            for lexicon in self._lexicons():
                lexicon.drop_doomed(token)
            self._of()[STATE].replace_one({"_id": "index"}, {"_id": "index", "form": FORM, "built_at": utcnow()}, upsert=True)
        return count

    def built(self) -> bool:
        """Whether the index has been built in the present form."""
        with self._reading() as data:
            return data[STATE].find_one({"_id": "index", "form": FORM}) is not None

    def ping(self) -> None:
        """Reach the database."""
        with self._reading() as data:
            data.command("ping")

    def close(self) -> None:
        """The database is not ours to close."""

    def _of(self) -> _Database:
        if self._database is None:
            raise RuntimeError("this search was not given its database")
        return self._database

    @contextmanager
    def _reading(self) -> Iterator[_Database]:
        data = self._of()
        ends = time.monotonic() + self._seconds
        try:
            with pymongo.timeout(self._seconds * _ASKING):
                yield data
        except PyMongoError as error:
            if error.timeout and _answers(data, ends - time.monotonic()):
                raise SearchTooSlow("the search index takes too long for that") from error
            raise SearchUnavailable(f"the search index gave no answer: {type(error).__name__}") from error

    @contextmanager
    def _writing(self) -> Iterator[Any]:
        data = self._of()
        try:
            with pymongo.timeout(_WRITE_SECONDS):
                if not self._indexed:
                    data[ENTRIES].create_indexes(list(INDEXES))
                    for lexicon in self._lexicons():
                        lexicon.ensure_indexes()
                    self._indexed = True
                yield data[ENTRIES]
        except PyMongoError as error:
            raise SearchUnavailable(f"the search index could not be written: {type(error).__name__}") from error

    def _lexicons(self) -> tuple[Lexicon, Lexicon]:
        data = self._of()
        words = Lexicon(data[WORDS], ENTRIES, "terms", [IndexModel([("forms", ASCENDING)], name="forms")])
        completed = IndexModel([("rank", ASCENDING), ("starts", ASCENDING)], name="starts")
        return words, Lexicon(data[PHRASES], ENTRIES, "phrases", [completed])

    def _put(self, entries: Sequence[EventEntry], learned: set[str] | None = None) -> None:
        """Write entries, each event once; of the terms in ``learned`` it is known that they were learned a moment ago."""
        rows = [stored(entry) for entry in entries]
        before = self._members(self._of()[ENTRIES], {"_id": {"$in": [row["_id"] for row in rows]}})
        self._replace(
            ReplaceOne(
                {"_id": row["_id"], "$or": [{"version": {"$lt": row["version"]}}, {"version": row["version"], "removed_at": None}]},
                row,
                upsert=True,
            )
            for row in rows
        )
        words, suggested = self._lexicons()
        words.learn(terms(rows, set() if learned is None else learned))
        suggested.learn(phrase for entry in entries for phrase in phrases(entry))
        now = {row["_id"]: row for row in rows}
        self._drop_unused(
            {name: [one for one in row.get(name, ()) if one not in now[row["_id"]][name]] for name in ("terms", "phrases")}
            for row in before
        )

    def _members(self, entries: Any, wanted: Row) -> list[Row]:
        return list(entries.find(wanted, {"terms": 1, "phrases": 1}))

    def _drop_unused(self, rows: Iterable[Row]) -> None:
        gone, token = list(rows), new_id()
        words, suggested = self._lexicons()
        words.drop_unused((term for row in gone for term in row.get("terms", ())), token)
        suggested.drop_unused((phrase for row in gone for phrase in row.get("phrases", ())), token)

    def _replace(self, writes: Iterable[ReplaceOne[Row]]) -> None:
        """Write what is not older than what is there.

        Where something newer is there, the condition fails, and inserting does too, since the id is taken. The same happens where
        somebody else has just inserted an older one: so what failed is tried once more, and has then met what is there.
        """
        left = list(writes)
        for _ in range(2):
            if not left:
                return
            try:
                self._of()[ENTRIES].bulk_write(left, ordered=False)
            except BulkWriteError as error:
                wrong = error.details["writeErrors"]
                if error.details["writeConcernErrors"] or any(one["code"] != _TAKEN for one in wrong):
                    raise
                left = [left[one["index"]] for one in wrong]
            else:
                return

    def _wanted(self, text: str) -> list[Wanted]:
        return wanted(self._of()[WORDS], text)

    def _completed(self, key: str, limit: int) -> list[str]:
        suggested = self._lexicons()[1]
        found: list[str] = []
        for rank in (NAME, TITLE):
            matching = {"rank": rank, "starts": beginning(key[:LONGEST_TERM])}
            stages: list[dict[str, Any]] = [
                {"$match": matching},
                {"$limit": _CANDIDATES},
                *suggested.used(),
                {"$limit": limit - len(found)},
                {"$project": {"text": 1}},
            ]
            found += [row["text"] for row in suggested.rows.aggregate(stages)]
            if len(found) == limit:
                break
        return list(dict.fromkeys(found))


class DatabaseSearch(MongoSearch):
    """The index in the documents' own database."""

    def use(self, database: _Database) -> None:
        """Take this database."""
        self._database = database


class OwnMongoSearch(MongoSearch):
    """The index in a database of its own."""

    def __init__(self, url: str, timeout_ms: int = QUARTER_SECOND) -> None:
        super().__init__(timeout_ms)
        self._own = MongoDatabase(url)
        self._database = self._own.database

    def close(self) -> None:
        """Close the connections."""
        self._own.close()


def _answers(data: _Database, seconds: float) -> bool:
    """Whether the database says anything in that time. That a question took too long does not tell: driver and server give up together."""
    if seconds <= 0:
        return False
    try:
        with pymongo.timeout(seconds):
            data.command("ping")
    except PyMongoError:
        return False
    return True


def _checked(text: str) -> str:
    if len(text) > LONGEST_TEXT:
        raise ValueError(f"a text has at most {LONGEST_TEXT} characters, not {len(text)}")
    return text


def _place(order: Any, after: str | None) -> tuple[Any, ...]:
    if after is None:
        return ()
    try:
        name, *values = decode_cursor(after, *CURSORS[order])
    except BadCursor:
        raise ValueError("that is no place in this order") from None
    if name != order.value:
        raise ValueError("that is no place in this order")
    return tuple(values)


def _milliseconds(typed: str | None) -> int:
    if typed is None:
        return QUARTER_SECOND
    if not (typed.isascii() and typed.isdigit() and int(typed) > 0):
        raise SettingError(f"search: timeout_ms is a positive number, not {typed!r}")
    return int(typed)


@built_for(1, DatabaseSearch)
def database(url: str) -> Search:
    """``database://?timeout_ms=250``: in the database of the documents, embedded or not.

    Raises:
        SettingError: an option is unknown, or no positive number.
    """
    return DatabaseSearch(_milliseconds(parse_url(url).only("timeout_ms").options.get("timeout_ms")))


@built_for(1, OwnMongoSearch)
def mongodb(url: str) -> Search:
    """``mongodb://HOST/NAME``: in a MongoDB of its own.

    Raises:
        SettingError: the driver does not take the URL.
    """
    return OwnMongoSearch(url)
