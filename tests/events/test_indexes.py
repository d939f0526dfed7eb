"""Every list is served by an index: shown by ``explain`` over enough events that the planner has to choose."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from pymongo import MongoClient
from pymongo.database import Database

from dinnerkit.events.documents import EventDocument
from dinnerkit.events.listing import EventQuery, Sort
from dinnerkit.events.pages import _Wanted
from dinnerkit.events.rows import stored
from dinnerkit.events.rules import EventDetails, Location, Venue
from dinnerkit.events.service import EventService
from dinnerkit.identity import Principal, Role
from dinnerkit.money import Money
from dinnerkit.storage import ensure_indexes

NOW = datetime.fromisoformat("2026-11-01T12:00:00Z")
VIENNA = Location(48.2, 16.37)
CITIES = [f"City {number}" for number in range(40)]
Data = Database[dict[str, Any]]


@pytest.fixture(scope="module")
def filled(mongo_client: MongoClient[dict[str, Any]], details: Callable[..., EventDetails]) -> Iterator[Data]:
    """4,000 events in 40 cities over 400 days; every second one has begun, and a tenth are drafts."""
    database = mongo_client[f"test-{uuid4().hex}"]
    ensure_indexes(database, [EventDocument])
    rows = []
    for number in range(4_000):
        dinner = details(
            city=CITIES[number % 40],
            cuisine=f"Cuisine {number % 30}",
            tags=(f"tag {number % 25}", "all"),
            starts_at=NOW + timedelta(days=number % 400 - 200, seconds=number),
            price=Money(number % 97 * 100, "EUR"),
            venue=Venue("v", "", Location(40 + number % 130 / 10, 10 + number % 170 / 10)),
        )
        listed = dinner.starts_at > NOW and number % 10 > 0
        more = {"_id": f"{number:024}", "host": f"host-{number % 50}", "listed": listed, "version": 1, "seats_left": 12, "holds": []}
        rows.append(stored(dinner) | more | {"status": "published" if listed else "draft", "published_at": NOW})
    database["events"].insert_many(rows)
    yield database
    mongo_client.drop_database(database)


class Explained:
    """A collection that explains its queries instead of answering them."""

    def __init__(self, database: Data) -> None:
        self._database = database
        self.plan: dict[str, Any] = {}

    def find(self, *asked: Any, session: object = None, **named: Any) -> list[Any]:
        wanted = dict(zip(("filter", "projection"), asked, strict=False)) | named
        find = {"find": "events", **wanted, "sort": dict(wanted["sort"])}
        self.plan = self._database.command("explain", find, verbosity="executionStats")
        return []

    find_raw_batches = find


def stages(plan: Any) -> Iterator[str]:
    if isinstance(plan, dict):
        if "stage" in plan:
            yield plan["stage"]
        for value in plan.values():
            yield from stages(value)
    elif isinstance(plan, list):
        for value in plan:
            yield from stages(value)


def indexes(plan: Any) -> Iterator[str]:
    if isinstance(plan, dict):
        if "indexName" in plan:
            yield plan["indexName"]
        for value in plan.values():
            yield from indexes(value)
    elif isinstance(plan, list):
        for value in plan:
            yield from indexes(value)


def explain(database: Data, ask: Callable[[EventService], object]) -> dict[str, Any]:
    """How the service's own query is executed."""
    events = EventService(database, lambda: NOW)
    explained = Explained(database)
    events._events = explained
    ask(events)
    return explained.plan


NARROWED: dict[str, dict[str, Any]] = {
    "all": {},
    "city": {"city": "city 7"},
    "cuisine": {"cuisine": "cuisine 7"},
    "tag": {"tag": "tag 7"},
    "a common tag": {"tag": "all"},
    "price": {"max_price": 5000},
    "time": {"starts_from": NOW + timedelta(days=30), "starts_before": NOW + timedelta(days=60)},
    "city, time and price": {"city": "city 7", "starts_before": NOW + timedelta(days=60), "max_price": 5000},
    "city and cuisine": {"city": "city 7", "cuisine": "cuisine 7"},
    "city and tag": {"city": "city 7", "tag": "all"},
}
SERVED_IN_ORDER = [(Sort.STARTS_AT, name) for name in NARROWED] + [
    (Sort.PRICE, name) for name in ("all", "city", "price", "a common tag", "city, time and price", "city and tag")
]


@pytest.mark.parametrize(("sort", "narrowed"), SERVED_IN_ORDER)
@pytest.mark.parametrize("page", ["first", "later"])
def test_an_index_gives_the_events_in_their_order(filled: Data, sort: Sort, narrowed: str, page: str):
    query = EventQuery(sort=sort, **NARROWED[narrowed])
    cursor = EventService(filled, lambda: NOW).upcoming(query, 2)["next"] if page == "later" else None
    plan = explain(filled, lambda events: events.upcoming_encoded(query, 20, cursor))
    assert {"COLLSCAN", "SORT"}.isdisjoint(stages(plan["queryPlanner"]["winningPlan"]))


@pytest.mark.parametrize("narrowed", list(NARROWED))
@pytest.mark.parametrize("sort", [Sort.STARTS_AT, Sort.PRICE])
@pytest.mark.parametrize("near", [None, VIENNA])
def test_no_list_reads_the_whole_collection(filled: Data, sort: Sort, narrowed: str, near: Location | None):
    query = EventQuery(sort=sort, near=near, radius_km=60.0, **NARROWED[narrowed])
    plan = explain(filled, lambda events: events.upcoming_encoded(query))
    assert "COLLSCAN" not in set(stages(plan["queryPlanner"]["winningPlan"]))
    assert all(name.startswith("listed_") for name in indexes(plan["queryPlanner"]["winningPlan"]))


@pytest.mark.parametrize(
    ("query", "index", "most"),
    [
        (EventQuery(), "listed_by_start", 21),
        (EventQuery(city="city 7"), "listed_by_city_and_start", 21),
        (EventQuery(cuisine="cuisine 7"), "listed_by_cuisine_and_start", 21),
        (EventQuery(tag="tag 7"), "listed_by_tag_and_start", 21),
        (EventQuery(sort=Sort.PRICE), "listed_by_price", 21),
        (EventQuery(sort=Sort.PRICE, city="city 7"), "listed_by_city_and_price", 21),
        (EventQuery(near=VIENNA, radius_km=10.0), "listed_by_place", 60),
    ],
)
def test_a_page_reads_little_more_than_it_shows(filled: Data, query: EventQuery, index: str, most: int):
    plan = explain(filled, lambda events: events.upcoming_encoded(query, 20))
    assert set(indexes(plan["queryPlanner"]["winningPlan"])) == {index}
    assert plan["executionStats"]["totalDocsExamined"] <= most


def test_pages_that_are_read_together_are_served_by_the_same_indexes(filled: Data):
    wanted = [_Wanted(EventQuery(sort=sort, **NARROWED[name]), 20, ()) for sort, name in SERVED_IN_ORDER]
    for stages_of_one in (one.find(NOW).stages(number) for number, one in enumerate(wanted)):
        union = [{"$match": {"_id": "none"}}, {"$unionWith": {"coll": "events", "pipeline": stages_of_one}}]
        command = {"aggregate": "events", "pipeline": union, "cursor": {}}
        plan = filled.command("explain", command, verbosity="queryPlanner")
        winning = list(winners(plan))
        assert len(winning) == 2
        assert {"COLLSCAN", "SORT"}.isdisjoint(stages(winning))


def winners(plan: Any) -> Iterator[dict[str, Any]]:
    """The plans that were chosen, of the pipeline and of those within it."""
    if isinstance(plan, dict):
        if "winningPlan" in plan:
            yield plan["winningPlan"]
        for value in plan.values():
            yield from winners(value)
    elif isinstance(plan, list):
        for value in plan:
            yield from winners(value)


@pytest.mark.parametrize("narrowed", list(NARROWED))
def test_distance_is_served_by_the_index_of_places(filled: Data, narrowed: str):
    events = EventService(filled, lambda: NOW)
    genuine, asked = events._events, []

    class Recording:
        def aggregate(self, stages: list, **options: Any):
            asked.append(stages)
            return genuine.aggregate(stages, **options)

    events._events = Recording()
    assert events.upcoming(EventQuery(near=VIENNA, radius_km=300.0, sort=Sort.DISTANCE, **NARROWED[narrowed]))["items"]
    command = {"aggregate": "events", "pipeline": asked[0], "cursor": {}}
    plan = filled.command("explain", command, verbosity="queryPlanner")
    assert set(indexes(plan)) == {"listed_by_place"}
    assert {"COLLSCAN", "SORT"}.isdisjoint(stages(plan))


def test_a_hosts_own_list_is_served_by_its_index(filled: Data):
    plan = explain(filled, lambda events: events.hosted(Principal("host-7", Role.HOST)))["queryPlanner"]["winningPlan"]
    assert set(indexes(plan)) == {"by_host"}
    assert "SORT" not in set(stages(plan))


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ({"holds.until": {"$lte": NOW}}, "holds_by_end"),
        ({"holds.user": "someone"}, "holds_by_user"),
        ({"outbox.at": {"$lte": NOW}}, "outbox"),
        ({"listed": True, "starts_at": {"$lte": NOW}}, "listed_by_start"),
    ],
)
def test_the_sweepers_are_served_by_indexes(filled: Data, query: dict, index: str):
    plan = filled["events"].find(query).explain()["queryPlanner"]["winningPlan"]
    assert set(indexes(plan)) == {index}


def test_the_choices_are_counted_by_way_of_an_index(filled: Data):
    match = {"$match": {"listed": True, "starts_at": {"$gt": NOW}}}
    plan = filled.command("explain", {"aggregate": "events", "pipeline": [match], "cursor": {}}, verbosity="queryPlanner")
    assert "COLLSCAN" not in set(stages(plan))


def test_what_is_not_listed_takes_no_room_in_the_indexes_of_the_lists(filled: Data):
    keys = filled.command("validate", "events")["keysPerIndex"]
    listed = filled["events"].count_documents({"listed": True})
    assert 0 < listed < 2_000
    assert keys.pop("listed_by_tag_and_start") == 2 * listed
    assert {count for name, count in keys.items() if name.startswith("listed_")} == {listed}
    assert keys["holds_by_end"] == keys["holds_by_user"] == keys["outbox"] == 0
