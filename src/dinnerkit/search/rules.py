"""What goes into the index, what is asked of it, and how its counts are shown. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TypedDict
from zoneinfo import ZoneInfo

from dinnerkit.events.listing import EventQuery, Sort
from dinnerkit.events.rules import Event
from dinnerkit.ports.search import PRICE_BANDS, Counts, Criteria, EventEntry, Order
from dinnerkit.texts import search_key

_MILLISECOND = timedelta(milliseconds=1)
_DAY = timedelta(days=1)
_DECEMBER = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchQuery:
    """What somebody looks for.

    Attributes:
        text: all of its words are in the event.
        month: in which the event starts where its guests are, such as ``2026-12``.
        filters: as of the plain list; its order is the one of the plain list that is shown without an index.
    """

    text: str = ""
    month: str | None = None
    filters: EventQuery = field(default_factory=EventQuery)
    order: Order = Order.RELEVANCE


class FacetValue(TypedDict):
    """A value that the answer can be narrowed to, and how many of the events found have it."""

    value: str
    count: int


class ShownFacets(TypedDict):
    """The counts of what was found."""

    city: list[FacetValue]
    cuisine: list[FacetValue]
    month: list[FacetValue]
    price: list[FacetValue]


def entry_of(event: Event) -> EventEntry:
    """The event as the index knows it."""
    details = event.details
    return EventEntry(
        id=event.id,
        version=event.version,
        title=details.title,
        description=details.description,
        city=details.city,
        city_key=search_key(details.city),
        cuisine=details.cuisine,
        cuisine_key=search_key(details.cuisine),
        venue=details.venue.name,
        tags=details.tags,
        tag_keys=tuple(search_key(tag) for tag in details.tags),
        starts_at=details.starts_at,
        month=f"{details.starts_at.astimezone(ZoneInfo(details.timezone)):%Y-%m}",
        price=details.price.amount,
        lat=details.venue.location.lat,
        lon=details.venue.location.lon,
    )


def criteria_of(query: SearchQuery, now: datetime) -> Criteria:
    """The query as the index is asked: of what has not begun."""
    filters = query.filters
    earliest = [now + _MILLISECOND, *([filters.starts_from] if filters.starts_from else [])]
    latest = [filters.starts_before] if filters.starts_before else []
    if query.month is not None:  # wherever the guests are: so the index of starts needs not be read beyond
        first, end = month_span(query.month)
        earliest.append(first - _DAY)
        latest.append(end + _DAY)
    return Criteria(
        text=query.text,
        city_key=_key(filters.city),
        cuisine_key=_key(filters.cuisine),
        tag_key=_key(filters.tag),
        month=query.month,
        starts_from=max(earliest),
        starts_before=min(latest, default=None),
        min_price=filters.min_price,
        max_price=filters.max_price,
        near=(filters.near.lat, filters.near.lon) if filters.near else None,
        radius_km=filters.radius_km,
        order=query.order,
    )


def plain(query: SearchQuery) -> EventQuery:
    """What is left of the query for the plain list: all but the text; the month is taken in UTC."""
    filters = replace(query.filters, sort=Sort(query.order.value) if query.order is not Order.RELEVANCE else Sort.STARTS_AT)
    if query.month is None:
        return filters
    first, end = month_span(query.month)
    starts_from = max(first, filters.starts_from) if filters.starts_from else first
    return replace(filters, starts_from=starts_from, starts_before=min(end, filters.starts_before) if filters.starts_before else end)


def month_span(month: str) -> tuple[datetime, datetime]:
    """Where a month such as ``2026-12`` begins in UTC, and where the next one does."""
    year, number = int(month[:4]), int(month[5:])
    first = datetime(year, number, 1, tzinfo=UTC)
    return first, datetime(year + number // _DECEMBER, number % _DECEMBER + 1, 1, tzinfo=UTC)


def shown_facets(facets: Mapping[str, Counts]) -> ShownFacets:
    """The counts as they are shown: names once, in the spelling of most, the most frequent first; months and prices in their order."""
    months = sorted(facets.get("month", {}).items())
    prices = facets.get("price", {})
    return {
        "city": _by_name(facets.get("city", {})),
        "cuisine": _by_name(facets.get("cuisine", {})),
        "month": [{"value": month, "count": count} for month, count in months],
        "price": [{"value": band, "count": prices[band]} for band in PRICE_BANDS if band in prices],
    }


def _by_name(counts: Counts) -> list[FacetValue]:
    spellings: dict[str, Counter[str]] = defaultdict(Counter)
    for name, count in counts.items():
        spellings[search_key(name)][name] += count
    merged = ((names.most_common(1)[0][0], names.total()) for names in spellings.values())
    return [{"value": name, "count": count} for name, count in sorted(merged, key=lambda one: (-one[1], search_key(one[0])))]


def _key(name: str | None) -> str | None:
    return None if name is None else search_key(name)
