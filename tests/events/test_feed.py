"""A host's calendar to subscribe to."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import icalendar
import pytest
from pymongo.database import Database

from dinnerkit.errors import Forbidden
from dinnerkit.events.errors import NoSuchFeed
from dinnerkit.events.feed import HostFeed
from dinnerkit.events.service import EventService
from dinnerkit.identity import Principal
from tests.events.test_service import Make, Publish, sell

Data = Database[dict[str, Any]]


@pytest.fixture
def feed(database: Data, clock) -> HostFeed:
    return HostFeed(database, b"k" * 32, clock)


def entries(calendar: bytes) -> list[icalendar.Event]:
    return list(icalendar.Calendar.from_ical(calendar).walk("VEVENT"))


def test_it_has_the_host_s_published_dinners_with_how_many_seats_are_taken(
    feed: HostFeed, events: EventService, host: Principal, other_host: Principal, publish: Publish, details: Make, database: Data
):
    event_id = publish()
    sell(database, event_id, 5)
    off = publish(title="Called off")
    events.cancel(host, off)
    events.create(host, details(title="A draft"))
    events.publish(other_host, events.create(other_host, details(title="Another's"))["id"])
    calendar = feed.calendar(feed.open(host))
    found = {str(entry["summary"]): str(entry["status"]) for entry in entries(calendar)}
    assert found == {"Dumplings for twelve (5 of 12)": "CONFIRMED", "Called off (0 of 12)": "CANCELLED"}
    assert b"someone" not in calendar, "nobody's name or id"


def test_it_is_the_same_until_a_dinner_changes(
    feed: HostFeed, events: EventService, host: Principal, publish: Publish, clock, database: Data
):
    event_id = publish()
    token = feed.open(host)
    first = feed.calendar(token)
    clock.now += timedelta(hours=1)
    assert feed.calendar(token) == first
    sell(database, event_id, 1)
    second = feed.calendar(token)
    events.update(host, event_id, {"title": "Other"})
    assert len({first, second, feed.calendar(token)}) == 3


def test_the_address_stays_until_it_is_made_worthless(feed: HostFeed, host: Principal):
    assert feed.token(host) is None
    token = feed.open(host)
    assert (feed.open(host), feed.token(host)) == (token, token)
    feed.calendar(token)
    for _ in range(2):
        feed.close(host)
    assert feed.token(host) is None
    with pytest.raises(NoSuchFeed):
        feed.calendar(token)
    later = feed.open(host)
    assert later != token
    feed.calendar(later)
    with pytest.raises(NoSuchFeed):
        feed.calendar(token)


def test_no_other_token_reads_it(feed: HostFeed, host: Principal, other_host: Principal, database: Data, clock):
    token = feed.open(host)
    name, _, mac = token.partition(".")
    elsewhere = HostFeed(database, b"x" * 32, clock).open(host)
    for wrong in (
        "",
        ".",
        name,
        token[:-1],
        f"{token}a",
        f"host-2.{mac}",
        elsewhere,
        token.upper(),
        "x" * 5000,
        "\0.\ud800",
        f"nobody.{mac}",
    ):
        with pytest.raises(NoSuchFeed):
            feed.calendar(wrong)


def test_guests_have_none(feed: HostFeed, guest: Principal):
    with pytest.raises(Forbidden):
        feed.open(guest)
    assert feed.token(guest) is None


def test_what_is_long_past_is_left_out(feed: HostFeed, host: Principal, publish: Publish, clock):
    publish()
    token = feed.open(host)
    clock.now += timedelta(days=7 + 90, seconds=1)
    assert entries(feed.calendar(token)) == []
