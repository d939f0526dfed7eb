"""The search port on Elasticsearch."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from elasticsearch import Elasticsearch
from elasticsearch.dsl import Search as Question
from elasticsearch.dsl.query import Range

from dinnerkit.clock import utcnow
from dinnerkit.ports.search import (
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
from dinnerkit.ports.search_words import slips, words_of
from dinnerkit_elasticsearch.asking import FACETS, LONGER, Word, decode_place, encode_place, knowing, order_of, page, suggesting, words_in
from dinnerkit_elasticsearch.connecting import Asking, Connection, SearchUnavailable
from dinnerkit_elasticsearch.entries import SUGGESTED, microseconds, put_actions, removal_actions
from dinnerkit_elasticsearch.indexes import Indexes, Overtaken, Written
from dinnerkit_elasticsearch.urls import ElasticsearchUrl, parse

_REMEMBERED = timedelta(days=7)
_LAST_ANSWERS = 1.0
"""Seconds after which nobody waits any more for an answer of an index that is not read any more."""


class ElasticsearchSearch:
    """Events in Elasticsearch."""

    facets = True
    tolerant = True
    distances = True

    def __init__(self, url: ElasticsearchUrl) -> None:
        self._connection = Connection(url)
        self._indexes = Indexes(url)
        self._seconds = url.seconds

    def put(self, entries: Sequence[EventEntry]) -> None:
        """Make these events be found as they are now."""
        if len(entries) > MOST_AT_ONCE:
            raise ValueError(f"at most {MOST_AT_ONCE} entries at once, not {len(entries)}")
        self._write(put_actions(entries))

    def remove(self, removals: Sequence[Removal]) -> None:
        """Make these events be found no more, now and when an older version comes."""
        if len(removals) > MOST_AT_ONCE:
            raise ValueError(f"at most {MOST_AT_ONCE} removals at once, not {len(removals)}")
        self._write(removal_actions(removals, utcnow()))

    def expire(self, before: datetime) -> int:
        """Drop the entries that start before that moment, and what was removed long ago."""
        dropped = 0
        with self._connection.writing() as client:
            for one in self._indexes.written(client):
                gone = self._drop(client, one, Range(starts_at={"lt": microseconds(before)}))
                self._drop(client, one, Range(removed_at={"lt": microseconds(utcnow() - _REMEMBERED)}))
                dropped += gone if one.read else 0
        return dropped

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
            told = _answer(asking, page(self._question(asking), criteria, words, limit, place))
            if words and place is None and not told["hits"]["hits"] and (meant := self._meant(asking, words)) != words:
                words = meant
                told = _answer(asking, page(self._question(asking), criteria, words, limit, place))
        rows = told["hits"]["hits"]
        at = 0 if criteria.order is order.DISTANCE else -1
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
            for slipped in (False, True):
                told = _answer(asking, suggesting(self._question(asking), typed, limit, slipped=slipped))
                if found := list(dict.fromkeys(_suggested(told)))[:limit]:
                    return found
        return []

    def rebuild(self, entries: Iterable[EventEntry]) -> int:
        """Write everything into a new index, which then takes the place of the old one."""
        count = 0

        def counted() -> Iterator[dict[str, Any]]:
            nonlocal count
            for entry in entries:
                count += 1
                yield from put_actions([entry])

        with self._connection.writing() as client:
            try:
                fresh = self._indexes.begin(client)
                for _ in self._indexes.sent(client, fresh, counted(), refresh=False):
                    pass
                old = self._indexes.finish(client, fresh)
            except Overtaken:
                raise SearchUnavailable("another rebuild of the search index, which began later, has come to its end") from None
            time.sleep(min(self._seconds, _LAST_ANSWERS))
            self._indexes.drop(client, old)
        return count

    def built(self) -> bool:
        """Whether a rebuild in the present form has come to its end."""
        with self._connection.writing() as client:
            return self._indexes.built(client)

    def ping(self) -> None:
        """Reach a node that can search."""
        with self._connection.asking() as asking:
            _answer(asking, self._question(asking).extra(size=0, terminate_after=1))

    def close(self) -> None:
        """Close the connections."""
        self._connection.close()

    def _write(self, actions: list[dict[str, Any]]) -> None:
        if actions:
            with self._connection.writing() as client:
                self._indexes.write(client, actions)

    def _drop(self, client: Elasticsearch, one: Written, gone: Range) -> int:
        """Delete these entries, but for those that somebody writes meanwhile; how many."""
        count = 0
        asked = Question(using=client, index=one.index).query(gone).source(False).extra(size=MOST_AT_ONCE, version=True)
        while rows := asked.execute(ignore_cache=True).to_dict()["hits"]["hits"]:
            actions = [
                {"_op_type": "delete", "_id": row["_id"], "version": row["_version"], "version_type": "external_gte"} for row in rows
            ]
            try:
                done = sum(1 for _ in self._indexes.sent(client, one, actions, refresh="wait_for"))
            except Overtaken:
                break
            count += done
            if not done:  # somebody writes them all, or was here before: the next time tells
                break
        return count

    def _question(self, asking: Asking) -> Question[Any]:
        asked: Question[Any] = Question(using=asking.client(), index=self._indexes.alias)
        return asked.params(ignore_unavailable=True, allow_no_indices=True)

    def _meant(self, asking: Asking, words: list[Word]) -> list[Word]:
        """The words, those that no entry has taken for slips of the pen."""
        counted = _answer(asking, knowing(self._question(asking), words)).get("aggregations", {})
        unknown = {number for number in range(len(words)) if not counted.get(str(number), {}).get("doc_count")}
        return [Word(word.text, slipped=number in unknown and slips(word.text) > 0) for number, word in enumerate(words)]


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


def open_search(url: str) -> Search:
    """``elasticsearch://HOST:PORT,HOST`` or ``elasticsearch+https://``.

    Raises:
        SettingError: the URL is malformed.
    """
    return ElasticsearchSearch(parse(url))
