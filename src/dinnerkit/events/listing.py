"""The lists of events as queries: which filters, in which order, from where on. Pure: it makes queries and does not ask them.

Each list is read by keyset: a page begins after the last item of the page before, by value, so that events which come and go in between
move nothing. The values end with the id, so that the order is total.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from math import asin, cos, radians, sin, sqrt
from typing import Any, TypeVar

from dinnerkit.events.rules import Location
from dinnerkit.http.paging import BadCursor, decode_cursor, encode_cursor
from dinnerkit.ports.search import EARTH_RADIUS_KM
from dinnerkit.texts import search_key

T = TypeVar("T")

DEFAULT_RADIUS_KM = 50.0
LARGEST_RADIUS_KM = 20_000.0
"""Just under half the way round the Earth."""


class Sort(StrEnum):
    """The order of a list. By price compares amounts, whatever their currency; what costs the same comes by start."""

    STARTS_AT = "starts_at"
    PRICE = "price"
    DISTANCE = "distance"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventQuery:
    """What a reader looks for among the published events that have not begun; None asks for nothing.

    Attributes:
        city: compared without case and accents, as are ``cuisine`` and ``tag``.
        starts_from: the earliest start.
        starts_before: where the starts end; itself excluded.
        min_price, max_price: in minor units of each event's own currency; currencies are not converted.
        near: together with ``radius_km`` a disc in which the venue lies.
        sort: by distance needs ``near``, and is by start without.
    """

    city: str | None = None
    cuisine: str | None = None
    tag: str | None = None
    starts_from: datetime | None = None
    starts_before: datetime | None = None
    min_price: int | None = None
    max_price: int | None = None
    near: Location | None = None
    radius_km: float = DEFAULT_RADIUS_KM
    sort: Sort = Sort.STARTS_AT

    @property
    def order(self) -> Sort:
        """The order that the list really has."""
        return Sort.STARTS_AT if self.sort is Sort.DISTANCE and self.near is None else self.sort


SORT_KEYS = {Sort.STARTS_AT: ("starts_at", "_id"), Sort.PRICE: ("price.amount", "starts_at", "_id")}
"""The stored fields by which each order sorts, ascending; the order by distance is MongoDB's own."""

CURSOR_KINDS: dict[Sort, tuple[type[Any], ...]] = {
    Sort.STARTS_AT: (str, datetime, str),
    Sort.PRICE: (str, int, datetime, str),
    Sort.DISTANCE: (str, float, str),
}
"""What the cursor of each order holds: the order's name, then the values of the last item."""


def conditions(query: EventQuery, now: datetime) -> list[dict[str, Any]]:
    """The filters, all but the distance, each as a condition on stored events."""
    earliest = {"$gte": query.starts_from} if query.starts_from else {}
    latest = {"$lt": query.starts_before} if query.starts_before else {}
    found: list[dict[str, Any]] = [{"listed": True}, {"starts_at": {"$gt": now, **earliest, **latest}}]
    for name, wanted in (("city_key", query.city), ("cuisine_key", query.cuisine), ("tag_keys", query.tag)):
        if wanted is not None:
            found.append({name: search_key(wanted)})
    if query.min_price is not None:
        found.append({"price.amount": {"$gte": query.min_price}})
    if query.max_price is not None:
        found.append({"price.amount": {"$lte": query.max_price}})
    return found


def within(near: Location, radius_km: float) -> dict[str, Any]:
    """The condition that the venue lies in the disc; unlike ``$nearSphere`` it leaves the order alone."""
    return {"venue.location": {"$geoWithin": {"$centerSphere": [[near.lon, near.lat], radius_km / EARTH_RADIUS_KM]}}}


def after(keys: Sequence[str], values: Sequence[Any]) -> dict[str, Any]:
    """The condition of coming after these values in the order by these keys.

    The first key's bound stands by itself, where an index can use it.
    """
    ways = []
    for place, (key, value) in enumerate(zip(keys, values, strict=True)):
        equal = dict(zip(keys[1:place], values[1:place], strict=True))
        ways.append({**equal, key: {"$gt": value}})
    return {keys[0]: {"$gte": values[0]}, "$or": ways}


def last_of(order: Sort, cursor: str | None) -> tuple[Any, ...]:
    """The values by which the last item of the page before was sorted; none for the first page."""
    if cursor is None:
        return ()
    name, *values = decode_cursor(cursor, *CURSOR_KINDS[order])
    if name != order.value:
        raise BadCursor
    return tuple(values)


def position(order: Sort, row: Mapping[str, Any]) -> tuple[Any, ...]:
    """Where an event stands in the order, for the cursor of what comes after it."""
    by = (row["price"]["amount"], row["starts_at"]) if order is Sort.PRICE else (row["starts_at"],)
    return (order.value, *by, row["id"])


def following(found: Sequence[T], limit: int, position: Callable[[T], tuple[Any, ...]]) -> str | None:
    """The cursor of what comes after the page, where more was found than fits."""
    return encode_cursor(*position(found[limit - 1])) if len(found) > limit else None


def distance_km(here: Location, there: Location) -> float:
    """The way between two places on the sphere (the haversine formula)."""
    rise = sin(radians(there.lat - here.lat) / 2) ** 2
    turn = sin(radians(there.lon - here.lon) / 2) ** 2
    return 2 * EARTH_RADIUS_KM * asin(min(1.0, sqrt(rise + cos(radians(here.lat)) * cos(radians(there.lat)) * turn)))
