"""The search port on Elasticsearch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from elasticsearch.dsl import Search as Question
from elasticsearch.dsl.query import Range

from dinnerkit.clock import utcnow
from dinnerkit.ports.contracts import built_for
from dinnerkit.ports.search import (
    MOST_AT_ONCE,
    MOST_HITS,
    MOST_SUGGESTIONS,
    Criteria,
    EventEntry,
    Found,
    Hit,
    Order,
    Removal,
    Search,
    SearchTooSlow,
)
from dinnerkit.ports.search_people import TRAITS, PersonEntry
from dinnerkit.ports.search_words import slips, words_of
from dinnerkit_elasticsearch.asking import (
    FACETS,
    LONGER,
    Word,
    decode_place,
    encode_place,
    knowing,
    near,
    order_of,
    page,
    suggesting,
    words_in,
)
from dinnerkit_elasticsearch.connecting import Asking, Connection, SearchUnavailable
from dinnerkit_elasticsearch.entries import (
    SUGGESTED,
    events_mapping,
    microseconds,
    people_actions,
    people_mapping,
    put_actions,
    removal_actions,
)
from dinnerkit_elasticsearch.indexes import Indexes
from dinnerkit_elasticsearch.urls import ElasticsearchUrl, parse

T = TypeVar("T")

_REMEMBERED = timedelta(days=7)
_FORGIVEN = 4
"""From so many letters on what is typed may be a slip."""


class ElasticsearchSearch:
    """Events, and people who agreed to be found, in Elasticsearch."""

    facets = True
    tolerant = True
    distances = True

    def __init__(self, url: ElasticsearchUrl) -> None:
        self._connection = Connection(url)
        self._events = Indexes(self._connection, "events", events_mapping)
        self._people = Indexes(self._connection, "people", people_mapping)

    def put(self, entries: Sequence[EventEntry]) -> None:
        """Make these events be found as they are now."""
        self._events.write(put_actions(_few(entries)))

    def remove(self, removals: Sequence[Removal]) -> None:
        """Make these events be found no more, now and when an older version comes."""
        self._events.write(removal_actions(_few(removals), utcnow()))

    def expire(self, before: datetime) -> int:
        """Drop the entries that start before that moment, and what was removed long ago."""
        forgotten = Range(removed_at={"lt": microseconds(utcnow() - _REMEMBERED)})
        for indexes in (self._events, self._people):
            indexes.delete(forgotten)
        return self._events.delete(Range(starts_at={"lt": microseconds(before)}))

    def find(self, criteria: Criteria, limit: int, after: str | None = None) -> Found:
        """A page of the events that meet the criteria."""
        if not 1 <= limit <= MOST_HITS:
            raise ValueError(f"limit is from 1 to {MOST_HITS}, not {limit}")
        words = words_in(criteria.text)
        order = order_of(criteria, words)
        place = None if after is None else decode_place(order, words, after)
        if criteria.text.strip() and not words:
            return Found([], None, {name: {} for name in FACETS})
        if place is not None:
            words = [replace(word, slipped=number in place.slipped) for number, word in enumerate(words)]
        with self._connection.asking() as asking:
            told = _answer(asking, page(self._events.question(asking), criteria, words, limit, place))
            if words and place is None and not told["hits"]["hits"] and (meant := self._meant(asking, words)) != words:
                words = meant
                told = _answer(asking, page(self._events.question(asking), criteria, words, limit, place))
        rows = told["hits"]["hits"]
        at = 0 if order is Order.DISTANCE else -1
        hits = [Hit(row["_id"], round(row["sort"][at] * LONGER, 1) if criteria.near is not None else None) for row in rows[:limit]]
        following = encode_place(order, words, rows[limit - 1]["sort"]) if len(rows) > limit else None
        counted = told.get("aggregations", {})
        counts = {name: {bucket["key"]: bucket["doc_count"] for bucket in counted.get(name, {}).get("buckets", ())} for name in FACETS}
        return Found(hits, following, counts)

    def suggest(self, text: str, limit: int) -> Sequence[str]:
        """Titles, cuisines and cities with a word that begins so; cities and cuisines come first."""
        if not 1 <= limit <= MOST_SUGGESTIONS:
            raise ValueError(f"limit is from 1 to {MOST_SUGGESTIONS}, not {limit}")
        words_in(text)
        typed = " ".join(words_of(text))
        if not typed:
            return []
        with self._connection.asking() as asking:
            for slipped in (False, True)[: 1 + (len(typed) >= _FORGIVEN)]:
                told = _answer(asking, suggesting(self._events.question(asking), typed, limit, slipped=slipped))
                if found := list(dict.fromkeys(_suggested(told)))[:limit]:
                    return found
        return []

    def rebuild(self, entries: Iterable[EventEntry]) -> int:
        """Write everything into a new index, which then takes the place of the old one."""
        counted = _Counted(entries)
        self._events.rebuild(action for entry in counted for action in put_actions([entry]))
        return counted.count

    def built(self) -> bool:
        """Whether a rebuild in the present form has come to its end."""
        return self._events.built()

    def put_people(self, entries: Sequence[PersonEntry]) -> None:
        """Make these people be found."""
        self._people.write(people_actions(_few(entries)))

    def remove_people(self, removals: Sequence[Removal]) -> None:
        """Make these people be found no more, and forget their traits."""
        self._people.write(removal_actions(_few(removals), utcnow()))

    def nearest_people(self, traits: Sequence[float], farthest: float, limit: int) -> Sequence[str]:
        """The ids of the nearest."""
        if not 1 <= limit <= MOST_AT_ONCE or len(traits) != TRAITS:
            raise ValueError(f"from 1 to {MOST_AT_ONCE} people are found by {TRAITS} traits, not {limit} by {len(traits)}")
        with self._connection.asking() as asking:
            told = _answer(asking, near(self._people.question(asking), traits, farthest, limit))
        return [row["_id"] for row in told["hits"]["hits"]]

    def rebuild_people(self, entries: Iterable[PersonEntry]) -> int:
        """Write everybody into a new index, which then takes the place of the old one."""
        counted = _Counted(entries)
        self._people.rebuild(action for entry in counted for action in people_actions([entry]))
        return counted.count

    def people_built(self) -> bool:
        """Whether a rebuild of people in the present form has come to its end."""
        return self._people.built()

    def ping(self) -> None:
        """Reach a node that can search."""
        with self._connection.asking() as asking:
            _answer(asking, self._events.question(asking).extra(size=0, terminate_after=1))

    def close(self) -> None:
        """Close the connections."""
        self._connection.close()

    def _meant(self, asking: Asking, words: list[Word]) -> list[Word]:
        """The words, those that no entry has taken for slips of the pen."""
        counted = _answer(asking, knowing(self._events.question(asking), words)).get("aggregations", {})
        unknown = {number for number in range(len(words)) if not counted.get(str(number), {}).get("doc_count")}
        return [Word(word.text, slipped=number in unknown and slips(word.text) > 0) for number, word in enumerate(words)]


class _Counted(Generic[T]):
    """Entries that are counted as they are walked through."""

    def __init__(self, entries: Iterable[T]) -> None:
        self._entries = entries
        self.count = 0

    def __iter__(self) -> Iterator[T]:
        for entry in self._entries:
            self.count += 1
            yield entry


def _few(items: Sequence[T]) -> Sequence[T]:
    if len(items) > MOST_AT_ONCE:
        raise ValueError(f"at most {MOST_AT_ONCE} at once, not {len(items)}")
    return items


def _answer(asking: Asking, question: Question[Any]) -> dict[str, Any]:
    """The whole answer.

    Raises:
        SearchTooSlow: the nodes are there, and did not get through it in time.
    """
    told: dict[str, Any] = question.extra(timeout=f"{max(int(asking.left() * 750), 1)}ms").execute().to_dict()
    if told["timed_out"]:
        raise SearchTooSlow("the search index takes too long for that")
    if told["_shards"]["failed"]:
        raise SearchUnavailable("a part of the search index gave no answer")
    return told


def _suggested(told: dict[str, Any]) -> Iterator[str]:
    for name in SUGGESTED:
        for asked in told.get("suggest", {}).get(name, ()):
            yield from (option["_source"][f"{name}_shown"] for option in asked["options"])


@built_for(1, ElasticsearchSearch)
def open_search(url: str) -> Search:
    """``elasticsearch://HOST:PORT,HOST`` or ``elasticsearch+https://``.

    Raises:
        SettingError: the URL is malformed.
    """
    return ElasticsearchSearch(parse(url))
