"""What a visitor looks for on the front page, as it is asked of the search, and as links that narrow or widen it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from dinnerkit.events.listing import DEFAULT_RADIUS_KM, EventQuery, Sort
from dinnerkit.events.rules import LONGEST_NAME, Location
from dinnerkit.money import Money
from dinnerkit.ports.search import LONGEST_TEXT, PRICE_BANDS, Order
from dinnerkit.search.rules import FacetValue, SearchQuery, ShownFacets
from dinnerkit.web.words import sum_of_money

DISTANCES = ("10", "25", "50", "100")
"""How many kilometres around a city people look."""

NAMES = ("q", "city", "within", "cuisine", "date", "month", "price", "sort")
"""The names in the page's address."""

_LONGEST = {"q": LONGEST_TEXT}
_MONTH = re.compile(r"2[0-9]{3}-(0[1-9]|1[0-2])", re.ASCII)
_MOST_LINKS = 8


@dataclass(frozen=True, slots=True)
class FacetLink:
    """A value by which what was found can be narrowed: its words, how many events have it, and the address's values that choose it."""

    words: str
    count: int
    chooses: Mapping[str, str]


def wanted(arguments: Mapping[str, str]) -> dict[str, str]:
    """What the visitor looks for, as it is shown again; whatever makes no sense is left out."""
    found = {name: arguments.get(name, "").strip()[: _LONGEST.get(name, LONGEST_NAME)] for name in NAMES}
    sensible = {
        "date": _midnight(found["date"]) is not None,
        "month": _MONTH.fullmatch(found["month"]) is not None,
        "price": found["price"] in PRICE_BANDS,
        "sort": found["sort"] in {Sort.PRICE, Sort.STARTS_AT},
        "within": found["within"] in DISTANCES and bool(found["city"]),
    }
    return found | {name: "" for name, makes_sense in sensible.items() if not makes_sense}


def query_of(found: Mapping[str, str], centre: Location | None) -> SearchQuery:
    """What is asked of the search; ``centre`` is where the city is, if distances count from it."""
    cheapest, dearest = _band(found["price"])
    order = Order(found["sort"]) if found["sort"] else Order.RELEVANCE if found["q"] or centre is None else Order.DISTANCE
    filters = EventQuery(
        city=(found["city"] or None) if centre is None else None,
        cuisine=found["cuisine"] or None,
        starts_from=_midnight(found["date"]),
        min_price=cheapest,
        max_price=dearest,
        near=centre,
        radius_km=float(found["within"]) if centre else DEFAULT_RADIUS_KM,
    )
    return SearchQuery(text=found["q"], month=found["month"] or None, filters=filters, order=order)


def links(found: Mapping[str, str], facets: ShownFacets, currencies: set[str]) -> dict[str, list[FacetLink]]:
    """What can be chosen next, by the heading under which it is shown; nothing where there is only one value, or it is chosen."""
    groups: dict[str, tuple[str, Sequence[FacetValue]]] = {
        "City": ("city", facets["city"]),
        "Cuisine": ("cuisine", facets["cuisine"]),
        "Month": ("month", facets["month"]),
        "Price": ("price", facets["price"] if len(currencies) == 1 else []),
    }
    shown = {}
    for heading, (name, values) in groups.items():
        more = {"within": ""} if name == "city" else {}
        if len(values) > 1 and (not found[name] or (name == "city" and found["within"])):
            shown[heading] = [
                FacetLink(_words(name, value["value"], currencies), value["count"], {**found, name: value["value"], **more})
                for value in values[:_MOST_LINKS]
            ]
    return shown


def chosen(found: Mapping[str, str], currencies: set[str]) -> list[FacetLink]:
    """What is chosen, each with the address's values without it."""
    names = [name for name in ("q", "city", "cuisine", "date", "month", "price") if found[name]]
    return [
        FacetLink(_said(name, found, currencies), 0, {**found, name: "", **({"within": ""} if name == "city" else {})}) for name in names
    ]


def _said(name: str, found: Mapping[str, str], currencies: set[str]) -> str:
    if name == "q":
        return f"“{found['q']}”"
    if name == "city" and found["within"]:
        return f"{found['within']} km around {found['city']}"
    return f"from {found['date']}" if name == "date" else _words(name, found[name], currencies)


def _words(name: str, value: str, currencies: set[str]) -> str:
    if name == "month":
        return f"{date(int(value[:4]), int(value[5:]), 1):%B %Y}"
    if name != "price":
        return value
    cheapest, dearest = _band(value)
    if dearest == 0:
        return "free"
    if len(currencies) != 1:
        return "this price"
    (currency,) = currencies
    low, high = (sum_of_money(Money(max(amount or 0, 0), currency)) for amount in ((cheapest or 1) - 1, dearest))
    return f"above {low}" if dearest is None else f"up to {high}" if cheapest == 1 else f"{low} to {high}"


def _band(value: str) -> tuple[int | None, int | None]:
    """The cheapest and the dearest of a price band."""
    if not value:
        return None, None
    low, _, high = value.partition("-")
    return int(low), (int(high) if high else None if "-" in value else int(low))


def _midnight(typed: str) -> datetime | None:
    try:
        return datetime.combine(date.fromisoformat(typed), time.min, UTC)
    except ValueError:
        return None


def address(values: Mapping[str, str], **more: Any) -> dict[str, Any]:
    """The values as an address has them: without those that say nothing."""
    return {name: value for name, value in (dict(values) | more).items() if value}
