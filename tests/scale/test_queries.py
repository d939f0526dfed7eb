"""No request and no sweep reads more than it answers with, or asks more shards than it must.

MongoDB's profiler tells what each of their queries looked at.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from pymongo import MongoClient
from pymongo.database import Database

from dinnerkit import Kit, Settings, create_app
from dinnerkit.accounts.service import AccountService, NewUser
from dinnerkit.analytics.service import WALK, AnalyticsService
from dinnerkit.identity import Role
from dinnerkit.kit import DOCUMENTS, SENDERS
from dinnerkit.payment.reconciliation.service import Reconciliation
from dinnerkit.pytest_plugin import with_database
from dinnerkit.search.indexing import Indexing
from dinnerkit.shards import SHARD_KEYS, WHOLE, fits
from dinnerkit.storage import Row
from dinnerkit.testing import run_background, settings_for_tests
from dinnerkit.worker.clockwork import Clockwork
from tests.fire.dinners import HOST, host_dinner
from tests.fire.serving import bearer_tokens
from tests.scale.routing import broadcasts

COPIES = 200
PROFILED_BYTES = 32 << 20
MOST_DOCUMENTS, MOST_KEYS = 40, 80
"""How much a query may look at beside three times what it returns or changes: far less than there is of anything."""

BROADCASTS = [
    ("events", "read", "listed", "a page of a list: each shard gives its first ones by an index, and the fast lane keeps the answer"),
    ("events", "read", "host", "a host's own dinners"),
    ("events", "read", "holds.until", "sweep"),
    ("events", "update", "listed", "sweep: dinners that have begun, all at once"),
    ("bookings", "read", "event", "who comes to a dinner: for its host, and for seating"),
    ("bookings", "read", "_id", "what a message, a hold or a ticket names: a step in an index of each shard"),
    ("bookings", "read", "about.starts_at", "sweep"),
    ("bookings", "read", "ask_at", "sweep"),
    ("bookings", "read", "remind_at", "sweep"),
    ("bookings", "read", "deposit_due_at", "sweep"),
    ("bookings", "read", "status", "sweep: who waits"),
    ("payments", "read", "_id", "what a message names: a step in an index of each shard, some for each payment"),
    ("payments", "update", "_id", "the same"),
    ("payments", "read", "charge", "what the gateway names"),
    ("payments", "read", "check_at", "sweep"),
    ("payments", "read", "refund_check_at", "sweep"),
    ("ledger", "read", "payee", "a host's statement"),
    ("payouts", "read", "try_at", "sweep"),
    ("deliveries", "read", "queue", "sweep, and the figures of the queues"),
    *((sender.collection_name, "read", "outbox.at", "the relay: one question for all while nothing is to be told") for sender in SENDERS),
]
"""What may go to every shard: of a collection, by a filter with that field, and why. Nothing else may."""

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


@contextmanager
def profiled(database: Database[Row]) -> Iterator[list[Row]]:
    """Fail for each query in here that looks at more than it needs, or would go to more shards than it must. What was done, at the end."""
    operations: list[Row] = []
    with recorded(database, operations):
        yield operations
    greedy = [told for operation in operations if (told := _greedy(operation))]
    assert not greedy, "\n".join(greedy)
    assert_routed(operations)


def assert_routed(operations: list[Row]) -> None:
    """Fail for what mongos would refuse, and for what it would send everywhere and is not meant to."""
    found = {broadcast for operation in operations for broadcast in broadcasts(operation)}
    allowed = {(collection, verb, field) for collection, verb, field, _ in BROADCASTS}
    wrong = [one for one in found if one.refused or not any((one.collection, one.verb, field) in allowed for field in one.fields)]
    assert not wrong, "\n".join(map(str, wrong))


@contextmanager
def recorded(database: Database[Row], operations: list[Row]) -> Iterator[None]:
    """Have all that is done in here appended to the list at its end."""
    database.drop_collection("system.profile")
    database.create_collection("system.profile", capped=True, size=PROFILED_BYTES)
    database.command("profile", 2)
    try:
        yield
    finally:
        database.command("profile", 0)
    others = {"ns": {"$ne": f"{database.name}.system.profile"}, "command.comment": {"$ne": WALK}}
    operations += database["system.profile"].find(others)
    assert operations


def _greedy(operation: Row) -> str:
    useful = max(operation.get(name, 0) for name in ("nreturned", "nModified", "ndeleted"))
    documents, keys = operation.get("docsExamined", 0), operation.get("keysExamined", 0)
    walked = operation.get("planSummary") == "COLLSCAN" and operation["ns"].partition(".")[2] not in WHOLE
    if not walked and documents <= 3 * useful + MOST_DOCUMENTS and keys <= 3 * useful + MOST_KEYS:
        return ""
    command = {name: value for name, value in operation["command"].items() if name not in {"lsid", "$clusterTime", "$db"}}
    return f"{documents} documents, {keys} keys for {useful}, {operation.get('planSummary')}: {command}"


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
