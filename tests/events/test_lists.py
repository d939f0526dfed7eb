from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import product
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymongo import MongoClient
from pymongo.database import Database

from dinnerkit.events.documents import EventDocument
from dinnerkit.events.listing import EventQuery, Sort, after, distance_km
from dinnerkit.events.rows import stored
from dinnerkit.events.rules import EventDetails, Location, Venue
from dinnerkit.events.service import EventService
from dinnerkit.http.json_bytes import to_json
from dinnerkit.http.paging import BadCursor, encode_cursor
from dinnerkit.identity import Principal
from dinnerkit.ids import new_id
from dinnerkit.money import Money
from dinnerkit.storage import ensure_indexes

Make = Callable[..., EventDetails]
Publish = Callable[..., str]
Data = Database[dict[str, Any]]

MARIENPLATZ = Location(48.1374, 11.5755)
GRAZ = Location(47.0707, 15.4395)
FIJI_EAST, FIJI_WEST = Location(-17.0, 179.9), Location(-17.0, -179.9)
PLACES = (MARIENPLATZ, Location(48.1379, 11.5761), GRAZ, FIJI_EAST, FIJI_WEST, Location(90, 0))


def at(place: Location) -> Venue:
    return Venue("A kitchen", "", place)


def found(events: EventService, **query: Any) -> list[str]:
    """The titles of all pages."""
    return [item["title"] for item in every_page(events, EventQuery(**query), 2)]


def every_page(events: EventService, query: EventQuery, limit: int) -> Iterator[dict[str, Any]]:
    """The events of all pages, each of which is the same where it is encoded."""
    cursor = None
    while True:
        page = events.upcoming(query, limit, cursor)
        encoded = events.upcoming_encoded(query, limit, cursor)
        assert [event.json for event in encoded["items"]] == [to_json(item) for item in page["items"]]
        assert ([event.row for event in encoded["items"]], encoded["next"]) == (page["items"], page["next"])
        assert len(page["items"]) <= limit
        yield from page["items"]
        cursor = page["next"]
        if cursor is None:
            return
        assert len(page["items"]) == limit


def test_only_what_is_published_and_to_come_is_listed(events: EventService, host: Principal, details: Make, publish: Publish, clock):
    events.create(host, details(title="a draft"))
    events.cancel(host, publish(title="cancelled"))
    publish(title="begun", starts_at=clock.now + timedelta(days=1))
    publish(title="to come", starts_at=clock.now + timedelta(days=1, seconds=1))
    clock.advance(days=1)
    assert found(events) == ["to come"]


def test_a_list_leaves_out_the_long_text_and_nothing_else(events: EventService, publish: Publish):
    view = events.get(publish())
    [item] = events.upcoming(EventQuery())["items"]
    assert item == {name: value for name, value in view.items() if name != "description"}


def test_many_at_once_are_each_given_the_page_that_they_asked_for(events: EventService, publish: Publish):
    for number in range(6):
        publish(title=f"Dinner {number}", city=("Graz", "Linz")[number % 2], price=Money(1000 * number, "EUR"))
    further = events.upcoming_encoded(EventQuery(), 2)["next"]
    asked: list[tuple[EventQuery, int, str | None]] = [
        (EventQuery(city=city, sort=sort), limit, None)
        for city, sort, limit in product(("Graz", "Linz", None), (Sort.STARTS_AT, Sort.PRICE), (1, 2))
    ]
    asked += [(EventQuery(), 2, further), (EventQuery(near=MARIENPLATZ), 2, None)]
    alone = [events.upcoming_encoded(*each) for each in asked]
    with ThreadPoolExecutor(12) as pool:
        found = list(pool.map(lambda number: events.upcoming_encoded(*asked[number // 3 % len(asked)]), range(6 * len(asked))))
    assert found == [alone[number // 3 % len(asked)] for number in range(6 * len(asked))]


def test_names_are_compared_without_case_and_accents(events: EventService, publish: Publish):
    publish(title="wanted", city="München", cuisine="Nouvelle Cuisine", tags=("Très chic", "vegan"))
    publish(title="other", city="Wien", cuisine="Thai", tags=())
    for query in ({"city": "munchen"}, {"city": " MÜNCHEN"}, {"cuisine": "nouvelle  cuisine"}, {"tag": "tres CHIC"}, {"tag": "vegan"}):
        assert found(events, **query) == ["wanted"]
    assert found(events, city="Münch") == []


def test_a_span_of_time_takes_in_its_beginning_and_not_its_end(events: EventService, publish: Publish, clock):
    for day in (1, 2, 3):
        publish(title=f"day {day}", starts_at=clock.now + timedelta(days=day))
    first, last = clock.now + timedelta(days=2), clock.now + timedelta(days=3)
    assert found(events, starts_from=first) == ["day 2", "day 3"]
    assert found(events, starts_before=last) == ["day 1", "day 2"]
    assert found(events, starts_from=first, starts_before=last) == ["day 2"]
    assert found(events, starts_from=last, starts_before=first) == []
    assert found(events, starts_from=clock.now - timedelta(days=9)) == ["day 1", "day 2", "day 3"]


def test_the_highest_price_is_in_minor_units_of_each_currency(events: EventService, publish: Publish):
    publish(title="dear", price=Money(3501, "EUR"))
    publish(title="right", price=Money(3500, "EUR"))
    publish(title="yen", price=Money(3000, "JPY"))
    publish(title="free", price=Money(0, "EUR"))
    assert found(events, max_price=3500, sort=Sort.PRICE) == ["free", "yen", "right"]
    assert found(events, max_price=0) == ["free"]


def test_what_costs_the_same_comes_by_start(events: EventService, publish: Publish, clock):
    for title, price, day in (("b", 100, 2), ("a", 100, 1), ("d", 200, 1), ("c", 100, 3)):
        publish(title=title, price=Money(price, "EUR"), starts_at=clock.now + timedelta(days=day))
    assert found(events, sort=Sort.PRICE) == ["a", "b", "c", "d"]


@pytest.mark.parametrize("sort", list(Sort))
def test_what_is_near_is_found_with_its_distance(events: EventService, publish: Publish, sort: Sort):
    publish(title="here", venue=at(MARIENPLATZ))
    publish(title="Graz", venue=at(GRAZ))
    [item] = events.upcoming(EventQuery(near=Location(48.14, 11.58), sort=sort))["items"]
    assert (item["title"], item["distance_km"]) == ("here", 0.4)
    assert found(events, near=MARIENPLATZ, radius_km=320.0, sort=sort) == ["here", "Graz"]
    assert found(events, near=MARIENPLATZ, radius_km=300.0, sort=sort) == ["here"]


def test_the_nearest_comes_first_across_the_date_line(events: EventService, publish: Publish):
    publish(title="far", venue=at(Location(-17.0, 178.0)))
    publish(title="next door", venue=at(FIJI_EAST))
    assert found(events, near=FIJI_WEST, radius_km=500.0, sort=Sort.DISTANCE) == ["next door", "far"]


def test_all_dinners_of_one_venue_are_found_on_their_pages(events: EventService, publish: Publish):
    made = {publish(venue=at(MARIENPLATZ)) for _ in range(7)}
    listed = [item["id"] for item in every_page(events, EventQuery(near=GRAZ, radius_km=500.0, sort=Sort.DISTANCE), 2)]
    assert listed == sorted(made)


def test_without_a_place_there_is_no_distance_to_sort_by(events: EventService, publish: Publish, clock):
    publish(title="second", starts_at=clock.now + timedelta(days=2))
    publish(title="first", starts_at=clock.now + timedelta(days=1))
    assert found(events, sort=Sort.DISTANCE) == ["first", "second"]


@pytest.mark.parametrize("radius", [0.1, 20_000.0])
@pytest.mark.parametrize("sort", list(Sort))
def test_the_smallest_and_largest_discs_work(events: EventService, publish: Publish, radius: float, sort: Sort):
    publish(title="here", venue=at(MARIENPLATZ))
    assert found(events, near=MARIENPLATZ, radius_km=radius, sort=sort) == ["here"]


@pytest.mark.parametrize(
    "cursor",
    [
        "nonsense",
        encode_cursor("starts_at", 5),
        encode_cursor("starts_at", "tomorrow", "id"),
        encode_cursor("price", 5, 5, "id"),
        encode_cursor("other", 5, "id"),
    ],
)
def test_a_cursor_of_another_list_is_refused(events: EventService, cursor: str):
    with pytest.raises(BadCursor):
        events.upcoming(EventQuery(), cursor=cursor)


def test_hosts_see_all_of_their_own_events_the_newest_first(
    events: EventService, host: Principal, other_host: Principal, details: Make, clock
):
    made = [events.create(host, details(title=str(number)))["id"] for number in range(5)]
    events.publish(host, made[1])
    events.cancel(host, made[2])
    events.create(other_host, details(title="not mine"))
    clock.advance(days=30)
    first = events.hosted(host, 3)
    second = events.hosted(host, 3, first["next"])
    listed = first["items"] + second["items"]
    assert sorted(item["id"] for item in listed) == sorted(made)
    assert [item["id"] for item in listed] == sorted(made, reverse=True)
    assert second["next"] is None
    assert {item["status"] for item in listed} == {"draft", "published", "cancelled"}


def test_the_choices_count_what_is_to_come_under_the_usual_spelling(
    events: EventService, host: Principal, publish: Publish, details: Make, clock
):
    publish(city="Zürich", cuisine="Thai")
    publish(city="München", cuisine="Thai")
    publish(city="MUNCHEN", cuisine="Thai")
    publish(city="München", cuisine="Åland")
    publish(city="Begun", cuisine="Begun", starts_at=clock.now + timedelta(hours=1))
    events.cancel(host, publish(city="Cancelled", cuisine="Cancelled"))
    events.create(host, details(city="Draft"))
    clock.advance(hours=1)
    assert events.choices() == {
        "cities": [{"value": "München", "count": 3}, {"value": "Zürich", "count": 1}],
        "cuisines": [{"value": "Åland", "count": 1}, {"value": "Thai", "count": 3}],
    }


def test_what_has_begun_leaves_the_indexes_of_the_lists(events: EventService, publish: Publish, database: Data, clock):
    begun, later = publish(starts_at=clock.now + timedelta(hours=1)), publish()
    clock.advance(hours=1)
    assert events.delist_begun() == 1
    assert events.delist_begun() == 0
    assert {row["_id"]: row["listed"] for row in database["events"].find()} == {begun: False, later: True}
    assert events.get(begun)["status"] == "published"


# Pages, under whatever order and filter, whatever comes and goes between them.


@pytest.fixture(scope="module")
def crowd(mongo_client: MongoClient[dict[str, Any]]) -> Iterator[Data]:
    database = mongo_client[f"test-{uuid4().hex}"]
    ensure_indexes(database, [EventDocument])
    yield database
    mongo_client.drop_database(database)


NOW = datetime.fromisoformat("2026-11-01T12:00:00Z")

dinners = st.fixed_dictionaries(
    {
        "starts_at": st.integers(1, 3).map(lambda hours: NOW + timedelta(hours=hours)),
        "price": st.integers(0, 2).map(lambda amount: Money(amount, "EUR")),
        "venue": st.sampled_from(PLACES).map(at),
        "city": st.sampled_from(["Graz", "GRAZ", "Linz"]),
        "cuisine": st.sampled_from(["Thai", "Tapas"]),
        "tags": st.sets(st.sampled_from(["a", "b"])).map(tuple),
    }
)
queries = st.builds(
    EventQuery,
    city=st.sampled_from([None, "graz"]),
    cuisine=st.sampled_from([None, "thai"]),
    tag=st.sampled_from([None, "A"]),
    starts_from=st.sampled_from([None, NOW + timedelta(hours=2)]),
    starts_before=st.sampled_from([None, NOW + timedelta(hours=3)]),
    max_price=st.sampled_from([None, 1]),
    near=st.sampled_from([None, *PLACES]),
    radius_km=st.sampled_from([0.5, 400.0, 20_000.0]),
    sort=st.sampled_from(Sort),
)


def add(database: Data, dinner: EventDetails) -> str:
    fresh = {"_id": new_id(), "host": "h", "status": "published", "listed": True, "version": 1, "seats_left": 1, "published_at": NOW}
    row = stored(dinner) | fresh | {"created_at": NOW, "updated_at": NOW}
    database["events"].insert_one(row)
    return row["_id"]


def wanted(query: EventQuery, dinner: EventDetails) -> bool:
    """The filters once more, in plain words."""
    return (
        (query.city is None or dinner.city.lower() == query.city)
        and (query.cuisine is None or dinner.cuisine.lower() == query.cuisine)
        and (query.tag is None or query.tag.lower() in dinner.tags)
        and (query.starts_from is None or dinner.starts_at >= query.starts_from)
        and (query.starts_before is None or dinner.starts_at < query.starts_before)
        and (query.max_price is None or dinner.price.amount <= query.max_price)
        and (query.near is None or distance_km(query.near, dinner.venue.location) <= query.radius_km)
    )


def rank(query: EventQuery, dinner: EventDetails, event_id: str) -> tuple[Any, ...]:
    if query.sort is Sort.DISTANCE and query.near is not None:
        return (round(distance_km(query.near, dinner.venue.location), 3), event_id)
    return (dinner.price.amount if query.sort is Sort.PRICE else 0, dinner.starts_at, event_id)


@settings(max_examples=150, deadline=None)
@given(made=st.lists(dinners, max_size=14), query=queries, limit=st.integers(1, 5))
def test_every_event_is_on_one_page_in_its_order(crowd: Data, details: Make, made: list[dict], query: EventQuery, limit: int):
    crowd["events"].delete_many({})
    kept = {add(crowd, dinner): dinner for dinner in (details(**values) for values in made)}
    listed = [item["id"] for item in every_page(EventService(crowd, lambda: NOW), query, limit)]
    expected = [event_id for event_id, dinner in kept.items() if wanted(query, dinner)]
    assert listed == sorted(expected, key=lambda event_id: rank(query, kept[event_id], event_id))


@settings(max_examples=100, deadline=None)
@given(
    made=st.lists(dinners, min_size=4, max_size=10),
    late=st.lists(dinners, max_size=6),
    gone=st.sets(st.integers(0, 9), max_size=4),
    query=queries,
    limit=st.integers(1, 3),
)
def test_what_comes_and_goes_between_pages_moves_nothing(
    crowd: Data, details: Make, made: list[dict], late: list[dict], gone: set[int], query: EventQuery, limit: int
):
    crowd["events"].delete_many({})
    kept = {add(crowd, dinner): dinner for dinner in (details(**values) for values in made)}
    going = [event_id for place, event_id in enumerate(kept) if place in gone]
    coming = [details(**values) for values in late]
    listed = []
    for item in every_page(EventService(crowd, lambda: NOW), query, limit):
        listed.append(item["id"])
        if coming:
            add(crowd, coming.pop())
        if going:
            crowd["events"].update_one({"_id": going.pop()}, {"$set": {"listed": False}})
    assert len(listed) == len(set(listed))
    stayed = {event_id for place, event_id in enumerate(kept) if place not in gone}
    assert {event_id for event_id in stayed if wanted(query, kept[event_id])} <= set(listed)


@given(
    rows=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 2)), max_size=20), last=st.tuples(*[st.integers(0, 2)] * 3)
)
def test_what_comes_after_is_what_a_tuple_says(rows: list[tuple], last: tuple):
    condition = after(("a", "b", "c"), last)

    def holds(row: dict[str, int], clause: dict[str, Any]) -> bool:
        if "$or" in clause:
            return any(holds(row, way) for way in clause["$or"]) and holds(row, {"a": clause["a"]})
        compare = {"$gt": int.__gt__, "$gte": int.__ge__}
        return all(
            row[key] == bound if isinstance(bound, int) else all(compare[sign](row[key], value) for sign, value in bound.items())
            for key, bound in clause.items()
        )

    for row in rows:
        assert holds(dict(zip("abc", row, strict=True)), condition) == (row > last)
