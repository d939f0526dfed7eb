"""Pages that are asked for at the same moment are read together, and are those that each would have been given alone."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import product
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import AutoReconnect, OperationFailure

from dinnerkit import joint_finds, joint_reads
from dinnerkit.events.documents import EventDocument
from dinnerkit.events.listing import EventQuery, Sort, last_of
from dinnerkit.events.pages import Pages, _Wanted
from dinnerkit.events.rows import stored
from dinnerkit.events.rules import EventDetails, Location
from dinnerkit.http.paging import BadCursor, encode_cursor
from dinnerkit.ids import new_id
from dinnerkit.money import Money
from dinnerkit.storage import ensure_indexes
from tests.events.conftest import NOW
from tests.waiting import DEADLINE, until

CITIES, CUISINES = ("München", "Graz"), ("Sichuan", "Thai")
Data = Database[dict[str, Any]]


class Asking:
    """How pages are read from a database: it counts the questions, and the first can be held up."""

    def __init__(self, database: Data) -> None:
        self._events = database["events"]
        self.questions = 0
        self.begun, self.go_on = threading.Event(), threading.Event()
        self.go_on.set()
        self.united_fails: Exception | None = None
        self.pages = Pages(self, lambda: NOW)

    def __call__(self, question: Callable[..., Any]) -> Any:
        self.questions += 1
        self.begun.set()
        assert self.go_on.wait(2 * DEADLINE)
        if self.united_fails and "_united" in question.__qualname__:
            raise self.united_fails
        return question(self._events, None)

    def together(self, pool: ThreadPoolExecutor, *queries: EventQuery, limit: int = 3) -> list[Any]:
        """Has the pages asked for while another is being read; what came of each."""
        self.go_on.clear()
        first = pool.submit(self.pages.encoded, EventQuery(city="nowhere"), 1, None)
        assert self.begun.wait(DEADLINE)
        others = []
        for query in queries:
            others.append(pool.submit(self.pages.encoded, query, limit, None))
            until(lambda: self._joined() == len(others), "it waits for the one that is read")
        self.go_on.set()
        assert first.result(DEADLINE)["items"] == []
        return [other.exception(DEADLINE) or other.result() for other in others]

    def _joined(self) -> int:
        return sum(len(waiting.questions) for waiting in self.pages._finds._joint._waiting.values())


@pytest.fixture(scope="module")
def filled(mongo_client: MongoClient[dict[str, Any]], details: Callable[..., EventDetails]) -> Iterator[Data]:
    """48 dinners that are alike in many ways."""
    database = mongo_client[f"test-{uuid4().hex}"]
    ensure_indexes(database, [EventDocument])
    rows = []
    for city, cuisine, day, price in product(CITIES, CUISINES, range(1, 5), (0, 10, 20)):
        dinner = details(city=city, cuisine=cuisine, starts_at=NOW + timedelta(days=day), price=Money(price, "EUR"))
        more = {"_id": new_id(), "host": "h", "listed": True, "version": 1, "seats_left": 12, "status": "published"}
        rows.append(stored(dinner) | more | dict.fromkeys(("created_at", "updated_at", "published_at"), NOW))
    database["events"].insert_many(rows)
    yield database
    mongo_client.drop_database(database)


@pytest.fixture
def asking(filled: Data, monkeypatch: pytest.MonkeyPatch) -> Iterator[Asking]:
    monkeypatch.setattr(joint_finds, "READS_AT_ONCE", 1)
    monkeypatch.setattr(joint_reads, "PATIENCE_SECONDS", DEADLINE)
    asking = Asking(filled)
    yield asking
    asking.go_on.set()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(32) as pool:
        yield pool


def or_none(values: Any) -> Any:
    return st.none() | st.sampled_from(values)


queries = st.builds(
    EventQuery,
    city=or_none((*CITIES, "Nowhere")),
    cuisine=or_none(CUISINES),
    tag=or_none(("vegan", "x")),
    starts_from=or_none((NOW + timedelta(days=2),)),
    min_price=or_none((10,)),
    max_price=or_none((10, 20)),
    sort=st.sampled_from((Sort.STARTS_AT, Sort.PRICE)),
)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(asked=st.lists(st.tuples(queries, st.integers(1, 60), st.booleans()), min_size=2, max_size=20))
def test_pages_that_are_read_together_are_those_that_are_read_alone(filled: Data, asked: list[tuple[EventQuery, int, bool]]) -> None:
    asking = Asking(filled)
    wanted = []
    for query, limit, later in asked:
        cursor = asking.pages.rows(query, limit, None)["next"] if later else None
        wanted.append(_Wanted(query, limit, last_of(query.order, cursor)))
    alone = [asking.pages._finds.alone(one) for one in wanted]
    asking.questions = 0

    assert asking.pages._finds.read(0, wanted) == alone
    assert asking.questions == 1


def test_those_who_come_while_a_page_is_read_are_answered_by_one_question(asking: Asking, pool: ThreadPoolExecutor) -> None:
    others = [EventQuery(city=city, max_price=price) for city, price in product(CITIES, (0, 10))]
    found = asking.together(pool, *others, others[0])

    assert asking.questions == 2
    assert found == [asking.pages.encoded(query, 3, None) for query in (*others, others[0])]
    assert found[0] is found[-1]


def test_more_are_read_by_several_questions(asking: Asking, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joint_finds, "MOST_UNITED", 16)
    found = asking.together(pool, *(EventQuery(max_price=price) for price in range(20)))

    assert asking.questions == 3
    assert [len(page["items"]) for page in found] == [3] * 20


def test_who_asks_alone_waits_for_nobody_and_for_no_union(asking: Asking) -> None:
    asking.united_fails = AssertionError("nobody else has asked")
    assert len(asking.pages.encoded(EventQuery(), 5, None)["items"]) == 5


def test_what_can_not_be_asked_spoils_no_other_page(asking: Asking, pool: ThreadPoolExecutor) -> None:
    bad, good = asking.together(pool, EventQuery(max_price=2**70), EventQuery(city="Graz"))

    assert isinstance(bad, OverflowError)
    assert good == asking.pages.encoded(EventQuery(city="Graz"), 3, None)


def test_a_page_is_read_alone_where_the_database_does_not_read_several(asking: Asking, pool: ThreadPoolExecutor) -> None:
    asking.united_fails = OperationFailure("no such stage")
    found = asking.together(pool, EventQuery(city="Graz"), EventQuery(city="München"))

    assert [len(page["items"]) for page in found] == [3, 3]


def test_an_outage_is_told_to_all_and_nobody_asks_again(asking: Asking, pool: ThreadPoolExecutor) -> None:
    asking.united_fails = AutoReconnect("gone")
    found = asking.together(pool, EventQuery(city="Graz"), EventQuery(city="München"))

    assert [type(error) for error in found] == [AutoReconnect, AutoReconnect]
    assert asking.questions == 2


def test_a_cursor_of_another_list_is_refused_before_anything_is_read(asking: Asking) -> None:
    with pytest.raises(BadCursor):
        asking.pages.encoded(EventQuery(), 5, encode_cursor("price", 1, NOW, "x"))
    assert asking.questions == 0


def test_places_are_read_alone(asking: Asking, pool: ThreadPoolExecutor) -> None:
    near = [EventQuery(near=Location(48.1228 + step, 11.5536)) for step in (0, 0.01)]
    with ThreadPoolExecutor(2) as both:
        found = list(both.map(lambda query: asking.pages.encoded(query, 2, None), near))

    assert [page["items"][0].row["distance_km"] for page in found] == [0.0, 1.1]
    assert asking.questions == 2
