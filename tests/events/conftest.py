from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pymongo.database import Database

from dinnerkit.events.documents import EventDocument
from dinnerkit.events.rules import EventDetails, Location, TableSize, Venue
from dinnerkit.events.service import EventService
from dinnerkit.identity import Principal, Role
from dinnerkit.money import Money
from dinnerkit.storage import ensure_indexes
from dinnerkit.testing import StandingClock

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock(NOW)


@pytest.fixture
def host() -> Principal:
    return Principal("host-1", Role.HOST)


@pytest.fixture
def other_host() -> Principal:
    return Principal("host-2", Role.HOST)


@pytest.fixture
def admin() -> Principal:
    return Principal("admin-1", Role.ADMIN)


@pytest.fixture
def guest() -> Principal:
    return Principal("guest-1", Role.GUEST)


@pytest.fixture
def events(database: Database[dict[str, Any]], clock: StandingClock) -> EventService:
    ensure_indexes(database, [EventDocument])
    return EventService(database, clock)


@pytest.fixture(scope="session")
def details() -> Callable[..., EventDetails]:
    """Makes the details of a dinner in Munich in a week; keywords replace what matters to a test."""

    def make(**replaced: Any) -> EventDetails:
        usual: dict[str, Any] = {
            "title": "Dumplings for twelve",
            "description": "We fold, we steam, we eat.\nBring an apron.",
            "cuisine": "Sichuan",
            "starts_at": NOW + timedelta(days=7),
            "timezone": "Europe/Berlin",
            "city": "München",
            "venue": Venue("Bahnwärter Thiel", "Tumblingerstraße 45", Location(48.1228, 11.5536)),
            "seats": 12,
            "table_size": TableSize(4, 6),
            "price": Money(3500, "EUR"),
            "tags": ("Vegan", "hands on"),
        }
        return EventDetails(**usual | replaced)

    return make


@pytest.fixture
def publish(events: EventService, host: Principal, details: Callable[..., EventDetails]) -> Callable[..., str]:
    """Publishes a dinner; its id."""

    def make(**replaced: Any) -> str:
        draft = events.create(host, details(**replaced))
        return events.publish(host, draft["id"])["id"]

    return make
