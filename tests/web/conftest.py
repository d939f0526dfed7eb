from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask

from dinnerkit import Kit, Settings, create_app
from dinnerkit.accounts.rules import Personality, Profile, User, Visibility
from dinnerkit.accounts.service import AccountService, NewUser
from dinnerkit.booking.service import BookingService
from dinnerkit.clock import utcnow
from dinnerkit.events.rules import EventDetails, Format, Location, TableSize, Venue
from dinnerkit.events.service import EventService
from dinnerkit.identity import Principal, Role
from dinnerkit.ids import new_id
from dinnerkit.matching.computing import SeatingWork
from dinnerkit.matching.people.items import TRAITS
from dinnerkit.matching.service import SeatingService
from dinnerkit.money import Money
from dinnerkit.testing import settings_for_tests
from tests.conftest import with_database
from tests.web.browser import PASSWORD, Browser


def dinner(**changes: Any) -> EventDetails:
    details = EventDetails(
        title="Supper by the river",
        description="Soup first.\n\nThen the rest.",
        cuisine="Georgian",
        starts_at=(utcnow() + timedelta(days=10)).replace(microsecond=0),
        timezone="Europe/Berlin",
        city="Berlin",
        venue=Venue("Kantine", "Uferstraße 12", Location(52.5, 13.4)),
        seats=12,
        table_size=TableSize(2, 6),
        price=Money(3500, "EUR"),
    )
    return replace(details, **changes)


class World:
    """Users and dinners, made by the services."""

    def __init__(self, kit: Kit) -> None:
        self.kit = kit

    def user(self, role: Role = Role.GUEST, name: str = "Robin Guest") -> User:
        return self.kit.service(AccountService).create_user(email=f"{new_id()}@example.test", name=name, password=PASSWORD, role=role)

    def people(self, count: int, **profile: Any) -> list[str]:
        traits = dict.fromkeys(TRAITS, 0.5)
        new = [
            NewUser(
                email=f"{new_id()}@example.test",
                name=f"Name{number} Surname{number}",
                profile=Profile(**profile),
                personality=Personality(answers={"E1": 3}, traits=traits | {"openness": number / count}),
            )
            for number in range(count)
        ]
        return self.kit.service(AccountService).import_users(new)

    def event(self, host: User, *, published: bool = True, **changes: Any) -> str:
        events, principal = self.kit.service(EventService), Principal(host.id, Role.HOST)
        event_id = events.create(principal, dinner(**changes))["id"]
        if published:
            events.publish(principal, event_id)
        return event_id

    def booked(self, user_id: str, event_id: str, guests: int = 1) -> str:
        return self.kit.service(BookingService).reserve(user_id, event_id, guests, booking_id=new_id()).id

    def seated_night(self, host: User, guests: list[str], *, publish: bool = True, **changes: Any) -> str:
        event_id = self.event(host, format=Format.MATCH_NIGHT, price=Money(0, "EUR"), seats=max(12, len(guests)), **changes)
        for guest in guests:
            self.booked(guest, event_id)
        self.seat(host, event_id, publish=publish)
        return event_id

    def seat(self, host: User, event_id: str, *, publish: bool = True) -> str:
        seatings, principal = self.kit.service(SeatingService), Principal(host.id, Role.HOST)
        seating = seatings.request(principal, event_id, seating_id=new_id())
        self.kit.service(SeatingWork).compute(seating.id)
        if publish:
            seatings.publish(principal, event_id, seating.id)
        return seating.id


@pytest.fixture(scope="module")
def kit(mongo_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kit]:
    """One for the tests of a module, since opening it makes all indexes; they make their own users and dinners."""
    url = with_database(mongo_url, f"test-{uuid4().hex}")
    with Kit.open(Settings(**settings_for_tests(url, tmp_path_factory.mktemp("kit")))) as opened:
        yield opened
        opened.database.client.drop_database(opened.database.name)


@pytest.fixture(scope="module")
def app(kit: Kit) -> Flask:
    return create_app(kit=kit)


@pytest.fixture
def world(kit: Kit) -> World:
    return World(kit)


@pytest.fixture
def host(world: World) -> User:
    return world.user(Role.HOST, "Hanna Host")


@pytest.fixture
def browse(app: Flask) -> Callable[..., Browser]:
    """Makes a browser, signed in as that user."""

    def make(user: User | None = None, **options: Any) -> Browser:
        browser = Browser(app, **options)
        if user is not None:
            browser.sign_in(user.email)
        return browser

    return make


PRIVATE, PUBLIC = Visibility.PRIVATE, Visibility.PUBLIC
