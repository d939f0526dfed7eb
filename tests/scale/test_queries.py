"""No request and no sweep reads more than it answers with, or asks more shards than it must.

MongoDB's profiler tells what each of their queries looked at.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from pymongo import MongoClient
from pymongo.database import Database

from dinnerkit import Kit, Settings, create_app
from dinnerkit.accounts.recovery import RecoveryService
from dinnerkit.accounts.service import AccountService, NewUser
from dinnerkit.analytics.service import AnalyticsService
from dinnerkit.booking.service import BookingService
from dinnerkit.booking.transferring import TransferService
from dinnerkit.documents import DOCUMENTS
from dinnerkit.identity import Role
from dinnerkit.matching.people.items import ITEMS
from dinnerkit.payment.reconciliation.service import Reconciliation
from dinnerkit.pytest_plugin import with_database
from dinnerkit.search.indexing import Indexing
from dinnerkit.shards import SHARD_KEYS, WHOLE, fits
from dinnerkit.storage import Row
from dinnerkit.testing import run_background, settings_for_tests
from dinnerkit.worker.clockwork import Clockwork
from tests.fire.dinners import HOST, host_dinner
from tests.fire.serving import bearer_tokens
from tests.photos.files import jpeg
from tests.scale.profiling import assert_routed, moderate, profiled, recorded
from tests.scale.routing import broadcasts

COPIES = 200
PUBLIC = [
    *(f"/v1/events{query}" for query in ("", "?city=M%C3%BCnchen", "?cuisine=Sichuan", "?tag=noodles", "?max_price=4000", "?sort=price")),
    "/v1/events?city=M%C3%BCnchen&sort=price",
    "/v1/events?near=48.1,11.5&radius_km=10",
    "/v1/events?near=48.1,11.5&radius_km=10&sort=distance",
    "/v1/events?from=2020-01-01T00:00:00Z&to=2120-01-01T00:00:00Z",
    "/v1/events/{event}",
    "/v1/search/events?q=dumplings",
    "/v1/search/events?q=dumplngs",
    "/v1/search/suggest?q=du",
    "/",
    "/metrics",
    "/health/ready",
]
GUESTS = [
    "/v1/me",
    "/v1/search/people",
    "/v1/bookings",
    "/v1/bookings/{booking}",
    "/v1/bookings/{booking}/table",
    "/v1/bookings/{booking}/ticket.svg",
    "/v1/bookings/{booking}/calendar.ics",
    "/v1/bookings/{booking}/feedback",
    "/v1/events/{event}/waitlist",
]
HOSTS = [
    "/v1/events/{event}/check-in",
    "/v1/events/{event}/seating",
    "/v1/hosting/events",
    "/v1/host/statement",
    "/v1/vouchers",
    "/v1/admin/queues",
    "/v1/admin/queues/emails/jobs",
    "/v1/admin/dead-letters",
]


DINNER: dict[str, Any] = {
    "title": "Dumplings",
    "description": "We fold, we steam, we eat.",
    "cuisine": "Sichuan",
    "timezone": "Europe/Berlin",
    "city": "München",
    "venue": {"name": "Bahnwärter Thiel", "address": "Tumblingerstraße 45", "location": {"lat": 48.1228, "lon": 11.5536}},
    "seats": 6,
    "table_size": {"min": 1, "max": 6},
    "price": {"amount": 3500, "currency": "EUR"},
    "format": "match_night",
}
"""All of a dinner but when it begins."""

REFUSALS = {"already_confirmed", "feedback_not_open", "not_found", "payment_needed", "voucher_unknown"}
"""Codes of the refusals that some actions here meet, after they have looked for something too."""


class World(NamedTuple):
    """A dinner with three paid bookings, among hundreds of its kind."""

    client: FlaskClient
    event: str
    booking: str
    guest: dict[str, str]
    admin: dict[str, str]


@pytest.fixture(scope="module")
def kit(mongo_url: str, mongo_client: MongoClient[Row], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kit]:
    name = f"test-{uuid4().hex}"
    settings = settings_for_tests(with_database(mongo_url, name), tmp_path_factory.mktemp("scale"))
    with Kit.open(Settings(**settings)) as kit:
        kit.ensure_indexes()
        yield kit
    mongo_client.drop_database(name)


@pytest.fixture(scope="module")
def world(kit: Kit) -> World:
    client = create_app(kit=kit).test_client()
    people = {"ada": Role.GUEST, "ben": Role.GUEST, "cleo": Role.GUEST, "admin": Role.ADMIN}
    accounts = [NewUser(email=f"{name}@example.org", name=name, role=role) for name, role in people.items()]
    ids = kit.service(AccountService).import_users(accounts)
    *guests, admin = [{"Authorization": f"Bearer {token}"} for token in bearer_tokens(kit, ids).values()]
    event = host_dinner(kit, seats=12)
    bookings = [paid(client, event, guest) for guest in guests]
    run_background(kit)
    kit.service(AnalyticsService).count()  # as a worker does once a minute
    client.get("/")  # which keeps for a while what lists can be narrowed to
    kit.service(Indexing).ensure_built()
    kit.service(Reconciliation).daily()
    multiply(kit.database)
    return World(client, event, bookings[0], guests[0], admin)


def paid(client: FlaskClient, event: str, guest: dict[str, str], guests: int = 1) -> str:
    once = {"Idempotency-Key": event}
    booking: str = client.post("/v1/bookings", json={"event_id": event, "guests": guests}, headers=guest | once).get_json()["id"]
    answer = client.post(f"/v1/bookings/{booking}/pay", json={"payment_method": "pm_card_visa"}, headers=guest)
    assert answer.status_code == 200
    return booking


def multiply(database: Database[Row]) -> None:
    """Copy all that is stored hundreds of times: other people's, elsewhere, later, under other ids and words."""
    names = re.compile(rf"(?i){HOST.user_id}|example\.org|dumplings|[0-9a-z]{{24}}")

    def copied(value: Any, number: int) -> Any:
        match value:
            case str():
                return names.sub(lambda found: f"{number:03}{found[0]}", value)
            case list():
                return [copied(part, number) for part in value]
            case {"type": "Point", "coordinates": [east, north]}:
                return {"type": "Point", "coordinates": [east, north + number / 100]}
            case dict():
                return {name: copied(part, number) for name, part in value.items()}
        return value

    for name in ("users", "events", "bookings", "payments", "deliveries", "gateway_notifications", "ledger", "payouts", "search_events"):
        rows = list(database[name].find())
        database[name].insert_many([copied(row, number) | _later(row, number) for number in range(COPIES) for row in rows])


def _later(row: Row, number: int) -> Row:
    return {"starts_at": row["starts_at"] + timedelta(hours=number)} if "starts_at" in row else {}


def act(world: World, method: str, path: str, headers: dict[str, str], body: dict[str, Any] | bytes | None = None) -> Any:
    """What an action answers, as JSON; it must be done, or refused for a reason that the actions here may meet."""
    content = {"data": body, "content_type": "image/jpeg"} if isinstance(body, bytes) else {"json": body or {}}
    answer = world.client.open(f"/v1{path}", method=method, headers=headers, **content)
    told = answer.get_json(silent=True) or {}
    assert answer.status_code < 300 or told.get("code") in REFUSALS, (method, path, answer.status_code, told)
    return told


def test_no_request_reads_much_more_than_it_answers_with(kit: Kit, world: World) -> None:
    with profiled(kit.database):
        for paths, headers in ((PUBLIC, {}), (GUESTS, world.guest), (HOSTS, world.admin)):
            for path in paths:
                answer = world.client.get(path.format(event=world.event, booking=world.booking), headers=headers)
                assert answer.status_code < 300 or answer.get_json()["code"] in {"not_found", "not_waiting", "feedback_not_open"}, path


def test_no_action_reads_much_more_than_it_changes(kit: Kit, world: World) -> None:
    client, small = world.client, host_dinner(kit, seats=2)
    with profiled(kit.database):
        login = {"email": "ada@example.org", "password": "not this one"}
        assert client.post("/v1/auth/login", json=login).status_code == 401
        register = {"email": "dora@example.org", "password": "correct horse battery", "name": "Dora"}
        assert client.post("/v1/auth/register", json=register).status_code == 201
        booking = paid(client, small, world.guest, guests=2)
        assert client.post(f"/v1/events/{small}/waitlist", json={"guests": 1}, headers=world.admin).status_code == 201
        assert client.post(f"/v1/bookings/{booking}/cancel", headers=world.guest).status_code == 200


def test_no_action_of_an_account_reads_much_more_than_it_changes(kit: Kit, world: World) -> None:
    password, address = "correct horse battery", "eve@example.org"
    with profiled(kit.database):
        act(world, "POST", "/auth/register", {}, {"email": address, "password": password, "name": "Eve"})
        user = kit.service(AccountService).find(address)
        assert user is not None
        recovery = kit.service(RecoveryService)
        act(world, "POST", "/auth/verification", {}, {"token": recovery.verification_token(user.id)})
        tokens = act(world, "POST", "/auth/login", {}, {"email": address, "password": password})
        mine = {"Authorization": f"Bearer {tokens['access_token']}"}
        act(world, "POST", "/auth/verification/mail", mine)
        act(world, "PATCH", "/me", mine, {"name": "Eva", "city": "München"})
        act(world, "PUT", "/me/personality", mine, {"answers": {item.id: 4 for item in ITEMS}})
        tokens = act(world, "POST", "/auth/refresh", {}, {"refresh_token": tokens["refresh_token"]})
        act(world, "POST", "/auth/logout", mine, {"refresh_token": tokens["refresh_token"]})
        act(world, "POST", "/auth/password-reset/mail", {}, {"email": address})
        act(world, "POST", "/auth/password-reset", {}, {"token": recovery.reset_token(user.id), "password": f"{password} staple"})
        tokens = act(world, "POST", "/auth/login", {}, {"email": address, "password": f"{password} staple"})
        act(world, "POST", "/auth/logout/everywhere", {"Authorization": f"Bearer {tokens['access_token']}"})


def test_no_action_of_a_host_reads_much_more_than_it_changes_nor_what_follows_it(kit: Kit, world: World) -> None:
    details = DINNER | {"starts_at": (kit.clock() + timedelta(days=20)).isoformat()}
    with moderate(kit.database):
        event = act(world, "POST", "/events", world.admin, details)["id"]
        act(world, "PATCH", f"/events/{event}", world.admin, {"title": "Dumplings, again"})
        act(world, "PUT", f"/events/{event}/photo", world.admin, jpeg())
        act(world, "POST", f"/events/{event}/photo/uploads", world.admin, {"content_type": "image/jpeg", "size": 1000})
        act(world, "DELETE", f"/events/{event}/photo", world.admin)
        act(world, "POST", f"/events/{event}/publish", world.admin)
        voucher = act(world, "POST", "/vouchers", world.admin, {"kind": "percent", "percent": 10, "code": "SCALE", "event_id": event})
        booking = act(world, "POST", "/bookings", world.guest, {"event_id": event, "voucher": "SCALE"})["id"]
        act(world, "POST", f"/bookings/{booking}/pay", world.guest, {"payment_method": "pm_card_visa"})
        act(world, "POST", f"/vouchers/{voucher['id']}/stop", world.admin)
        act(world, "PATCH", f"/events/{event}", world.admin, {"starts_at": (kit.clock() + timedelta(days=19)).isoformat()})
        act(world, "PUT", f"/events/{event}/check-in/{booking}", world.admin, {"came": True})
        act(world, "POST", f"/events/{event}/check-in", world.admin, {"ticket": "none"})
        seating = act(world, "POST", f"/events/{event}/seating", world.admin)["id"]
        run_background(kit)
        act(world, "POST", f"/events/{event}/seating/{seating}/publish", world.admin)
        act(world, "POST", "/hosting/feed", world.admin)
        act(world, "DELETE", "/hosting/feed", world.admin)
        act(world, "POST", "/host/payout-account", world.admin, {"country": "DE"})
        act(world, "POST", f"/events/{event}/cancel", world.admin)
        run_background(kit)
    assert kit.database["payments"].count_documents({"reference": booking, "refundable": 0}) == 1


def test_no_action_of_a_guest_reads_much_more_than_it_changes_nor_what_follows_it(kit: Kit, world: World) -> None:
    event, full = host_dinner(kit, seats=6), host_dinner(kit, seats=1)
    with moderate(kit.database):
        booking = act(world, "POST", "/bookings", world.guest, {"event_id": event, "guests": 3})["id"]
        own = f"/bookings/{booking}"
        act(world, "PUT", f"{own}/voucher", world.guest, {"voucher": "NONE"})
        act(world, "POST", f"{own}/pay", world.guest, {"payment_method": "pm_card_visa"})
        act(world, "PUT", f"{own}/feedback", world.guest, {"rating": 5})
        act(world, "PUT", f"{own}/companions", world.guest, {"companions": [{"name": "Bea"}, {"name": "Carl"}]})
        link = act(world, "POST", f"{own}/companions/1/link", world.guest)
        act(world, "PUT", "/companions/personality", {}, {"token": link["token"], "answers": {item.id: 4 for item in ITEMS}})
        act(world, "POST", f"{own}/transfer", world.guest, {"email": "zoe@example.org"})
        act(world, "DELETE", f"{own}/transfer", world.guest)
        act(world, "POST", f"{own}/transfer", world.guest, {"email": "admin@example.org"})
        offered = kit.database["bookings"].find_one({"_id": booking})
        assert offered is not None
        token = kit.service(TransferService).token(kit.service(BookingService).get(offered["user"], booking))
        act(world, "POST", "/transfers/accept", world.admin, {"token": token})
        taken = act(world, "POST", "/bookings", world.guest, {"event_id": full})["id"]
        act(world, "POST", f"/events/{full}/waitlist", world.admin, {"guests": 1})
        act(world, "DELETE", f"/events/{full}/waitlist", world.admin)
        act(world, "POST", f"/events/{full}/waitlist", world.admin, {"guests": 1})
        act(world, "POST", f"/bookings/{taken}/cancel", world.guest)
        run_background(kit)
        offered = kit.database["bookings"].find_one({"event": full, "status": "offered"})
        assert offered is not None
        act(world, "POST", f"/bookings/{offered['_id']}/accept", world.admin)
        act(world, "POST", f"/bookings/{offered['_id']}/pay", world.admin, {"payment_method": "pm_card_visa"})
        run_background(kit)


def test_no_sweep_of_the_worker_reads_much_more_than_is_due(kit: Kit, world: World) -> None:
    clockwork = Clockwork(kit)
    with profiled(kit.database):
        clockwork.turn()
        while clockwork.goes_on:
            time.sleep(0.01)


def test_what_follows_a_booking_names_the_shard_it_is_on(kit: Kit, world: World) -> None:
    event, operations = host_dinner(kit, seats=4), list[Row]()
    with recorded(kit.database, operations):
        booking = paid(world.client, event, world.guest)
        run_background(kit)
        assert world.client.post(f"/v1/bookings/{booking}/cancel", headers=world.guest).status_code == 200
        run_background(kit)
    mine = [operation for operation in operations if "not_before" not in operation["command"].get("filter", {})]  # run_background's own
    assert_routed(mine)
    assert {"bookings", "payments", "ledger"} <= {operation["ns"].partition(".")[2] for operation in mine}


def test_each_collection_is_spread_by_a_key_or_stays_whole_for_a_reason(kit: Kit, world: World) -> None:
    assert not SHARD_KEYS.keys() & WHOLE.keys()
    found = {name for name in kit.database.list_collection_names() if not name.startswith("system.")}
    assert found | {document.collection_name for document in DOCUMENTS} <= SHARD_KEYS.keys() | WHOLE.keys()


def test_each_unique_index_begins_with_the_key_of_its_collection(kit: Kit, world: World) -> None:
    unique = {
        (name, index): told["key"]
        for name in SHARD_KEYS
        for index, told in kit.database[name].index_information().items()
        if told.get("unique")
    }
    assert ("payments", "one_live") in unique
    assert [named for named, key in unique.items() if not fits(key, SHARD_KEYS[named[0]])] == []


def test_keys_that_begin_with_the_city_would_have_most_steps_of_a_booking_refused_or_sent_everywhere(kit: Kit, world: World) -> None:
    by_city = {"users": {"city": 1, "_id": 1}, "events": {"city_key": 1, "starts_at": 1, "_id": 1}, "bookings": {"user": 1}}
    event, operations = host_dinner(kit, seats=4), list[Row]()
    with recorded(kit.database, operations):
        paid(world.client, event, world.guest)
    ours = [one for operation in operations for one in broadcasts(operation)]
    theirs = [one for operation in operations for one in broadcasts(operation, by_city)]
    assert not [one for one in ours if one.collection in by_city]
    assert any(one.refused and (one.collection, one.verb) == ("events", "findAndModify") for one in theirs), "seats could not be taken"
    assert {one.collection for one in theirs} == {"users", "events"}
