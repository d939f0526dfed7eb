"""How an entry of the index is stored. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dinnerkit.ports.search import EventEntry, price_band
from dinnerkit.ports.search_words import MOST_TERMS, distinct, index_terms, starts, stored_forms, words_of
from dinnerkit.storage import Row

_LONGEST_PHRASE = 200
NAME, TITLE = 0, 1
"""The ranks of what is suggested: cities and cuisines come before titles."""


def stored(entry: EventEntry) -> Row:
    """The entry as it is stored; what is counted and compared comes first, as all of it is walked through."""
    title = index_terms(entry.title)
    heads = distinct((*title, *index_terms(entry.city, entry.cuisine, *entry.tags, entry.venue)), MOST_TERMS)
    return {
        "_id": entry.id,
        "version": entry.version,
        "starts_at": entry.starts_at,
        "price": entry.price,
        "band": price_band(entry.price),
        "city": entry.city,
        "cuisine": entry.cuisine,
        "month": entry.month,
        "place": {"type": "Point", "coordinates": [entry.lon, entry.lat]},
        "city_key": entry.city_key,
        "cuisine_key": entry.cuisine_key,
        "tag_keys": list(entry.tag_keys),
        "title": title,
        "heads": heads,
        "terms": distinct((*heads, *index_terms(entry.description)), MOST_TERMS),
        "phrases": [row["_id"] for row in phrases(entry)],
    }


def phrases(entry: EventEntry) -> list[Row]:
    """What the entry adds to the suggestions."""
    found: dict[str, Row] = {}
    for rank, text in ((NAME, entry.city), (NAME, entry.cuisine), (TITLE, entry.title)):
        key = " ".join(words_of(text))[:_LONGEST_PHRASE]
        if key:
            found[f"{rank}:{key}"] = {"_id": f"{rank}:{key}", "rank": rank, "text": text, "starts": starts(text)}
    return list(found.values())


def terms(rows: Iterable[Row], learned: set[str]) -> list[Row]:
    """What entries add to the words, but for those that were learned; they are noted there."""
    fresh = {term: None for row in rows for term in row["terms"] if term not in learned}
    learned.update(fresh)
    return [{"_id": term, "forms": stored_forms(term)} for term in fresh]


def filters(**wanted: Any) -> list[dict[str, Any]]:
    """Conditions of equality, of those that are wanted at all."""
    return [{name: value} for name, value in wanted.items() if value is not None]
