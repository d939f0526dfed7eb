"""How an entry is stored, and what Elasticsearch is told about its fields. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import blake2s
from typing import Any

from elasticsearch.dsl import Completion, DenseVector, GeoPoint, Keyword, Long, Mapping, Text

from dinnerkit.ports.search import EventEntry, Removal, price_band
from dinnerkit.ports.search_people import TRAITS, PersonEntry
from dinnerkit.ports.search_words import MOST_TERMS, distinct, index_terms, starts, words_of

FORM = 1
"""Rises when entries are stored in another form, so that they are all written anew."""

SUGGESTED = ("city", "cuisine", "title")
"""What is suggested, the first kind first. Each has its spelling in ``NAME_shown`` and its beginnings in ``NAME_starts``."""

_BEGINNINGS = {"min_chars": 2, "max_chars": 6}
"""The lengths of beginnings that are looked up as words are; longer ones are begun by few words."""

_LONGEST_START = 300
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def events_mapping(built: bool) -> dict[str, Any]:
    """What is told of the fields of events, and whether all of them are in the index."""
    fields = _mapping(built)
    for name in ("id", "band", "city", "cuisine", "month", "city_key", "cuisine_key", "tag_keys"):
        fields.field(name, Keyword())
    for name in ("starts_at", "price"):
        fields.field(name, Long())
    fields.field("place", GeoPoint())
    for name in ("title", "heads", "terms"):
        fields.field(name, Text(analyzer="whitespace", norms=False, index_options="docs", index_prefixes=_BEGINNINGS))
    for name in SUGGESTED:
        fields.field(f"{name}_starts", Completion(analyzer="keyword", max_input_length=_LONGEST_START))
    return fields.to_dict()


def people_mapping(built: bool) -> dict[str, Any]:
    """The same of people, of whom nothing is stored but their traits."""
    fields = _mapping(built)
    exact = {"type": "hnsw"}  # the usual one rounds each number to a byte
    fields.field("traits", DenseVector(dims=TRAITS, index=True, similarity="l2_norm", index_options=exact))
    return fields.to_dict()


def _mapping(built: bool) -> Mapping:
    fields = Mapping()
    fields.meta("dynamic", "false")
    fields.meta("_meta", {"form": FORM, "built": built})
    fields.field("removed_at", Long())
    return fields


def stored(entry: EventEntry) -> dict[str, Any]:
    """The entry as it is stored: its words folded as those of the built-in search are, so that any Elasticsearch finds the same."""
    title = index_terms(entry.title)
    heads = distinct((*title, *index_terms(entry.city, entry.cuisine, *entry.tags, entry.venue)), MOST_TERMS)
    shown = {"city": entry.city, "cuisine": entry.cuisine, "title": entry.title}
    return {
        "id": entry.id,
        "starts_at": microseconds(entry.starts_at),
        "price": entry.price,
        "band": price_band(entry.price),
        "city": entry.city,
        "cuisine": entry.cuisine,
        "month": entry.month,
        "place": {"lat": entry.lat, "lon": entry.lon},
        "city_key": entry.city_key,
        "cuisine_key": entry.cuisine_key,
        "tag_keys": list(entry.tag_keys),
        "title": " ".join(title),
        "heads": " ".join(heads),
        "terms": " ".join(distinct((*heads, *index_terms(entry.description)), MOST_TERMS)),
        **{f"{name}_shown": text for name, text in shown.items()},
        **{f"{name}_starts": found for name, text in shown.items() if (found := _starts(text))},
    }


def put_actions(entries: Sequence[EventEntry]) -> list[dict[str, Any]]:
    """Writes of the entries. What is there is replaced by a higher version alone, and a removal is half a step above what it removes."""
    return [_action(entry.id, 2 * entry.version, stored(entry)) for entry in entries]


def people_actions(entries: Sequence[PersonEntry]) -> list[dict[str, Any]]:
    """Writes of people."""
    return [_action(entry.id, 2 * entry.version, {"traits": list(entry.traits)}) for entry in entries]


def removal_actions(removals: Sequence[Removal], now: datetime) -> list[dict[str, Any]]:
    """Writes of the removals. They are documents too: what Elasticsearch deletes it remembers for a minute."""
    removed = {"removed_at": microseconds(now)}
    return [_action(removal.id, 2 * removal.version + 1, removed) for removal in removals]


def microseconds(moment: datetime) -> int:
    """Since the beginning of 1970: exact, as a date of Elasticsearch's is not."""
    return (moment - _EPOCH) // _MICROSECOND


def _action(document_id: str, version: int, source: dict[str, Any]) -> dict[str, Any]:
    return {"_id": document_id, "version": version, "version_type": "external", "_source": source}


def _starts(text: str) -> list[str]:
    """From each word on, with a mark of the whole: texts that end alike are not taken for one when each is to be suggested once."""
    mark = blake2s(" ".join(words_of(text)).encode(), digest_size=6).hexdigest()
    return [f"{start}\t{mark}" for start in starts(text)]
