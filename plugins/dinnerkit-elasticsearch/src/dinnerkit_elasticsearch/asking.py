"""Questions as Elasticsearch is asked them: which entries, how well each fits, in which order, and how many of each kind. Pure."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from elasticsearch.dsl import Search
from elasticsearch.dsl.query import Bool, ConstantScore, DisMax, Exists, Fuzzy, GeoDistance, Prefix, Query, Range, Term

from dinnerkit.ports.search import EARTH_RADIUS_KM, LONGEST_TEXT, MOST_VALUES, Criteria, Order
from dinnerkit.ports.search_words import asked_words, is_unspaced, pairs, slips
from dinnerkit_elasticsearch.entries import SUGGESTED, microseconds

LONGER = EARTH_RADIUS_KM / 6371.0087714
"""By how much a way is longer here than where Elasticsearch reckons it, on a sphere of the Earth's mean radius."""

FACETS = {"city": "city", "cuisine": "cuisine", "month": "month", "price": "band"}

_MOST_PAIRS = 30
"""Pairs of neighbouring characters looked for in one query; what follows is ignored, as of words."""

_SEVERAL_SHARDS = 1000
"""So many values each shard counts, so that the sums are right for all but a city with a handful of events."""

_KEYS: dict[Order, tuple[type, ...]] = {
    Order.RELEVANCE: (float, int, str),
    Order.STARTS_AT: (int, str),
    Order.PRICE: (int, int, str),
    Order.DISTANCE: (float, int, str),
}
"""What entries are compared by in each order."""

_CANDIDATES, _MOST_CANDIDATES = 500, 10_000
"""So many people each shard looks at, at least and at most: the graph of neighbours is walked, not everybody compared."""

_LONGEST_PLACE = 400
_LARGEST = 2**63


@dataclass(frozen=True, slots=True)
class Word:
    """A word that is looked for, and whether it may be a slip of the pen."""

    text: str
    slipped: bool = False

    @property
    def whole(self) -> bool:
        """Whether the word alone is meant, and no longer one: what begins with one letter is a good part of everything."""
        return len(self.text) == 1 or is_unspaced(self.text)


@dataclass(frozen=True, slots=True)
class Place:
    """After which entry a page begins: what that is compared by, and which of the words were taken for slips."""

    slipped: tuple[int, ...]
    values: tuple[Any, ...]


def words_in(text: str) -> list[Word]:
    """What a text looks for.

    Raises:
        ValueError: it is too long.
    """
    if len(text) > LONGEST_TEXT:
        raise ValueError(f"a text has at most {LONGEST_TEXT} characters, not {len(text)}")
    asked = asked_words(text)
    parts = dict.fromkeys(part for word in asked if is_unspaced(word) for part in pairs(word) or [word])
    return [Word(text) for text in (*islice(parts, _MOST_PAIRS), *(word for word in asked if not is_unspaced(word)))]


def order_of(criteria: Criteria, words: Sequence[Word]) -> Order:
    """The order that the answer really has."""
    pointless = (criteria.order is Order.RELEVANCE and not words) or (criteria.order is Order.DISTANCE and criteria.near is None)
    return Order.STARTS_AT if pointless else criteria.order


def page(search: Search[Any], criteria: Criteria, words: Sequence[Word], limit: int, place: Place | None) -> Search[Any]:
    """A page and one entry more, with the counts of all that is found."""
    order = order_of(criteria, words)
    asked = search.query(Bool(must=[_fits(word) for word in words], filter=_conditions(criteria)))
    asked = asked.source(False).sort(*_sorted(criteria, order)).extra(size=limit + 1, track_total_hits=False)
    for name, member in FACETS.items():
        asked.aggs.bucket(name, "terms", field=member, size=MOST_VALUES, shard_size=_SEVERAL_SHARDS)
    if place is not None:
        further = [0.0] if criteria.near is not None and order is not Order.DISTANCE else []
        asked = asked.extra(search_after=[*place.values, *further])
    return asked


def knowing(search: Search[Any], words: Sequence[Word]) -> Search[Any]:
    """How many entries have each word, under its number."""
    asked = search.query(Exists(field="starts_at")).extra(size=0, track_total_hits=False)
    for number, word in enumerate(words):
        asked.aggs.bucket(str(number), "filter", _has(word, "terms"))
    return asked


def suggesting(search: Search[Any], typed: str, limit: int, *, slipped: bool) -> Search[Any]:
    """What begins so, of each kind."""
    asked = search.extra(size=0, _source=[f"{name}_shown" for name in SUGGESTED])
    forgiving = {"fuzzy": {"fuzziness": 1, "min_length": 4, "prefix_length": 1, "unicode_aware": True}} if slipped else {}
    for name in SUGGESTED:
        completion = {"field": f"{name}_starts", "size": limit, "skip_duplicates": True, **forgiving}
        asked = asked.suggest(name, typed, completion=completion)
    return asked


def near(search: Search[Any], traits: Sequence[float], farthest: float, limit: int) -> Search[Any]:
    """The people nearest to these traits, and no farther away."""
    candidates = min(_MOST_CANDIDATES, max(_CANDIDATES, 4 * limit))
    asked = search.knn("traits", limit, candidates, query_vector=list(traits), similarity=farthest)
    return asked.source(False).extra(size=limit, track_total_hits=False)


def encode_place(order: Order, words: Sequence[Word], values: Sequence[Any]) -> str:
    """The place after that entry, as it is given to whoever asks for the next page."""
    slipped = [number for number, word in enumerate(words) if word.slipped]
    told = json.dumps([order.value, slipped, *values[: len(_KEYS[order])]], ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(told.encode()).decode().rstrip("=")


def decode_place(order: Order, words: Sequence[Word], after: str) -> Place:
    """The place that was given.

    Raises:
        ValueError: it is none of that order.
    """
    try:
        told = json.loads(base64.urlsafe_b64decode(after + "=" * (-len(after) % 4))) if len(after) <= _LONGEST_PLACE else None
    except (ValueError, RecursionError):
        told = None
    if not (isinstance(told, list) and len(told) > 1 and told[0] == order.value):
        raise ValueError("that is no place in this order")
    slipped, values = told[1], tuple(told[2:])
    if not (_is_list_of_numbers(slipped, len(words)) and _are(values, _KEYS[order])):
        raise ValueError("that is no place in this order")
    return Place(tuple(slipped), values)


def _is_list_of_numbers(told: Any, below: int) -> bool:
    return isinstance(told, list) and all(type(number) is int and 0 <= number < below for number in told)


def _are(values: Sequence[Any], kinds: Sequence[type]) -> bool:
    return len(values) == len(kinds) and all(_is(value, kind) for value, kind in zip(values, kinds, strict=True))


def _is(value: Any, kind: type) -> bool:
    if kind is str:
        return isinstance(value, str)
    number = type(value) is int or (kind is float and type(value) is float)
    return number and abs(value) < _LARGEST  # which neither infinity nor NaN is


def _fits(word: Word) -> Query:
    """Entries with the word, and how well they fit: the word before a longer one, the title before names, and these before the rest."""
    grades = [(_is_term(word, "title"), 12), (_is_term(word, "heads"), 10), (_is_term(word, "terms"), 4)]
    if not word.whole:
        grades += [(_begins(word, "title"), 7), (_begins(word, "heads"), 6), (_begins(word, "terms"), 1)]
    if word.slipped:
        grades += [(_near(word, "heads"), 5), (_near(word, "terms"), 1)]
    return DisMax(queries=[ConstantScore(filter=query, boost=grade) for query, grade in grades])


def _has(word: Word, member: str) -> Query:
    return _is_term(word, member) if word.whole else _begins(word, member)


def _is_term(word: Word, member: str) -> Query:
    return Term(**{member: {"value": word.text}})


def _begins(word: Word, member: str) -> Query:
    return Prefix(**{member: {"value": word.text}})


def _near(word: Word, member: str) -> Query:
    return Fuzzy(**{member: {"value": word.text, "fuzziness": slips(word.text), "transpositions": True}})


def _conditions(criteria: Criteria) -> list[Query]:
    starts = {"gte": microseconds(criteria.starts_from)} if criteria.starts_from else {}
    starts |= {"lt": microseconds(criteria.starts_before)} if criteria.starts_before else {}
    found: list[Query] = [Range(starts_at=starts) if starts else Exists(field="starts_at")]  # what was removed has none
    exact = {
        "city_key": criteria.city_key,
        "cuisine_key": criteria.cuisine_key,
        "tag_keys": criteria.tag_key,
        "month": criteria.month,
    }
    found += [Term(**{name: value}) for name, value in exact.items() if value is not None]
    prices = {name: value for name, value in (("gte", criteria.min_price), ("lte", criteria.max_price)) if value is not None}
    if prices:
        found.append(Range(price=prices))
    if criteria.near is not None:
        lat, lon = criteria.near
        found.append(GeoDistance(distance=f"{criteria.radius_km / LONGER}km", place={"lat": lat, "lon": lon}))
    return found


def _sorted(criteria: Criteria, order: Order) -> list[dict[str, Any]]:
    """By what entries are compared; how far away they are comes last where it does not count, to be told."""
    first: dict[Order, list[dict[str, Any]]] = {
        Order.RELEVANCE: [{"_score": {"order": "desc"}}],
        Order.PRICE: [{"price": {"order": "asc"}}],
    }
    keys = [*first.get(order, []), {"starts_at": {"order": "asc"}}, {"id": {"order": "asc"}}]
    if criteria.near is None:
        return keys
    lat, lon = criteria.near
    way = {"_geo_distance": {"place": {"lat": lat, "lon": lon}, "order": "asc", "unit": "km", "distance_type": "arc"}}
    return [way, *keys] if order is Order.DISTANCE else [*keys, way]
