"""Queries of the index as pipelines: which entries, how well each fits, in which order, and how many of each kind. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from bson.regex import Regex

from dinnerkit.backends.search.rows import filters
from dinnerkit.events.listing import after
from dinnerkit.ports.search import COUNTED_EXACTLY, EARTH_RADIUS_KM, MOST_VALUES, Criteria, Order
from dinnerkit.ports.search_words import is_unspaced

KEYS = {
    Order.RELEVANCE: ("rank", "starts_at", "_id"),
    Order.STARTS_AT: ("starts_at", "_id"),
    Order.PRICE: ("price", "starts_at", "_id"),
    Order.DISTANCE: ("metres", "starts_at", "_id"),
}
"""By which fields each order sorts, ascending."""

CURSORS: dict[Order, tuple[type[Any], ...]] = {
    Order.RELEVANCE: (str, int, datetime, str),
    Order.STARTS_AT: (str, datetime, str),
    Order.PRICE: (str, int, datetime, str),
    Order.DISTANCE: (str, int, datetime, str),
}
"""What the place after which a page begins consists of: the order's name, then the values of its keys."""

FACETS = {"city": "city", "cuisine": "cuisine", "month": "month", "price": "band"}

STORED = (Order.STARTS_AT, Order.PRICE)
"""The orders by what is stored, which an index can give; the others are reckoned for each entry that meets the conditions."""

MOST_COMPARED = 2000
"""Entries that are compared by how well they fit, the soonest, or by how near they are, the nearest: what a word such as "and" finds, or a
circle around half a country, is not all worth it."""
MOST_COUNTED = COUNTED_EXACTLY

_EVER = datetime(1, 1, 1, tzinfo=UTC)
_METRES = 2 * EARTH_RADIUS_KM * 1000


@dataclass(frozen=True, slots=True)
class Wanted:
    """A word that is looked for: as typed, the known words that begin so, and those it may be a slip of."""

    word: str
    longer: tuple[str, ...] = ()
    meant: tuple[str, ...] = ()


def beginning(prefix: str) -> Regex[str]:
    """A pattern of the terms that begin so. A compiled pattern of Python's has a flag with which MongoDB reads the whole index."""
    return Regex("^" + re.escape(prefix))


def order_of(criteria: Criteria, words: list[Wanted]) -> Order:
    """The order that the answer really has."""
    pointless = (criteria.order is Order.RELEVANCE and not words) or (criteria.order is Order.DISTANCE and criteria.near is None)
    return Order.STARTS_AT if pointless else criteria.order


def page(criteria: Criteria, words: list[Wanted], limit: int, last: tuple[Any, ...]) -> list[dict[str, Any]]:
    """A page and one entry more, with what they are sorted by."""
    order = order_of(criteria, words)
    keys, compared = KEYS[order], _compared(criteria, words, order)
    further = [{"$match": after(keys, last)}] if last else []
    first: list[dict[str, Any]] = [*further, {"$sort": dict.fromkeys(keys, 1)}, {"$limit": limit + 1}]
    if order is Order.DISTANCE and not words:
        return [*_outwards(criteria, last), {"$project": compared}, *first]
    found: list[dict[str, Any]] = [{"$match": {"$and": conditions(criteria, words)}}]
    if order in STORED:
        return [*found, *first, {"$project": compared}]
    if order is Order.RELEVANCE:
        found += [{"$sort": dict.fromkeys(KEYS[Order.STARTS_AT], 1)}, {"$limit": MOST_COMPARED}]
    return [*found, {"$project": compared}, *first]


def _outwards(criteria: Criteria, last: tuple[Any, ...]) -> list[dict[str, Any]]:
    """The nearest entries from the last one on, as the index of places gives them: not all within the radius are looked at."""
    assert criteria.near is not None  # noqa: S101 - without a place there is no such order
    lat, lon = criteria.near
    asked = {
        "near": {"type": "Point", "coordinates": [lon, lat]},
        "key": "place",
        "spherical": True,
        "distanceField": "way",
        "minDistance": max(last[0] - 1, 0) if last else 0,  # the last one's metres are rounded
        "maxDistance": criteria.radius_km * 1000,
        "query": {"$and": conditions(replace(criteria, near=None), [])},
    }
    return [{"$geoNear": asked}, {"$limit": MOST_COMPARED}]


def counts(criteria: Criteria, words: list[Wanted]) -> list[dict[str, Any]]:
    """How many of what is found have each value, under the name of each facet; of the first :data:`MOST_COUNTED`."""
    return [
        {"$match": {"$and": conditions(criteria, words)}},
        {"$limit": MOST_COUNTED},
        {"$project": {"_id": 0, **dict.fromkeys(FACETS.values(), 1)}},
        {"$facet": {name: _counted(member) for name, member in FACETS.items()}},
    ]


def conditions(criteria: Criteria, words: list[Wanted]) -> list[dict[str, Any]]:
    """What an entry must meet."""
    until = {"$lt": criteria.starts_before} if criteria.starts_before else {}
    found: list[dict[str, Any]] = [{"terms": _matches(word)} for word in words]
    found.append({"starts_at": {"$gte": criteria.starts_from or _EVER, **until}})  # what was removed has none
    found += filters(city_key=criteria.city_key, cuisine_key=criteria.cuisine_key, tag_keys=criteria.tag_key, month=criteria.month)
    if criteria.min_price is not None:
        found.append({"price": {"$gte": criteria.min_price}})
    if criteria.max_price is not None:
        found.append({"price": {"$lte": criteria.max_price}})
    if criteria.near is not None:
        lat, lon = criteria.near
        found.append({"place": {"$geoWithin": {"$centerSphere": [[lon, lat], criteria.radius_km / EARTH_RADIUS_KM]}}})
    return found


def _matches(wanted: Wanted) -> Any:
    whole = len(wanted.word) == 1 or is_unspaced(wanted.word)  # what begins with one letter is a good part of everything
    return wanted.word if whole else {"$in": [beginning(wanted.word), *wanted.meant]}


def _compared(criteria: Criteria, words: list[Wanted], order: Order) -> dict[str, Any]:
    compared: dict[str, Any] = {"starts_at": 1, "price": 1}
    if order is Order.RELEVANCE:
        compared["rank"] = {"$subtract": [0, {"$add": [_points(word) for word in words]}]}
    if criteria.near is not None:
        compared["metres"] = _distance(*criteria.near)
    return compared


def _points(wanted: Wanted) -> dict[str, Any]:
    """How well an entry fits a word that it has: the word itself before a longer one, the title before names, these before the rest."""
    grades: list[tuple[dict[str, Any], int]] = [
        ({"$in": [wanted.word, "$title"]}, 12),
        ({"$in": [wanted.word, "$heads"]}, 10),
        (_any_of(wanted.longer, "$title"), 7),
        (_any_of(wanted.longer, "$heads"), 6),
        (_any_of(wanted.meant, "$heads"), 5),
        ({"$in": [wanted.word, "$terms"]}, 4),
    ]
    branches = [{"case": case, "then": points} for case, points in grades if case]
    return {"$switch": {"branches": branches, "default": 1}}


def _any_of(terms: tuple[str, ...], member: str) -> dict[str, Any]:
    return {"$ne": [{"$setIntersection": [list(terms), member]}, []]} if terms else {}


def _distance(lat: float, lon: float) -> dict[str, Any]:
    """The way to the venue in whole metres: the haversine formula, as in :func:`dinnerkit.events.listing.distance_km`."""
    there = {"lon": {"$arrayElemAt": ["$place.coordinates", 0]}, "lat": {"$arrayElemAt": ["$place.coordinates", 1]}}
    rise = {"$pow": [{"$sin": {"$degreesToRadians": {"$divide": [{"$subtract": [there["lat"], lat]}, 2]}}}, 2]}
    turn = {"$pow": [{"$sin": {"$degreesToRadians": {"$divide": [{"$subtract": [there["lon"], lon]}, 2]}}}, 2]}
    narrowing = {"$multiply": [{"$cos": {"$degreesToRadians": there["lat"]}}, {"$cos": {"$degreesToRadians": lat}}]}
    part = {"$min": [1.0, {"$sqrt": {"$add": [rise, {"$multiply": [narrowing, turn]}]}}]}
    return {"$toInt": {"$round": [{"$multiply": [_METRES, {"$asin": part}]}, 0]}}


def _counted(member: str) -> list[dict[str, Any]]:
    return [
        {"$group": {"_id": f"${member}", "count": {"$sum": 1}}},
        {"$sort": {"count": -1, "_id": 1}},
        {"$limit": MOST_VALUES},
    ]
