from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient

from dinnerkit import Dinnerkit, Kit, Settings
from dinnerkit.accounts.service import AccountService, NewUser
from dinnerkit.clock import utcnow
from dinnerkit.events.rules import EventDetails, Location, TableSize, Venue
from dinnerkit.events.service import EventService
from dinnerkit.identity import Principal, Role
from dinnerkit.money import Money
from dinnerkit.testing import run_background, settings_for_tests
from tests.conftest import with_database

HOST = Principal("host-1", Role.HOST)


@pytest.fixture(scope="module")
def kit(mongo_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kit]:
    url = with_database(mongo_url, f"test-{uuid4().hex}")
    with Kit.open(Settings(**settings_for_tests(url, tmp_path_factory.mktemp("kit")))) as opened:
        [host] = opened.service(AccountService).import_users([NewUser(email="host@example.org", name="Hanna Host", role=Role.HOST)])
        global HOST  # noqa: PLW0603 - of the module's kit
        HOST = Principal(host, Role.HOST)
        yield opened
        opened.database.client.drop_database(opened.database.name)


@pytest.fixture(autouse=True)
def nothing_planned(kit: Kit) -> None:
    """Each test finds its own dinners alone."""
    for name in ("events", "search_events", "search_words", "search_phrases", "search_state"):
        kit.database[name].delete_many({})


@pytest.fixture(scope="module")
def client(kit: Kit) -> FlaskClient:
    app = Flask("host")
    Dinnerkit(app, kit=kit)
    return app.test_client()


def details(**replaced: Any) -> EventDetails:
    usual: dict[str, Any] = {
        "title": "Dumplings for twelve",
        "description": "We fold, we steam, we eat.",
        "cuisine": "Sichuan",
        "starts_at": utcnow() + timedelta(days=7),
        "timezone": "Europe/Berlin",
        "city": "München",
        "venue": Venue("Bahnwärter Thiel", "Tumblingerstraße 45", Location(48.1228, 11.5536)),
        "seats": 12,
        "table_size": TableSize(4, 6),
        "price": Money(3500, "EUR"),
        "tags": ("Vegan",),
    }
    return EventDetails(**usual | replaced)


@pytest.fixture
def publish(kit: Kit) -> Callable[..., str]:
    """Publishes a dinner, and does what is to be done then; its id."""

    def make(*, background: bool = True, **replaced: Any) -> str:
        events = kit.service(EventService)
        event_id = events.create(HOST, details(**replaced))["id"]
        events.publish(HOST, event_id)
        if background:
            run_background(kit)
        return event_id

    return make
