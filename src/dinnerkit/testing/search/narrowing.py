"""Filters, orders, pages and counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from dinnerkit.ports.search import PRICE_BANDS, PRICE_STEPS, Criteria, Distances, EventEntry, Facets, Order
from dinnerkit.testing.expecting import expect
from dinnerkit.testing.search.bench import OnBench, SearchBench, all_of, days, entry, ids, opened

GRAZ, VIENNA, LYON = (47.07, 15.44), (48.21, 16.37), (45.76, 4.84)
MANY = [
    entry(
        f"e{number:02}",
        title=("Fondue", "Curry night")[number % 2],
        city=("Graz", "Wien", "Lyon")[number % 3],
        cuisine=("Thai", "Swiss")[number % 2],
        tags=(("Vegan",), (), ("Vegan", "Quiet"))[number % 3],
        starts_at=days((number * 5) % 40),
        price=(0, 2000, 2001, 6000, 20_000)[number % 5],
        lat=(GRAZ, VIENNA, LYON)[number % 3][0],
        lon=(GRAZ, VIENNA, LYON)[number % 3][1],
    )
    for number in range(24)
]
Meets = Callable[[EventEntry], bool]
NARROWED: list[tuple[str, dict[str, Any], Meets]] = [
    ("everything", {}, lambda one: True),
    ("a city", {"city_key": "graz"}, lambda one: one.city == "Graz"),
    ("a part of a city's name", {"city_key": "gra"}, lambda one: False),
    ("a cuisine", {"cuisine_key": "thai"}, lambda one: one.cuisine == "Thai"),
    ("a tag", {"tag_key": "vegan"}, lambda one: "Vegan" in one.tags),
    ("a month", {"month": "2030-02"}, lambda one: one.starts_at.month == 2),
    ("starts from a moment, itself included", {"starts_from": days(10)}, lambda one: one.starts_at >= days(10)),
    ("starts before a moment, itself excluded", {"starts_before": days(10)}, lambda one: one.starts_at < days(10)),
    ("at most a price", {"max_price": 2000}, lambda one: one.price <= 2000),
    ("at least a price", {"min_price": 2001}, lambda one: one.price >= 2001),
    ("a text", {"text": "fondue"}, lambda one: one.title == "Fondue"),
    (
        "a text and all filters",
        {"text": "curry", "city_key": "wien", "starts_from": days(1), "max_price": 6000},
        lambda one: one.title == "Curry night" and one.city == "Wien" and one.starts_at >= days(1) and one.price <= 6000,
    ),
]
ORDERS: list[tuple[Order, Callable[[EventEntry], tuple[Any, ...]]]] = [
    (Order.STARTS_AT, lambda one: (one.starts_at, one.id)),
    (Order.PRICE, lambda one: (one.price, one.starts_at, one.id)),
    (Order.RELEVANCE, lambda one: (one.starts_at, one.id)),
]


class Narrowing(OnBench):
    """Exact, whatever is combined."""

    def test_each_filter_lets_through_what_meets_it_and_nothing_else(self, bench: SearchBench) -> None:
        """Alone and with others."""
        with opened(bench, *MANY) as search:
            for what, wanted, meets in NARROWED:
                found, due = sorted(all_of(search, Criteria(**wanted))), sorted(one.id for one in MANY if meets(one))
                expect(found == due, f"asked for {what}, it finds {found} where {due} is due")

    def test_each_order_is_kept_over_all_pages(self, bench: SearchBench) -> None:
        """And everything is found once, whatever the size of a page."""
        with opened(bench, *MANY) as search:
            for order, key in ORDERS:
                due = [one.id for one in sorted(MANY, key=key)]
                for limit in (1, 7, 100):
                    found = all_of(search, Criteria(order=order), limit)
                    twice = [one for one, count in Counter(found).items() if count > 1]
                    expect(not twice, f"in the order {order}, {limit} a page, it finds {twice} on more than one page")
                    expect(found == due, f"in the order {order}, {limit} a page, it finds {found} where {due} is due")

    def test_no_page_is_larger_than_was_asked_for(self, bench: SearchBench) -> None:
        """And the last one says that it is."""
        with opened(bench, *MANY) as search:
            page = search.find(Criteria(), len(MANY))
            expect(page.next is None, "a page with all that is there says that more follows")
            page = search.find(Criteria(), 5)
            expect(len(page.hits) == 5, f"of a page of 5 it gives {len(page.hits)}")
            expect(page.next is not None, "a page of 5 out of 24 says that it is the last")

    def test_the_counts_are_of_all_that_is_found(self, bench: SearchBench) -> None:
        """Not of one page, and not of what is not found."""
        with opened(bench, *MANY) as search:
            if not (isinstance(search, Facets) and search.facets):
                pytest.skip("this backend counts nothing")
            for what, wanted, meets in NARROWED:
                counted = search.find(Criteria(**wanted), 2).facets
                for name, value in _VALUES.items():
                    due = Counter(value(one) for one in MANY if meets(one))
                    expect(
                        dict(counted.get(name, {})) == due,
                        f"asked for {what}, it counts {dict(counted.get(name, {}))} by {name} where {dict(due)} is due",
                    )

    def test_what_is_near_is_found_with_its_distance(self, bench: SearchBench) -> None:
        """Also across the meridian at which the longitudes begin anew."""
        east, west = entry("east", lat=-17.0, lon=179.9), entry("west", lat=-17.0, lon=-179.9)
        with opened(bench, *MANY, east, west) as search:
            if not (isinstance(search, Distances) and search.distances):
                pytest.skip("this backend knows no distances")
            near = Criteria(near=VIENNA, radius_km=150.0, order=Order.DISTANCE)
            found = search.find(near, 100)
            due = [one for one in MANY if one.city in ("Wien", "Graz")]
            expect(set(ids(found)) == {one.id for one in due}, f"within 150 km of Vienna it finds {sorted(ids(found))}")
            metres = [hit.distance_km for hit in found.hits if hit.distance_km is not None]
            expect(len(metres) == len(due), "what is found near a place does not say how far away it is")
            expect(metres == sorted(metres), f"nearest first, it finds these distances: {metres}")
            expect(all(way in (0.0, 144.7, 144.8) for way in metres), f"Graz is 144.7 km from Vienna, and it says {sorted(set(metres))}")
            expect(all_of(search, near, 3) == ids(found), "nearest first, its pages of 3 are not what one page of 100 is")
            far = search.find(Criteria(near=(-17.0, 179.95), radius_km=30.0), 10)
            expect(set(ids(far)) == {"east", "west"}, f"within 30 km of the antimeridian it finds {ids(far)} where both sides are due")


def _band(price: int) -> str:
    return PRICE_BANDS[sum(price > step for step in PRICE_STEPS)]


_VALUES: dict[str, Callable[[EventEntry], str]] = {
    "city": lambda one: one.city,
    "cuisine": lambda one: one.cuisine,
    "month": lambda one: one.month,
    "price": lambda one: _band(one.price),
}
