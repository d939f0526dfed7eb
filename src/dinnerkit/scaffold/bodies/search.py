"""A search in this process's memory, for the index of yours that takes its place."""

from __future__ import annotations

import json
import re
import threading
import unicodedata
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from dinnerkit.ports.contracts import built_for
from dinnerkit.ports.search import (
    LONGEST_TEXT,
    MOST_AT_ONCE,
    MOST_HITS,
    PRICE_BANDS,
    PRICE_STEPS,
    Criteria,
    EventEntry,
    Found,
    Hit,
    Order,
    Removal,
)
from dinnerkit.ports.urls import parse_url

_WORD = re.compile(r"[^\W_]+")
_STROKES = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "æ": "ae", "œ": "oe"})


class AcmeSearch:
    """Goes through all entries for each question.

    It has one of the capabilities, facets. The others are in ``dinnerkit.ports.search``, and what is done without them.

    Args:
        place: which entries; searches of the same place share them.
    """

    facets = True

    def __init__(self, place: str) -> None:
        self._place = _PLACES.setdefault(place, _Place())

    def put(self, entries: Sequence[EventEntry]) -> None:
        """Make these events be found as they are now, but for those of which something newer is known.

        Raises:
            ValueError: there are too many.
        """
        _bounded(len(entries), 0, MOST_AT_ONCE)
        with self._place.lock:
            for entry in entries:
                removed = self._place.removed.get(entry.id, -1)
                if entry.version > removed and entry.version >= self._place.version(entry.id):
                    self._place.entries[entry.id] = entry

    def remove(self, removals: Sequence[Removal]) -> None:
        """Make these events be found no more, and remember at which version: what is older may come yet.

        Raises:
            ValueError: there are too many.
        """
        _bounded(len(removals), 0, MOST_AT_ONCE)
        with self._place.lock:
            for removal in removals:
                if removal.version >= self._place.version(removal.id):
                    self._place.entries.pop(removal.id, None)
                    known = self._place.removed.get(removal.id, -1)
                    self._place.removed[removal.id] = max(known, removal.version)

    def expire(self, before: datetime) -> int:
        """Drop what starts before that moment; how many."""
        with self._place.lock:
            begun = [entry.id for entry in self._place.entries.values() if entry.starts_at < before]
            for event_id in begun:
                del self._place.entries[event_id]
        return len(begun)

    def find(self, criteria: Criteria, limit: int, after: str | None = None) -> Found:
        """A page of the events that meet the criteria.

        Raises:
            ValueError: ``limit``, ``after`` or the text makes no sense.
        """
        _bounded(limit, 1, MOST_HITS)
        _bounded(len(criteria.text), 0, LONGEST_TEXT)
        order = _order(criteria)
        last = _place_of(order, after)
        with self._place.lock:
            entries = list(self._place.entries.values())
        found = [entry for entry in entries if _meets(entry, criteria)]
        rows = sorted((_key(entry, criteria, order), entry.id) for entry in found)
        left = [row for row in rows if last is None or row[0] > last]
        page = left[:limit]
        following = json.dumps([order, page[-1][0]]) if len(left) > limit else None
        return Found([Hit(event_id) for _, event_id in page], following, _counts(found))

    def ping(self) -> None:
        """Memory is always there; an index that is not raises ``dinnerkit.errors.Unavailable``, here and above."""

    def close(self) -> None:
        """Memory has nothing to give back; a client's connections would be closed here."""


@built_for(1, AcmeSearch)
def open_search(url: str) -> AcmeSearch:
    """``acme://PLACE``.

    Raises:
        SettingError: the URL has options.
    """
    return AcmeSearch(parse_url(url).only().location)


@dataclass(slots=True)
class _Place:
    """In place of the index: the entries, and of what was removed the version, which may be forgotten after a day."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    entries: dict[str, EventEntry] = field(default_factory=dict)
    removed: dict[str, int] = field(default_factory=dict)

    def version(self, event_id: str) -> int:
        entry = self.entries.get(event_id)
        return entry.version if entry else -1


_PLACES: dict[str, _Place] = {}


def _bounded(value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise ValueError(f"{value} is not from {least} to {most}")


def _order(criteria: Criteria) -> Order:
    """The order that is meant: without a text nothing is better than another, and nothing here knows of distances."""
    relevant = criteria.order is Order.RELEVANCE and criteria.text.strip()
    return criteria.order if relevant or criteria.order is Order.PRICE else Order.STARTS_AT


def _place_of(order: Order, after: str | None) -> list[Any] | None:
    if after is None:
        return None
    match json.loads(after):
        case [str(asked), list(last)] if asked == order:
            return last
        case _:
            raise ValueError("this is no place in this order")


def _key(entry: EventEntry, criteria: Criteria, order: Order) -> list[Any]:
    """By what entries are sorted; distinct for each, so that a page begins where the one before has ended."""
    first: list[Any] = []
    if order is Order.RELEVANCE:
        title = _words(entry.title)
        first = [sum(word not in title for word in _words(criteria.text))]
    elif order is Order.PRICE:
        first = [entry.price]
    return [*first, entry.starts_at.timestamp(), entry.id]


def _meets(entry: EventEntry, wanted: Criteria) -> bool:
    return (
        wanted.city_key in {None, entry.city_key}
        and wanted.cuisine_key in {None, entry.cuisine_key}
        and wanted.month in {None, entry.month}
        and (wanted.tag_key is None or wanted.tag_key in entry.tag_keys)
        and (wanted.starts_from is None or entry.starts_at >= wanted.starts_from)
        and (wanted.starts_before is None or entry.starts_at < wanted.starts_before)
        and (wanted.min_price is None or entry.price >= wanted.min_price)
        and (wanted.max_price is None or entry.price <= wanted.max_price)
        and _has_words(entry, wanted.text)
    )


def _has_words(entry: EventEntry, text: str) -> bool:
    if not text.strip():
        return True
    asked = _words(text)
    line = " ".join((entry.title, entry.description, entry.city, entry.cuisine, entry.venue, *entry.tags))
    words = _words(line)
    return bool(asked) and all(any(_fits(word, known) for known in words) for word in asked)


def _fits(asked: str, word: str) -> bool:
    """By its beginning; in scripts without spaces, where a run of characters is many words, by any part of it."""
    return asked in word if ord(asked[0]) > ord("\u0e00") else word.startswith(asked)


def _words(text: str) -> list[str]:
    """The words of a text without case and accents."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold()).translate(_STROKES)
    return _WORD.findall("".join(letter for letter in plain if not unicodedata.combining(letter)))


def _counts(found: Sequence[EventEntry]) -> dict[str, Counter[str]]:
    return {
        "city": Counter(entry.city for entry in found),
        "cuisine": Counter(entry.cuisine for entry in found),
        "month": Counter(entry.month for entry in found),
        "price": Counter(PRICE_BANDS[bisect_left(PRICE_STEPS, entry.price)] for entry in found),
    }
