"""From a published event to what is found over HTTP, and back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from dinnerkit import Kit
from dinnerkit.clock import utcnow
from dinnerkit.errors import Unavailable
from dinnerkit.events.listing import EventQuery
from dinnerkit.events.rules import Location, Venue
from dinnerkit.events.service import EventService
from dinnerkit.money import Money
from dinnerkit.ports.search import Found, Hit, SearchTooSlow
from dinnerkit.search.indexing import Indexing
from dinnerkit.search.resting import Resting
from dinnerkit.search.rules import SearchQuery, criteria_of, month_span, shown_facets
from dinnerkit.search.service import SearchService
from dinnerkit.testing import run_background
from tests.search import conftest
from tests.search.conftest import details

Publish = Callable[..., str]


def found(client: FlaskClient, **query: Any) -> dict[str, Any]:
    answer = client.get("/v1/search/events", query_string=query)
    assert answer.status_code == 200, answer.get_json()
    return answer.get_json()


def titles(client: FlaskClient, **query: Any) -> list[str]:
    return [item["title"] for item in found(client, **query)["items"]]


def test_a_published_event_is_found_by_its_words_with_everything_that_lists_show(client: FlaskClient, publish: Publish) -> None:
    event_id = publish(title="Käseknödel bei Kerzenlicht", starts_at=datetime(2999, 1, 31, 23, 30, tzinfo=UTC))
    page = found(client, q="kaseknodel munchen")
    [item] = page["items"]
    listed = client.get("/v1/events").get_json()["items"]
    assert (item["id"], page["degraded"], page["next"]) == (event_id, False, None)
    assert [item] == listed
    assert page["facets"] == {
        "city": [{"value": "München", "count": 1}],
        "cuisine": [{"value": "Sichuan", "count": 1}],
        "month": [{"value": "2999-02", "count": 1}],
        "price": [{"value": "2001-4000", "count": 1}],
    }


def test_drafts_and_what_is_cancelled_are_not_found_nor_suggested(client: FlaskClient, kit: Kit, publish: Publish) -> None:
    kit.service(EventService).create(conftest.HOST, details(title="Secret supper"))
    gone = publish(title="Cancelled supper")
    kit.service(EventService).cancel(conftest.HOST, gone)
    assert titles(client, q="supper") == [], "the index is late, and the events are asked"
    run_background(kit)
    assert titles(client, q="supper") == []
    assert client.get("/v1/search/suggest?q=se").get_json()["items"] == []
    assert client.get("/v1/search/suggest?q=ca").get_json()["items"] == []


def test_a_change_is_found_once_it_is_told(client: FlaskClient, kit: Kit, publish: Publish) -> None:
    event_id = publish(title="Fondue")
    kit.service(EventService).update(conftest.HOST, event_id, {"title": "Raclette"})
    run_background(kit)
    assert (titles(client, q="fondue"), titles(client, q="raclette")) == ([], ["Raclette"])


def test_what_has_begun_is_not_found_and_then_dropped(client: FlaskClient, kit: Kit, publish: Publish) -> None:
    event_id = publish(title="Fondue")
    kit.database["events"].update_one({"_id": event_id}, {"$set": {"starts_at": utcnow() - timedelta(hours=1)}})
    kit.database["search_events"].update_one({"_id": event_id}, {"$set": {"starts_at": utcnow() - timedelta(hours=1)}})
    assert titles(client, q="fondue") == []
    assert kit.service(Indexing).expire() == 1


def test_filters_facets_and_pages_go_together(client: FlaskClient, kit: Kit, publish: Publish) -> None:
    for number in range(5):
        publish(
            background=False,
            title=f"Supper {number}",
            city=("Graz", "GRAZ", "Wien", "Graz", "Graz")[number],
            price=Money(number * 1000, "EUR"),
            starts_at=datetime(2030, 1, 31, 23, 30, tzinfo=UTC) + timedelta(days=number),
        )
    run_background(kit)
    assert titles(client, q="supper", sort="price", max_price=2000) == ["Supper 0", "Supper 1", "Supper 2"]
    assert titles(client, q="supper", sort="price", min_price=3000) == ["Supper 3", "Supper 4"]
    assert titles(client, city="graz", sort="starts_at") == ["Supper 0", "Supper 1", "Supper 3", "Supper 4"]
    page = found(client, q="supper", limit=2, sort="starts_at")
    assert page["facets"]["city"] == [{"value": "Graz", "count": 4}, {"value": "Wien", "count": 1}]
    assert page["facets"]["month"] == [{"value": "2030-02", "count": 5}], "where the guests are, it is February"
    seen = [item["title"] for item in page["items"]]
    while page["next"]:
        page = found(client, q="supper", limit=2, sort="starts_at", cursor=page["next"])
        seen += [item["title"] for item in page["items"]]
        assert sum(one["count"] for one in page["facets"]["price"]) == 5
    assert seen == [f"Supper {number}" for number in range(5)]
    assert titles(client, month="2030-02", limit=1, sort="starts_at") == ["Supper 0"]
    assert titles(client, month="2030-01") == []


def test_what_is_near_says_how_far_it_is(client: FlaskClient, publish: Publish) -> None:
    publish(title="Supper here", venue=Venue("A kitchen", "", Location(48.1374, 11.5755)))
    publish(title="Supper in Graz", venue=Venue("A kitchen", "", Location(47.0707, 15.4395)))
    page = found(client, q="supper", near="48.14,11.58", radius_km=320, sort="distance")
    assert [(item["title"], item["distance_km"]) for item in page["items"]] == [("Supper here", 0.4), ("Supper in Graz", 313.1)]
    assert titles(client, near="48.14,11.58") == ["Supper here"]


def test_suggestions_complete_titles_cuisines_and_cities(client: FlaskClient, publish: Publish) -> None:
    publish(title="Mumbai by night", city="München", cuisine="Mughlai")
    answer = client.get("/v1/search/suggest?q=MU")
    assert sorted(answer.get_json()["items"]) == ["Mughlai", "Mumbai by night", "München"]
    assert "public" in answer.headers["Cache-Control"]
    assert client.get("/v1/search/suggest").get_json()["items"] == []


def test_an_answer_that_the_caller_has_is_not_sent_again(client: FlaskClient, publish: Publish) -> None:
    publish(title="Fondue")
    answer = client.get("/v1/search/events?q=fondue")
    again = client.get("/v1/search/events?q=fondue", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304
    assert "public" in answer.headers["Cache-Control"]


@pytest.mark.parametrize(
    "query",
    [
        {"q": "a" * 201},
        {"month": "2030-13"},
        {"month": "next"},
        {"sort": "best"},
        {"limit": 0},
        {"near": "x"},
        {"min_price": -1},
    ],
)
def test_what_makes_no_sense_is_refused(client: FlaskClient, query: dict[str, Any]) -> None:
    assert client.get("/v1/search/events", query_string=query).status_code == 422


def test_a_cursor_of_another_list_is_refused(client: FlaskClient, publish: Publish) -> None:
    for number in range(2):
        publish(title=f"Supper {number}")
    ours = found(client, q="supper", sort="price", limit=1)["next"]
    theirs = client.get("/v1/events?limit=1").get_json()["next"]
    for cursor, sort in ((ours, "starts_at"), (theirs, "price"), ("nonsense", "price")):
        answer = client.get("/v1/search/events", query_string={"q": "supper", "cursor": cursor, "sort": sort})
        assert (answer.status_code, answer.get_json()["code"]) == (422, "bad_cursor")


def test_rebuilding_finds_what_was_never_told_and_forgets_what_is_gone(client: FlaskClient, kit: Kit, publish: Publish) -> None:
    lost, gone = publish(title="Lost supper"), publish(title="Gone supper")
    kit.database["search_events"].delete_one({"_id": lost})
    kit.database["events"].delete_one({"_id": gone})
    indexing = kit.service(Indexing)
    assert indexing.ensure_built()
    assert not indexing.ensure_built()
    assert titles(client, q="supper") == ["Lost supper"]
    assert kit.database["search_events"].count_documents({"starts_at": {"$exists": True}}) == 1


class Failing:
    """A backend that can be made to fail."""

    facets = distances = True

    def __init__(self) -> None:
        self.asked = 0
        self.error: Exception | None = Unavailable("gone")

    def find(self, *_: Any) -> Found:
        self.asked += 1
        if self.error:
            raise self.error
        return Found([Hit("unheard-of")], None)

    def suggest(self, *_: Any) -> list[str]:
        self.find()
        return ["one"]


class Seconds:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def failing() -> Failing:
    return Failing()


@pytest.fixture
def without_index(kit: Kit, failing: Failing) -> tuple[SearchService, Seconds]:
    seconds = Seconds()
    backend: Any = failing
    return SearchService(backend, kit.service(EventService), kit.clock, Resting(seconds)), seconds


def test_without_the_index_the_plain_list_is_shown_page_by_page(
    without_index: tuple[SearchService, Seconds], failing: Failing, publish: Publish
) -> None:
    made = [publish(background=False, title=f"Supper {number}") for number in range(3)]
    search, _ = without_index
    page = search.find(SearchQuery(text="anything"), 2)
    assert page.degraded
    assert page.facets == {"city": [], "cuisine": [], "month": [], "price": []}
    seen = [item["id"] for item in page.items]
    failing.error = None  # it is back, and this list goes on as it began
    rest = search.find(SearchQuery(text="anything"), 2, page.next)
    assert rest.degraded
    assert sorted([*seen, *(item["id"] for item in rest.items)]) == sorted(made)
    assert not search.find(SearchQuery(text="anything"), 2).degraded


@pytest.mark.parametrize("error", [Unavailable("gone"), OSError("gone"), KeyError("a plugin's own fault")])
def test_whatever_the_index_raises_readers_are_shown_something(
    without_index: tuple[SearchService, Seconds], failing: Failing, error: Exception
) -> None:
    failing.error = error
    assert without_index[0].find(SearchQuery()).degraded
    assert without_index[0].suggest("a") is None


def test_an_index_that_fails_is_left_alone_and_tried_again(without_index: tuple[SearchService, Seconds], failing: Failing) -> None:
    search, seconds = without_index
    for _ in range(10):
        assert search.find(SearchQuery()).degraded
    assert failing.asked == 3
    seconds.now = 5.1
    assert search.find(SearchQuery()).degraded
    assert search.find(SearchQuery()).degraded
    assert failing.asked == 4, "it failed again, and rests"
    failing.error, seconds.now = None, 10.3
    assert not search.find(SearchQuery()).degraded
    failing.error = Unavailable("gone")
    search.find(SearchQuery())
    search.find(SearchQuery())
    assert failing.asked == 7, "it has answered in between, and is not left alone at the first failure"


def test_after_a_rest_one_reader_tries_it_and_the_others_do_not_wait() -> None:
    seconds = Seconds()
    resting = Resting(seconds)
    for _ in range(3):
        resting.failed()
    seconds.now = 5.1
    assert [resting.may_ask() for _ in range(3)] == [True, False, False]
    resting.unasked()
    assert [resting.may_ask() for _ in range(2)] == [True, False]
    resting.answered()
    assert [resting.may_ask() for _ in range(2)] == [True, True]


def test_slow_words_leave_others_working(without_index: tuple[SearchService, Seconds], failing: Failing) -> None:
    search, _ = without_index
    failing.error = SearchTooSlow("for that")
    for _ in range(5):
        assert search.find(SearchQuery(text="slow")).degraded
        assert search.suggest("slow") is None
    failing.error = None
    assert not search.find(SearchQuery(text="quick")).degraded
    assert search.suggest("quick") == ["one"]


def test_metrics_and_health_tell(client: FlaskClient, kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    assert client.get("/health/ready").get_json()["backends"]["search"]["state"] == "up"

    def gone(*_: Any) -> None:
        raise Unavailable("gone")

    monkeypatch.setattr(kit.backends.search, "_reading", gone)
    answer = client.get("/v1/search/suggest?q=fondue")
    assert (answer.get_json(), answer.headers["Cache-Control"]) == ({"items": []}, "private, no-store"), "no cache is to keep a failure"
    answer = client.get("/v1/search/events?q=fondue")
    assert answer.get_json()["degraded"] is True
    assert 'dinnerkit_degraded_total{backend="search"} 1.0' in client.get("/metrics").get_data(as_text=True)
    ready = client.get("/health/ready").get_json()
    assert (ready["status"], ready["backends"]["search"]["state"]) == ("degraded", "down")


def test_a_month_ends_where_the_next_begins() -> None:
    assert month_span("2030-12") == (datetime(2030, 12, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC))
    assert month_span("2030-01") == (datetime(2030, 1, 1, tzinfo=UTC), datetime(2030, 2, 1, tzinfo=UTC))


def test_a_month_is_looked_for_among_the_starts_that_may_be_in_it() -> None:
    now = datetime(2030, 1, 15, tzinfo=UTC)
    asked = criteria_of(SearchQuery(month="2030-03"), now)
    assert (asked.starts_from, asked.starts_before) == (datetime(2030, 2, 28, tzinfo=UTC), datetime(2030, 4, 2, tzinfo=UTC))
    before = EventQuery(starts_before=datetime(2030, 1, 20, tzinfo=UTC))
    asked = criteria_of(SearchQuery(month="2030-01", filters=before), now)
    assert (asked.starts_from, asked.starts_before) == (now + timedelta(milliseconds=1), before.starts_before)


def test_counts_are_shown_under_the_usual_spelling_the_most_frequent_first() -> None:
    shown = shown_facets({"city": {"munchen": 1, "München": 2, "Graz": 3, "Aalen": 3}, "price": {"10001-": 1, "0": 2}})
    assert shown["city"] == [{"value": name, "count": 3} for name in ("Aalen", "Graz", "München")]
    assert [one["value"] for one in shown["price"]] == ["0", "10001-"]
