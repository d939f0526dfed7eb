from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from pymongo.database import Database

from dinnerkit.errors import Forbidden, Invalid
from dinnerkit.events.errors import (
    CapacityBelowSold,
    EventHasBegun,
    EventHasBookings,
    EventIsCancelled,
    EventNotDraft,
    EventNotReady,
    EventWasChanged,
    NotTheHost,
)
from dinnerkit.events.rules import EventDetails, Location, TableSize, Venue
from dinnerkit.events.seat_errors import NoSuchEvent, SoldOut
from dinnerkit.events.seat_holds import SeatHold
from dinnerkit.events.seats import Seats
from dinnerkit.events.service import EventService
from dinnerkit.identity import Principal
from dinnerkit.ids import is_id, new_id
from dinnerkit.money import Money

Make = Callable[..., EventDetails]
Publish = Callable[..., str]
Data = Database[dict[str, Any]]


def sell(database: Data, event_id: str, guests: int) -> None:
    hold = {"hold": new_id(), "booking": new_id(), "user": "someone", "guests": guests, "until": None}
    database["events"].update_one({"_id": event_id}, {"$inc": {"seats_left": -guests, "seq": 1}, "$push": {"holds": hold}})


def told(database: Data, event_id: str) -> list[tuple[str, dict[str, Any]]]:
    row = database["events"].find_one({"_id": event_id}) or {}
    return [(entry["kind"], entry["data"]) for entry in row["outbox"]]


def test_a_draft_shows_what_the_host_said(events: EventService, host: Principal, details: Make, clock):
    event = events.create(host, details())
    assert is_id(event.pop("id"))
    assert event == {
        "host_id": "host-1",
        "title": "Dumplings for twelve",
        "description": "We fold, we steam, we eat.\nBring an apron.",
        "cuisine": "Sichuan",
        "starts_at": clock.now + timedelta(days=7),
        "timezone": "Europe/Berlin",
        "city": "München",
        "venue": {"name": "Bahnwärter Thiel", "address": "Tumblingerstraße 45", "location": {"lat": 48.1228, "lon": 11.5536}},
        "seats": 12,
        "seats_left": 12,
        "table_size": {"min": 4, "max": 6},
        "price": {"amount": 3500, "currency": "EUR"},
        "deposit": None,
        "changes_until_hours": 2,
        "tags": ["Vegan", "hands on"],
        "format": "table",
        "refund_policy": {
            "full_until_hours": 48,
            "late_percent": 0,
            "late_until_hours": 0,
            "late_fee": None,
            "late_only_if_resold": False,
        },
        "status": "draft",
        "version": 1,
        "created_at": clock.now,
        "updated_at": clock.now,
        "published_at": None,
        "waitlist_order": "first_come",
        "photo": None,
    }


def test_the_fewest_words_will_do(events: EventService, host: Principal, details: Make):
    event = events.create(host, details(description="", tags=(), venue=Venue("Home", "", Location(-90, 180))))
    assert (event["description"], event["tags"], event["venue"]["address"]) == ("", [], "")


def test_guests_plan_no_events(events: EventService, guest: Principal, details: Make):
    with pytest.raises(Forbidden):
        events.create(guest, details())


def test_what_can_not_be_kept_is_refused(events: EventService, host: Principal, details: Make):
    with pytest.raises(Invalid):
        events.create(host, details(seats=0))


def test_a_draft_is_seen_by_its_host_and_admins_alone(
    events: EventService, host: Principal, other_host: Principal, admin: Principal, details: Make
):
    draft = events.create(host, details())
    assert events.get(draft["id"], host) == events.get(draft["id"], admin) == draft
    for stranger in (None, other_host):
        with pytest.raises(NoSuchEvent):
            events.get(draft["id"], stranger)


def test_what_was_published_is_seen_by_all_even_when_cancelled(events: EventService, host: Principal, publish: Publish):
    event_id = publish()
    assert events.get(event_id)["status"] == "published"
    events.cancel(host, event_id)
    assert events.get(event_id)["status"] == "cancelled"


def test_a_draft_that_is_dropped_stays_unseen(events: EventService, host: Principal, details: Make):
    event_id = events.create(host, details())["id"]
    assert events.cancel(host, event_id)["status"] == "cancelled"
    with pytest.raises(NoSuchEvent):
        events.get(event_id)


def test_there_is_no_such_event(events: EventService, host: Principal):
    for use in (
        lambda: events.get(new_id(), host),
        lambda: events.publish(host, new_id()),
        lambda: events.cancel(host, new_id()),
        lambda: events.update(host, new_id(), {"title": "x"}),
    ):
        with pytest.raises(NoSuchEvent):
            use()


@pytest.mark.parametrize("action", ["publish", "cancel", "update"])
def test_only_those_who_manage_an_event_may_touch_it(
    events: EventService, host: Principal, other_host: Principal, guest: Principal, details: Make, publish: Publish, action: str
):
    def act(principal: Principal, event_id: str) -> None:
        if action == "update":
            events.update(principal, event_id, {"title": "Mine now"})
        else:
            getattr(events, action)(principal, event_id)

    draft, public = events.create(host, details())["id"], publish()
    for stranger in (other_host, guest):
        with pytest.raises(NoSuchEvent):
            act(stranger, draft)
        with pytest.raises(NotTheHost):
            act(stranger, public)


def test_an_admin_may_publish_change_and_cancel_for_a_host(events: EventService, host: Principal, admin: Principal, details: Make):
    event_id = events.create(host, details())["id"]
    events.publish(admin, event_id)
    events.update(admin, event_id, {"title": "A better title"})
    assert events.cancel(admin, event_id)["host_id"] == "host-1"


def test_publishing_tells_of_it_in_the_same_write(events: EventService, host: Principal, details: Make, database: Data, clock):
    event_id = events.create(host, details())["id"]
    assert told(database, event_id) == []
    clock.advance(hours=1)
    event = events.publish(host, event_id)
    assert (event["status"], event["published_at"], event["updated_at"]) == ("published", clock.now, clock.now)
    assert told(database, event_id) == [("events.published", {"event_id": event_id, "host_id": "host-1"})]


def test_an_event_is_published_once(events: EventService, host: Principal, publish: Publish):
    event_id = publish()
    with pytest.raises(EventNotDraft):
        events.publish(host, event_id)
    events.cancel(host, event_id)
    with pytest.raises(EventNotDraft):
        events.publish(host, event_id)


def test_a_draft_is_published_only_when_it_is_ready(events: EventService, host: Principal, details: Make, clock):
    event_id = events.create(host, details(table_size=TableSize(4, 13)))["id"]
    clock.advance(days=7)
    with pytest.raises(EventNotReady) as caught:
        events.publish(host, event_id)
    assert set(caught.value.details["problems"]) == {"starts_at", "table_size.max"}
    assert events.get(event_id, host)["status"] == "draft"


def test_cancelling_tells_of_it_in_the_same_write(events: EventService, host: Principal, publish: Publish, database: Data):
    event_id = publish()
    events.cancel(host, event_id)
    assert told(database, event_id)[1:] == [("events.cancelled", {"event_id": event_id, "host_id": "host-1"})]


def test_a_draft_is_dropped_without_a_word(events: EventService, host: Principal, details: Make, database: Data):
    event_id = events.create(host, details())["id"]
    events.update(host, event_id, {"title": "Better"})
    events.cancel(host, event_id)
    assert told(database, event_id) == []


def test_an_event_is_cancelled_once_and_then_stays_as_it_is(events: EventService, host: Principal, publish: Publish):
    event_id = publish()
    events.cancel(host, event_id)
    with pytest.raises(EventIsCancelled):
        events.cancel(host, event_id)
    with pytest.raises(EventIsCancelled):
        events.update(host, event_id, {"title": "Back again"})


def test_what_has_begun_is_neither_cancelled_nor_changed(events: EventService, host: Principal, publish: Publish, clock):
    event_id = publish()
    clock.advance(days=7)
    with pytest.raises(EventHasBegun):
        events.cancel(host, event_id)
    with pytest.raises(EventHasBegun):
        events.update(host, event_id, {"title": "Afterwards"})


def test_a_draft_whose_day_has_passed_can_be_given_another(events: EventService, host: Principal, details: Make, clock):
    event_id = events.create(host, details())["id"]
    clock.advance(days=8)
    events.update(host, event_id, {"starts_at": clock.now + timedelta(days=1)})
    assert events.publish(host, event_id)["status"] == "published"


def test_a_change_replaces_what_it_names_and_tells_what(events: EventService, host: Principal, publish: Publish, database: Data, clock):
    event_id = publish()
    before = events.get(event_id)
    clock.advance(hours=1)
    after = events.update(host, event_id, {"city": "Graz", "tags": ("quiet",)})
    assert after == before | {"city": "Graz", "tags": ["quiet"], "version": before["version"] + 1, "updated_at": clock.now}
    assert events.get(event_id) == after
    assert told(database, event_id)[1:] == [
        ("events.changed", {"event_id": event_id, "host_id": "host-1", "fields": ["city", "tags"]}),
    ]


def test_an_event_is_found_under_its_new_names(events: EventService, host: Principal, publish: Publish, database: Data):
    event_id = publish()
    events.update(host, event_id, {"city": "Córdoba", "cuisine": "Perú", "tags": ("Más",)})
    row = database["events"].find_one({"_id": event_id})
    assert (row["city_key"], row["cuisine_key"], row["tag_keys"]) == ("cordoba", "peru", ["mas"])


def test_a_change_of_nothing_changes_nothing(events: EventService, host: Principal, publish: Publish, details: Make, database: Data):
    event_id = publish()
    before = events.get(event_id)
    assert events.update(host, event_id, {"title": details().title, "starts_at": details().starts_at}) == before
    assert events.update(host, event_id, {}) == before
    assert len(told(database, event_id)) == 1


def test_a_change_to_what_somebody_else_changed_meanwhile_is_refused(events: EventService, host: Principal, details: Make):
    event_id = events.create(host, details())["id"]
    events.update(host, event_id, {"title": "First"}, version=1)
    with pytest.raises(EventWasChanged) as caught:
        events.update(host, event_id, {"title": "Second"}, version=1)
    assert caught.value.details == {"version": 2}
    assert events.get(event_id, host)["title"] == "First"


def test_a_published_event_stays_ready(events: EventService, host: Principal, publish: Publish, clock):
    event_id = publish()
    with pytest.raises(EventNotReady):
        events.update(host, event_id, {"starts_at": clock.now})
    with pytest.raises(EventNotReady):
        events.update(host, event_id, {"table_size": TableSize(4, 13)})


@pytest.mark.parametrize(
    "terms",
    [
        {"price": Money(3499, "EUR")},
        {"price": Money(3500, "CHF")},
    ],
)
def test_the_terms_stay_while_anyone_holds_a_seat(events: EventService, host: Principal, publish: Publish, database: Data, terms: dict):
    event_id = publish()
    sell(database, event_id, 1)
    with pytest.raises(EventHasBookings) as caught:
        events.update(host, event_id, {**terms, "title": "Same dinner"})
    assert caught.value.details == {"terms": list(terms)}
    assert events.get(event_id)["title"] == "Dumplings for twelve"
    assert events.update(host, publish(), terms)["version"] == 3


@pytest.mark.parametrize("hours", [24, 24 * 30])
def test_a_dinner_that_is_moved_lets_those_who_booked_go_for_three_days_or_until_it_begins(
    events: EventService, host: Principal, publish: Publish, database: Data, clock, hours: int
):
    event_id = publish()
    sell(database, event_id, 1)
    starts_at = clock.now + timedelta(hours=hours)
    events.update(host, event_id, {"starts_at": starts_at, "title": "Sooner or later"})
    row = database.events.find_one({"_id": event_id})
    assert (row["moved_at"], row["free_until"]) == (clock.now, min(starts_at, clock.now + timedelta(hours=72)))
    assert row["outbox"][-1]["data"]["fields"] == ["title", "starts_at"]
    events.update(host, event_id, {"title": "Only a name"})
    assert database.events.find_one({"_id": event_id})["moved_at"] == row["moved_at"]


def test_a_draft_moves_without_a_trace(events: EventService, host: Principal, details: Any, database: Data, clock):
    event_id = events.create(host, details())["id"]
    events.update(host, event_id, {"starts_at": clock.now + timedelta(days=3)})
    assert database.events.find_one({"_id": event_id}).get("moved_at") is None


def test_what_is_no_term_can_be_changed_under_bookings(events: EventService, host: Principal, publish: Publish, database: Data):
    event_id = publish()
    sell(database, event_id, 12)
    assert events.update(host, event_id, {"title": "Even more dumplings"})["seats_left"] == 0


@pytest.mark.parametrize(("seats", "left"), [(20, 15), (12, 7), (6, 1)])
def test_capacity_and_the_seats_that_are_left_move_together(
    events: EventService, host: Principal, publish: Publish, database: Data, seats: int, left: int
):
    event_id = publish()
    sell(database, event_id, 5)
    event = events.update(host, event_id, {"seats": seats})
    assert (event["seats"], event["seats_left"]) == (seats, left)


def test_capacity_never_falls_below_what_is_sold(events: EventService, host: Principal, publish: Publish, database: Data):
    event_id = publish()
    sell(database, event_id, 7)
    with pytest.raises(CapacityBelowSold) as caught:
        events.update(host, event_id, {"seats": 6})
    assert caught.value.details == {"sold": 7}
    assert events.update(host, event_id, {"seats": 7})["seats_left"] == 0


def test_a_change_of_capacity_is_a_change_of_the_accounts(events: EventService, host: Principal, publish: Publish, database: Data):
    event_id = publish()
    events.update(host, event_id, {"seats": 13})
    assert database["events"].find_one({"_id": event_id})["seq"] == 1


def sell_between_read_and_write(monkeypatch: pytest.MonkeyPatch, events: EventService, database: Data, guests: int) -> None:
    """The next change finds that seats were sold after it had read the event."""
    genuine, left = events.managed, [guests]

    def managed(principal: Principal, event_id: str):
        event = genuine(principal, event_id)
        if left:
            sell(database, event_id, left.pop())
        return event

    monkeypatch.setattr(events, "managed", managed)


def test_seats_sold_between_read_and_write_are_not_cut_off(
    events: EventService, host: Principal, publish: Publish, database: Data, monkeypatch: pytest.MonkeyPatch
):
    event_id = publish()
    sell_between_read_and_write(monkeypatch, events, database, 8)
    with pytest.raises(CapacityBelowSold):
        events.update(host, event_id, {"seats": 6})
    assert events.get(event_id)["seats_left"] == 4


def test_terms_agreed_to_between_read_and_write_stay(
    events: EventService, host: Principal, publish: Publish, database: Data, monkeypatch: pytest.MonkeyPatch
):
    event_id = publish()
    sell_between_read_and_write(monkeypatch, events, database, 1)
    with pytest.raises(EventHasBookings):
        events.update(host, event_id, {"price": Money(1, "EUR")})


def test_changes_at_the_same_time_are_all_kept(events: EventService, host: Principal, publish: Publish):
    event_id = publish()
    changes = [{"title": "New"}, {"city": "Graz"}, {"cuisine": "Thai"}, {"seats": 30}, {"tags": ("x",)}, {"description": "d"}]
    start = Barrier(len(changes))

    def change(new: dict) -> None:
        start.wait()
        events.update(host, event_id, new)

    threads = [Thread(target=change, args=(new,)) for new in changes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    event = events.get(event_id)
    assert event["version"] == 2 + len(changes)
    assert (event["title"], event["city"], event["cuisine"], event["seats_left"]) == ("New", "Graz", "Thai", 30)


def test_the_books_balance_when_guests_book_while_the_capacity_moves(events: EventService, host: Principal, publish: Publish, clock):
    event_id, seats = publish(seats=30), Seats(events._database, clock, offer_seconds=3600)
    start = Barrier(4)

    def book(guest: int) -> None:
        start.wait()
        for booking in range(10):
            name = f"{guest}-{booking}"
            with suppress(SoldOut):
                seats.take(SeatHold(event_id, name, name, name, 2, None))
            if booking % 3 == 0:
                seats.give_back(SeatHold(event_id, name, name, name, 2, None))

    def resize() -> None:
        start.wait()
        for capacity in (12, 40, 8, 25, 6, 18, 10, 30, 9, 14):
            with suppress(CapacityBelowSold):
                events.update(host, event_id, {"seats": capacity})

    threads = [Thread(target=book, args=(guest,)) for guest in range(3)] + [Thread(target=resize)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    event = events.get(event_id)
    assert event["seats_left"] == event["seats"] - sum(hold.guests for hold in seats.holds(event_id))
    assert event["seats_left"] >= 0


def test_a_race_to_publish_has_one_winner(events: EventService, host: Principal, details: Make, database: Data):
    event_id = events.create(host, details())["id"]
    start, lost = Barrier(4), []

    def publish() -> None:
        start.wait()
        try:
            events.publish(host, event_id)
        except EventNotDraft as error:
            lost.append(error)

    threads = [Thread(target=publish) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(lost) == 3
    assert len(told(database, event_id)) == 1
