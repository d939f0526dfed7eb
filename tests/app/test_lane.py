"""Dinners by the fast lane: what is changed is seen at once, and nothing is answered that would not be answered without it."""

from __future__ import annotations

import http.client
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask, Request
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from dinnerkit import Dinnerkit, Kit, Settings, create_app
from dinnerkit.accounts.service import AccountService, NewUser
from dinnerkit.booking.service import BookingService
from dinnerkit.delivery.relay import Relay
from dinnerkit.errors import DinnerkitError
from dinnerkit.events.photos import Photo
from dinnerkit.events.rules import EventDetails, Location, TableSize, Venue
from dinnerkit.events.seat_holds import SeatHold
from dinnerkit.events.seats import Seats
from dinnerkit.events.service import EventService
from dinnerkit.http.lane.lane import Lane
from dinnerkit.http.lane.purging import Purges
from dinnerkit.identity import Principal, Role
from dinnerkit.ids import new_id
from dinnerkit.money import Money
from dinnerkit.photos.service import PhotoService
from dinnerkit.pytest_plugin import with_database
from dinnerkit.search.indexing import Indexing
from dinnerkit.testing import StandingClock, settings_for_tests
from tests.fire.serving import bearer_tokens
from tests.serving.processes import Served, serving
from tests.waiting import until

HOST = Principal("host-1", Role.HOST)


def details(kit: Kit, **replaced: Any) -> EventDetails:
    usual: dict[str, Any] = {
        "title": "Soup and strangers",
        "description": "Come as you are. " * 20,
        "cuisine": "Portuguese",
        "starts_at": kit.clock() + timedelta(days=7),
        "timezone": "Europe/Lisbon",
        "city": "Lisbon",
        "venue": Venue("Tasca do Zé", "Rua da Rosa 1", Location(38.7139, -9.1440)),
        "seats": 12,
        "table_size": TableSize(3, 6),
        "price": Money(0, "EUR"),
    }
    return EventDetails(**usual | replaced)


def published(kit: Kit, **replaced: Any) -> str:
    events = kit.service(EventService)
    event_id = events.create(HOST, details(kit, **replaced))["id"]
    return events.publish(HOST, event_id)["id"]


def heard(kit: Kit) -> None:
    """Have the app listen, as its first request does, and wait until it does."""
    until(kit.service(Purges).listen)


@pytest.fixture
def kit(database_url: str, tmp_path: Path) -> Iterator[Kit]:
    clock = StandingClock()
    with Kit.open(Settings(**settings_for_tests(database_url, tmp_path, lane="auto")), clock=clock) as opened:
        heard(opened)
        yield opened


@pytest.fixture
def app(kit: Kit) -> Flask:
    return create_app(kit=kit)


def left(app: Flask, event_id: str) -> tuple[int, list[int]]:
    """The seats that are left, as the event and the list say."""
    client = app.test_client()
    one = client.get(f"/v1/events/{event_id}").json["seats_left"]
    return one, [item["seats_left"] for item in client.get("/v1/events").json["items"] if item["id"] == event_id]


def is_laned(app: Flask) -> bool:
    return isinstance(app.wsgi_app, Lane)


def test_it_is_on_in_the_default_app(app: Flask) -> None:
    assert is_laned(app)


def test_it_is_off_where_it_would_go_past_what_others_do(kit: Kit) -> None:
    app = Flask("host")
    Dinnerkit(app, kit=kit)
    assert not is_laned(app)


def their_user(_: Request) -> Principal | None:
    return None


@pytest.mark.parametrize(
    ("changed", "options", "on"),
    [
        ({"lane": "auto"}, {"whole_app": True, "user_resolver": their_user}, False),
        ({"lane": "auto", "bus": "memory://"}, {"whole_app": True}, False),
        ({"lane": "on", "bus": "memory://"}, {}, True),
        ({"lane": "on"}, {"user_resolver": their_user}, True),
        ({"lane": "off"}, {"whole_app": True}, False),
    ],
)
def test_it_is_on_by_itself_only_where_that_is_safe(kit: Kit, changed: dict[str, str], options: dict[str, Any], on: bool) -> None:
    kit.settings = replace(kit.settings, **changed)
    app = Flask("host")
    Dinnerkit(app, kit=kit, **options)
    assert is_laned(app) is on


def test_reads_are_answered_without_the_database(app: Flask, kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    event_id = published(kit)
    kit.service(Indexing).update(event_id)
    paths = (f"/v1/events/{event_id}", "/v1/events?city=Lisbon", "/v1/search/events?q=soup", "/v1/search/suggest?q=so")
    first = [app.test_client().get(path) for path in paths]
    monkeypatch.setattr(app, "full_dispatch_request", None)
    assert [app.test_client().get(path).data for path in paths] == [answer.data for answer in first]
    assert all(event_id.encode() in answer.data for answer in first[:3])


def test_who_books_sees_the_seats_gone_at_once(app: Flask, kit: Kit) -> None:
    event_id = published(kit)
    [guest] = kit.service(AccountService).import_users([NewUser(email="g@example.org", name="G", role=Role.GUEST)])
    assert left(app, event_id) == (12, [12])
    booking = kit.service(BookingService).reserve(guest, event_id, 2, booking_id=new_id())
    assert left(app, event_id) == (10, [10])
    kit.service(BookingService).cancel(guest, booking.id)
    assert left(app, event_id) == (12, [12])


def test_a_list_without_the_event_stays(app: Flask, kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    published(kit, city="Porto")
    event_id = published(kit)
    porto = app.test_client().get("/v1/events?city=Porto").data
    kit.service(Seats).take(SeatHold(event_id, new_id(), new_id(), "guest", 1, None))
    monkeypatch.setattr(app, "full_dispatch_request", None)
    assert app.test_client().get("/v1/events?city=Porto").data == porto


def test_a_list_too_long_to_name_its_events_goes_with_any_seat(app: Flask, kit: Kit) -> None:
    ids = [published(kit) for _ in range(51)]
    client = app.test_client()
    assert client.get("/v1/events?limit=100").headers["Surrogate-Key"] == "events seats"
    kit.service(Seats).take(SeatHold(ids[7], new_id(), new_id(), "guest", 1, None))
    assert sum(item["seats_left"] for item in client.get("/v1/events?limit=100").json["items"]) == 51 * 12 - 1


def test_a_draft_is_seen_by_its_host_alone_whoever_asked_before(app: Flask, kit: Kit) -> None:
    [host] = kit.service(AccountService).import_users([NewUser(email="h@example.org", name="H", role=Role.HOST)])
    principal = Principal(host, Role.HOST)
    event_id = kit.service(EventService).create(principal, details(kit))["id"]
    mine = {"Authorization": f"Bearer {bearer_tokens(kit, [host])[host]}"}
    client = app.test_client()
    for _ in range(2):
        assert client.get(f"/v1/events/{event_id}").status_code == 404
        assert client.get(f"/v1/events/{event_id}", headers=mine).status_code == 200
    kit.service(EventService).publish(principal, event_id)
    assert client.get(f"/v1/events/{event_id}").status_code == 200


def test_a_new_photo_is_seen_at_once(app: Flask, kit: Kit) -> None:
    event_id, photos, client = published(kit), kit.service(PhotoService)._photos, app.test_client()
    assert client.get(f"/v1/events/{event_id}").json["photo"] is client.get("/v1/events").json["items"][0]["photo"] is None
    photos.take(event_id, "p" * 24, "Soup")
    photos.show(event_id, Photo("p" * 24, "Soup", ((320, 200),)))
    assert client.get(f"/v1/events/{event_id}").json["photo"]["alt"] == "Soup"
    assert client.get("/v1/events").json["items"][0]["photo"]["alt"] == "Soup"
    photos.drop(event_id)
    assert client.get("/v1/events").json["items"][0]["photo"] is None


def test_what_begins_leaves_the_lists_by_itself(app: Flask, kit: Kit) -> None:
    published(kit, starts_at=kit.clock() + timedelta(hours=1), price=Money(500, "EUR"))
    published(kit, price=Money(100, "EUR"))
    paths = ("/v1/events", "/v1/events?sort=price&limit=1", "/v1/events?near=38.7,-9.1&sort=distance")
    before = [app.test_client().get(path).json for path in paths]
    assert [(len(page["items"]), page["next"] is None) for page in before] == [(2, True), (1, False), (2, True)]
    assert isinstance(kit.clock, StandingClock)
    kit.clock.advance(hours=1)
    after = [app.test_client().get(path).json for path in paths]
    assert [(len(page["items"]), page["next"] is None) for page in after] == [(1, True), (1, True), (1, True)]


def test_a_change_whose_process_was_killed_is_told_by_the_relay(app: Flask, kit: Kit) -> None:
    event_id = published(kit)
    kit.service(Relay).run()
    app.test_client().get("/v1/events")
    events = kit.service(EventService)
    events._changed = lambda _: None
    events.update(HOST, event_id, {"title": "Stew and strangers"})
    assert app.test_client().get("/v1/events").json["items"][0]["title"] == "Soup and strangers"
    kit.service(Relay).run()
    assert app.test_client().get("/v1/events").json["items"][0]["title"] == "Stew and strangers"


def test_another_kit_hears_of_it_by_the_bus(app: Flask, kit: Kit) -> None:
    event_id = published(kit)
    assert left(app, event_id) == (12, [12])
    with Kit.open(kit.settings, clock=kit.clock) as other:
        other.service(Seats).take(SeatHold(event_id, new_id(), new_id(), "guest", 3, None))
        until(lambda: left(app, event_id) == (9, [9]))
        other.service(EventService).update(HOST, event_id, {"title": "Stew"})
        until(lambda: app.test_client().get(f"/v1/events/{event_id}").json["title"] == "Stew")


def made(served: Served) -> float:
    """How many answers the server has made for its lane to keep."""
    lines = [line for line in served.read("/metrics").splitlines() if line.startswith("dinnerkit_lane_made_total") and 'end="kept"' in line]
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines)


def test_a_server_process_hears_of_what_this_one_changes_and_makes_each_answer_once(database_url: str, tmp_path: Path) -> None:
    environ = {f"DINNERKIT_{name.upper()}": str(value) for name, value in settings_for_tests(database_url, tmp_path, lane="auto").items()}
    others = {name: value for name, value in os.environ.items() if not name.startswith("DINNERKIT_")}
    with ExitStack() as opened:
        here = opened.enter_context(Kit.open(Settings.load({}, environ=environ)))
        served = opened.enter_context(serving(others | environ, "--no-work", cwd=tmp_path))
        event_id = published(here)
        until(lambda: served.status(f"/v1/events/{event_id}") == 200 and made(served) == 1)
        connection = opened.enter_context(closing(http.client.HTTPConnection(served.host, served.port, timeout=30)))

        def again(path: str) -> str:
            """By the same bytes on the same connection, which the worker does not even read."""
            connection.request("GET", path)
            answer = connection.getresponse()
            assert answer.status == 200
            return answer.read().decode()

        for seats in range(11, 6, -1):
            here.service(Seats).take(SeatHold(event_id, new_id(), new_id(), new_id(), 1, None))
            until(lambda wanted=seats: f'"seats_left":{wanted},' in again(f"/v1/events/{event_id}"))
        assert made(served) >= 6
        for seats in range(6, 3, -1):
            here.service(Seats).take(SeatHold(event_id, new_id(), new_id(), new_id(), 1, None))
            until(lambda wanted=seats: f'"seats_left":{wanted},' in served.read(f"/v1/events/{event_id}"))
            before = made(served)
            with ThreadPoolExecutor(50) as pool:
                assert set(pool.map(served.status, ["/v1/events?limit=50"] * 50)) == {200}
            assert made(served) == before + 1


class Changes(RuleBasedStateMachine):
    """Events that change, and questions that are answered with the lane and without."""

    kit: Kit

    @initialize()
    def open(self) -> None:
        self.kit.database["events"].delete_many({})
        self.kit.service(Indexing).rebuild()
        self.app = create_app(kit=self.kit)
        self.ids: list[str] = []

    @rule(price=st.sampled_from([0, 500, 900]), city=st.sampled_from(["Lisbon", "Porto"]), hours=st.integers(1, 30))
    def publish(self, price: int, city: str, hours: int) -> None:
        begins = self.kit.clock() + timedelta(hours=hours)
        self.ids.append(published(self.kit, price=Money(price, "EUR"), city=city, starts_at=begins))
        self.index()

    @rule(data=st.data(), seats=st.integers(1, 3))
    def take(self, data: st.DataObject, seats: int) -> None:
        self.on_one(data, lambda one: self.kit.service(Seats).take(SeatHold(one, new_id(), new_id(), new_id(), seats, None)))

    @rule(data=st.data())
    def free(self, data: st.DataObject) -> None:
        seats = self.kit.service(Seats)
        self.on_one(data, lambda one: [seats.give_back(hold) for hold in seats.holds(one)])

    @rule(data=st.data(), new=st.sampled_from([{"title": "Stew"}, {"city": "Porto"}, {"seats": 20}, {"price": Money(100, "EUR")}]))
    def edit(self, data: st.DataObject, new: dict[str, Any]) -> None:
        self.on_one(data, lambda one: self.kit.service(EventService).update(HOST, one, new))
        self.index()

    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        self.on_one(data, lambda one: self.kit.service(EventService).cancel(HOST, one))
        self.index()

    @rule(hours=st.integers(1, 8))
    def wait(self, hours: int) -> None:
        assert isinstance(self.kit.clock, StandingClock)
        self.kit.clock.advance(hours=hours)

    def on_one(self, data: st.DataObject, change: Callable[[str], object]) -> None:
        if self.ids:
            with suppress(DinnerkitError):
                change(data.draw(st.sampled_from(self.ids)))

    def index(self) -> None:
        """As a worker does."""
        for one in self.ids:
            self.kit.service(Indexing).update(one)

    @invariant()
    def the_same_is_answered(self) -> None:
        lane = self.app.wsgi_app
        assert isinstance(lane, Lane)
        details = [f"/v1/events/{one}" for one in self.ids[-2:]]
        for path in (*QUESTIONS, *details):
            first, again = (self.app.test_client().get(path) for _ in range(2))
            self.app.wsgi_app = lane._app
            without = self.app.test_client().get(path)
            self.app.wsgi_app = lane
            assert (first.status_code, first.data) == (again.status_code, again.data) == (without.status_code, without.data), path
            assert first.headers.get("ETag") == again.headers.get("ETag") == without.headers.get("ETag")


QUESTIONS = (
    "/v1/events",
    "/v1/events?sort=price&limit=1",
    "/v1/events?city=Porto&limit=2",
    "/v1/events?near=38.7,-9.1&sort=distance&limit=1",
    "/v1/search/events?q=soup",
    "/v1/search/suggest?q=s",
)


def test_whatever_changes_the_same_is_answered_with_it_and_without(mongo_url: str, tmp_path: Path) -> None:
    url = with_database(mongo_url, f"test-{uuid4().hex}")
    with Kit.open(Settings(**settings_for_tests(url, tmp_path, lane="auto")), clock=StandingClock()) as kit:
        heard(kit)
        machine = type("Machine", (Changes,), {"kit": kit})
        few = settings(max_examples=7, stateful_step_count=8, deadline=None, suppress_health_check=list(HealthCheck))
        run_state_machine_as_test(machine, settings=few)
        kit.database.client.drop_database(kit.database.name)
