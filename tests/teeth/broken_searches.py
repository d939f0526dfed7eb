"""Search backends that are wrong in one way each; the contract must tell which."""

from __future__ import annotations

import json
import re
import threading
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any

from rapidfuzz.distance import OSA

from dinnerkit.backends.search.asking import KEYS
from dinnerkit.errors import Unavailable
from dinnerkit.events.listing import distance_km
from dinnerkit.events.rules import Location
from dinnerkit.ports.search import (
    LONGEST_TEXT,
    MOST_AT_ONCE,
    MOST_HITS,
    MOST_SUGGESTIONS,
    Criteria,
    EventEntry,
    Found,
    Hit,
    Order,
    Removal,
    price_band,
)
from dinnerkit.ports.search_words import index_terms, is_unspaced, pairs, slips, starts, words_of
from dinnerkit.testing import SearchBench
from dinnerkit.testing.search import writing
from tests.teeth import faults
from tests.teeth.meeting import Between


@dataclass
class Place:
    lock: threading.RLock = field(default_factory=threading.RLock)
    entries: dict[str, EventEntry] = field(default_factory=dict)
    removed: dict[str, int] = field(default_factory=dict)
    built: bool = False
    between: Between = field(default_factory=Between)


PLACES: defaultdict[str, Place] = defaultdict(Place)
"""What the processes of one test share."""


def bench_of(kind: type[Sound], name: str) -> SearchBench:
    return SearchBench(
        open=lambda: kind(name),
        elsewhere=lambda: kind(f"{name}-elsewhere"),
        reach=lambda host, port: kind(name, (host, port)),
        secrets=["hunter22"],
        at_once=kind.at_once,
    )


class Sound:
    """A search in the process's memory that passes; it asks its service first, where it has one."""

    facets = tolerant = distances = True
    at_once = faults.LATE

    def __init__(self, name: str, service: tuple[str, int] | None = None) -> None:
        self.place = PLACES[name]
        self.service = service

    def ask(self) -> None:
        try:
            faults.ask(self.service)
        except OSError as error:
            raise Unavailable("the search gives no answer") from error

    def fresh(self, entry: EventEntry) -> bool:
        here = self.place.entries.get(entry.id)
        return (here is None or here.version <= entry.version) and self.place.removed.get(entry.id, 0) < entry.version

    def put(self, entries: Sequence[EventEntry]) -> None:
        if len(entries) > MOST_AT_ONCE:
            raise ValueError("too many")
        with self.place.lock:
            for entry in entries:
                if self.fresh(entry):
                    self.store(entry)

    def store(self, entry: EventEntry) -> None:
        self.place.removed.pop(entry.id, None)
        self.place.entries[entry.id] = entry

    def remove(self, removals: Sequence[Removal]) -> None:
        if len(removals) > MOST_AT_ONCE:
            raise ValueError("too many")
        with self.place.lock:
            for removal in removals:
                here = self.place.entries.get(removal.id)
                if here is None or here.version <= removal.version:
                    self.place.entries.pop(removal.id, None)
                    self.place.removed[removal.id] = max(removal.version, self.place.removed.get(removal.id, 0))

    def expire(self, before: datetime) -> int:
        gone = [entry.id for entry in self.place.entries.values() if entry.starts_at < before]
        for one in gone:
            del self.place.entries[one]
        return len(gone)

    def terms(self, entry: EventEntry) -> list[str]:
        return index_terms(entry.title, entry.city, entry.cuisine, *entry.tags, entry.venue, entry.description)

    def has(self, entry: EventEntry, word: str, known: set[str]) -> bool:
        terms = self.terms(entry)
        if is_unspaced(word):
            return all(part in terms for part in pairs(word) or [word])
        near = 0 if word in known else slips(word)
        return any(term.startswith(word) or (near and OSA.distance(term, word) <= near) for term in terms)

    def asked(self, text: str) -> list[str]:
        return words_of(text)

    def text_meets(self, entry: EventEntry, text: str, known: set[str]) -> bool:
        return all(self.has(entry, word, known) for word in self.asked(text)) and bool(self.asked(text) or not text.strip())

    def meets(self, entry: EventEntry, wanted: Criteria) -> bool:
        return (
            (wanted.city_key is None or entry.city_key == wanted.city_key)
            and (wanted.cuisine_key is None or entry.cuisine_key == wanted.cuisine_key)
            and (wanted.tag_key is None or wanted.tag_key in entry.tag_keys)
            and (wanted.month is None or entry.month == wanted.month)
            and (wanted.starts_from is None or entry.starts_at >= wanted.starts_from)
            and (wanted.starts_before is None or entry.starts_at < wanted.starts_before)
            and (wanted.min_price is None or entry.price >= wanted.min_price)
            and (wanted.max_price is None or entry.price <= wanted.max_price)
            and (wanted.near is None or self.way(entry, wanted.near) <= wanted.radius_km)
        )

    def way(self, entry: EventEntry, near: tuple[float, float]) -> float:
        return distance_km(Location(*near), Location(entry.lat, entry.lon))

    def matching(self, wanted: Criteria) -> list[EventEntry]:
        with self.place.lock:
            entries = list(self.place.entries.values())
        known = {term for entry in entries for term in self.terms(entry)}
        return [entry for entry in entries if self.meets(entry, wanted) and self.text_meets(entry, wanted.text, known)]

    def key(self, entry: EventEntry, wanted: Criteria, order: Order) -> list[Any]:
        rank = sum(word not in index_terms(entry.title) for word in words_of(wanted.text))
        metres = round(self.way(entry, wanted.near) * 1000) if wanted.near else 0
        values = {"rank": rank, "starts_at": entry.starts_at.timestamp(), "price": entry.price, "metres": metres, "_id": entry.id}
        return [values[name] for name in KEYS[order]]

    def find(self, criteria: Criteria, limit: int, after: str | None = None) -> Found:
        if not 1 <= limit <= MOST_HITS or len(criteria.text) > LONGEST_TEXT:
            raise ValueError("out of bounds")
        self.ask()
        order = criteria.order
        if (order is Order.RELEVANCE and not criteria.text) or (order is Order.DISTANCE and criteria.near is None):
            order = Order.STARTS_AT
        last = json.loads(after) if after else None
        if last and last[0] != order:
            raise ValueError("another order")
        all_found = self.matching(criteria)
        key = partial(self.key, wanted=criteria, order=order)
        rows = sorted(all_found, key=key)
        left = [row for row in rows if last is None or key(row) > last[1]]
        page = left[:limit]
        hits = [Hit(row.id, round(self.way(row, criteria.near), 1) if criteria.near else None) for row in page]
        return Found(hits, json.dumps([order, key(page[-1])]) if len(left) > limit else None, self.counted(all_found, page))

    def counted(self, all_found: Sequence[EventEntry], page: Sequence[EventEntry]) -> dict[str, Counter[str]]:
        return {
            "city": Counter(row.city for row in all_found),
            "cuisine": Counter(row.cuisine for row in all_found),
            "month": Counter(row.month for row in all_found),
            "price": Counter(price_band(row.price) for row in all_found),
        }

    def phrases(self) -> Iterable[str]:
        return (text for entry in self.place.entries.values() for text in (entry.city, entry.cuisine, entry.title))

    def suggest(self, text: str, limit: int) -> Sequence[str]:
        if not 1 <= limit <= MOST_SUGGESTIONS or len(text) > LONGEST_TEXT:
            raise ValueError("out of bounds")
        self.ask()
        typed = " ".join(words_of(text))
        found = [phrase for phrase in self.phrases() if typed and any(start.startswith(typed) for start in starts(phrase))]
        return list(dict.fromkeys(found))[:limit]

    def rebuild(self, entries: Iterable[EventEntry]) -> int:
        before, count = dict(self.place.entries), 0
        for entry in entries:
            self.put([entry])
            before.pop(entry.id, None)
            count += 1
        for one, old in before.items():
            if self.place.entries.get(one) is old:
                del self.place.entries[one]
        self.place.built = True
        return count

    def built(self) -> bool:
        return self.place.built

    def ping(self) -> None:
        self.ask()

    def close(self) -> None:
        pass


class TakesWhatComesLast(Sound):
    def fresh(self, entry: EventEntry) -> bool:
        return self.place.removed.get(entry.id, 0) < entry.version


class LooksAndThenPuts(Sound):
    """Right as long as nobody comes with the newest version between looking and writing."""

    def put(self, entries: Sequence[EventEntry]) -> None:
        if len(entries) > MOST_AT_ONCE:
            raise ValueError("too many")
        fresh = [entry for entry in entries if self.fresh(entry)]
        newest = any(entry.version == writing._VERSIONS for entry in entries)
        if not newest:
            self.place.between.hold()
        with self.place.between.entered() if newest else nullcontext():
            for entry in fresh:
                self.store(entry)


class DropsTheOthersToo(Sound):
    def put(self, entries: Sequence[EventEntry]) -> None:
        if all(self.fresh(entry) for entry in entries):
            super().put(entries)


class KeepsEachVersion(Sound):
    def store(self, entry: EventEntry) -> None:
        self.place.entries[f"{entry.id}/{entry.version}"] = entry


class ForgetsItsRemovals(Sound):
    def remove(self, removals: Sequence[Removal]) -> None:
        super().remove(removals)
        self.place.removed.clear()


class RemovesWhateverIsThere(Sound):
    def remove(self, removals: Sequence[Removal]) -> None:
        super().remove([replace(removal, version=10**9) if removal.id in self.place.entries else removal for removal in removals])


class ForgetsOverARestart(Sound):
    def close(self) -> None:
        self.place.entries.clear()


class MindsAccents(Sound):
    def asked(self, text: str) -> list[str]:
        return ["".join(letter for letter in word if letter.isalnum()) for word in text.lower().split()]


class WholeWordsOnly(Sound):
    def has(self, entry: EventEntry, word: str, known: set[str]) -> bool:
        return word in self.terms(entry) or (is_unspaced(word) and super().has(entry, word, known))


class AnyWordWillDo(Sound):
    def text_meets(self, entry: EventEntry, text: str, known: set[str]) -> bool:
        return any(self.has(entry, word, known) for word in self.asked(text)) or not text.strip()


class TakesTextForAPattern(Sound):
    def text_meets(self, entry: EventEntry, text: str, known: set[str]) -> bool:
        try:
            return super().text_meets(entry, text, known) or ("*" in text and re.search(text, entry.title) is not None)
        except re.error:
            return False


class ForgivesNothing(Sound):
    def has(self, entry: EventEntry, word: str, known: set[str]) -> bool:
        return super().has(entry, word, {word})


class LooselyFiltered(Sound):
    def meets(self, entry: EventEntry, wanted: Criteria) -> bool:
        in_city = wanted.city_key is None or entry.city_key.startswith(wanted.city_key)
        return in_city and super().meets(entry, replace(wanted, city_key=None))


class RepeatsItselfOnPages(Sound):
    def key(self, entry: EventEntry, wanted: Criteria, order: Order) -> list[Any]:
        return [*super().key(entry, wanted, order)[:-1], entry.id]

    def find(self, criteria: Criteria, limit: int, after: str | None = None) -> Found:
        found = super().find(criteria, limit, after)
        if after is None or not found.hits or limit == 1:
            return found
        first = super().find(criteria, limit).hits
        return replace(found, hits=[*first[:1], *found.hits][:limit])


class CountsThePage(Sound):
    def counted(self, all_found: Sequence[EventEntry], page: Sequence[EventEntry]) -> dict[str, Counter[str]]:
        return super().counted(page, page)


class FlatEarth(Sound):
    def way(self, entry: EventEntry, near: tuple[float, float]) -> float:
        return float(111 * ((entry.lat - near[0]) ** 2 + (entry.lon - near[1]) ** 2) ** 0.5)


class SuggestsTheDead(Sound):
    def phrases(self) -> Iterable[str]:
        ever: dict[str, None] = self.place.__dict__.setdefault("ever", {})
        ever.update(dict.fromkeys(super().phrases()))
        return ever


class SuggestsEachAgain(Sound):
    def suggest(self, text: str, limit: int) -> Sequence[str]:
        return [one for one in super().suggest(text, limit) for _ in range(2)][:limit]


class EmptiesBeforeItRebuilds(Sound):
    def rebuild(self, entries: Iterable[EventEntry]) -> int:
        self.place.entries.clear()
        return super().rebuild(entries)


class LosesWhatComesMeanwhile(Sound):
    def rebuild(self, entries: Iterable[EventEntry]) -> int:
        fresh = {entry.id: entry for entry in entries}
        self.place.entries.clear()
        self.place.entries.update(fresh)
        self.place.built = True
        return len(fresh)


class SwallowsFailures(Sound):
    def find(self, criteria: Criteria, limit: int, after: str | None = None) -> Found:
        try:
            return super().find(criteria, limit, after)
        except Unavailable:
            return Found([], None, {})


class MakesReadersWait(Sound):
    at_once = faults.SOON

    def ask(self) -> None:
        faults.insist(super().ask, Unavailable)


class TakesAnyNumber(Sound):
    def find(self, criteria: Criteria, limit: int, after: str | None = None) -> Found:
        return super().find(criteria, max(1, min(limit, MOST_HITS)), after)


class OnePlaceForAll(Sound):
    def __init__(self, name: str, service: tuple[str, int] | None = None) -> None:
        super().__init__(name.removesuffix("-elsewhere"), service)


class TellsItsSecret(faults.TellsItsSecret, Sound):
    """In its representation."""


class CanNotBeClosedTwice(faults.CanNotBeClosedTwice, Sound):
    """Fails the second time."""
