"""What secondaries of a replica set are asked, and what they never are: three members, of which one is hidden."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from dinnerkit import Kit, Settings, create_app
from dinnerkit.analytics.service import WALK, AnalyticsService
from dinnerkit.backends.cache import memory
from dinnerkit.events.documents import EventDocument
from dinnerkit.events.service import EventService
from dinnerkit.ports.cache import ShieldedCache
from dinnerkit.secondaries import PATIENCE_SECONDS, Secondaries
from dinnerkit.storage import Row, collection
from dinnerkit.testing import settings_for_tests
from tests.fire.dinners import host_dinner
from tests.fire.serving import sign_in
from tests.services.replica_set import HOST, ReplicaSet, replica_set

DATABASE = "three"
A_SLOW_MACHINES = 60.0
"""Seconds of patience where a secondary that has come as far as the primary must not be taken for one that has not."""


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReplicaSet]:
    with replica_set(tmp_path_factory.mktemp("members"), hidden=True) as members:
        members.stay()
        yield members


@pytest.fixture(scope="module")
def opened(members: ReplicaSet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kit]:
    usual = {"database_secondaries": True, "analytics_database": f"mongodb://{HOST}:{members.hidden}/{DATABASE}"}
    with Kit.open(Settings(**settings_for_tests(members.url(DATABASE), tmp_path_factory.mktemp("kit"), **usual))) as kit:
        yield kit


@pytest.fixture
def kit(opened: Kit) -> Kit:
    """The same for all tests, as indexes of three members take their time; without what the test before has left."""
    for name in ("events", "users", "addresses", "bookings", "idempotency", "figures"):
        opened.database[name].delete_many({})
    return opened


@pytest.fixture
def client(kit: Kit) -> FlaskClient:
    return create_app(kit=kit).test_client()


@contextmanager
def watched(members: ReplicaSet, *ports: int) -> Iterator[dict[int, list[Row]]]:
    """What each of these members is asked to read in here."""
    read: dict[int, list[Row]] = {}
    with ExitStack() as stack:
        databases = {port: stack.enter_context(members.connected(port))[DATABASE] for port in ports}
        since = {port: database["system.profile"].count_documents({}) for port, database in databases.items()}
        for database in databases.values():
            database.command("profile", 2)
        yield read
        for port, database in databases.items():
            database.command("profile", 0)
            told = list(database["system.profile"].find())[since[port] :]
            read[port] = [operation["command"] for operation in told if operation["ns"] != f"{DATABASE}.system.profile"]


def asked(commands: list[Row]) -> set[str]:
    return {command[name] for command in commands for name in ("find", "aggregate") if name in command}


def test_what_is_public_is_read_from_a_secondary_and_what_is_somebodys_from_the_primary(
    kit: Kit, client: FlaskClient, members: ReplicaSet
) -> None:
    event = host_dinner(kit, seats=4)
    [token] = sign_in(kit, ["ada"]).values()
    headers = {"Authorization": f"Bearer {token}"}
    primary, secondary = members.primary(), members.secondary()
    kit.service(Secondaries).patience = A_SLOW_MACHINES
    with watched(members, primary, secondary) as read:
        for path in ("", f"/{event}", "?near=48.1,11.5&sort=distance", "?sort=price"):
            assert client.get(f"/v1/events{path}").status_code == 200
        assert kit.service(EventService).listed([event]).keys() == {event}, "which is how what was found is shown"
    assert len([command for command in read[secondary] if "events" in asked([command])]) == 5
    with watched(members, primary, secondary) as read:
        made = client.post("/v1/bookings", json={"event_id": event}, headers=headers | {"Idempotency-Key": "once"})
        assert made.status_code == 201
        booking = made.get_json()["id"]
        assert [mine["id"] for mine in client.get("/v1/bookings", headers=headers).get_json()["items"]] == [booking]
        for path in ("/me", f"/bookings/{booking}", f"/bookings/{booking}/calendar.ics", "/hosting/events", "/search/people"):
            assert client.get(f"/v1{path}", headers=headers).status_code == 200, path
    assert {"bookings", "users"} <= asked(read[primary])
    assert asked(read[secondary]) == set()


def test_where_the_secondary_is_behind_nobody_is_shown_what_was(kit: Kit, client: FlaskClient, members: ReplicaSet) -> None:
    event = host_dinner(kit, seats=4)
    tokens = sign_in(kit, ["ada"])
    assert client.get(f"/v1/events/{event}").get_json()["seats_left"] == 4
    kit.service(Secondaries).patience = PATIENCE_SECONDS
    with members.held_back(members.secondary()):
        [token] = tokens.values()
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "once"}
        made = client.post("/v1/bookings", json={"event_id": event, "guests": 3}, headers=headers)
        later = host_dinner(kit, seats=4)
        assert client.get("/v1/bookings", headers=headers).get_json()["items"][0]["id"] == made.get_json()["id"]
        assert client.get(f"/v1/events/{event}").get_json()["seats_left"] == 1
        assert {item["id"] for item in client.get("/v1/events").get_json()["items"]} == {event, later}
        assert client.get(f"/v1/events/{later}").status_code == 200


def test_a_secondary_that_is_behind_is_waited_for_and_asked_no_more_for_a_while(kit: Kit, members: ReplicaSet) -> None:
    events = collection(kit.database, EventDocument)
    before = host_dinner(kit, seats=4)
    secondaries, answers = Secondaries(kit.database, on=True), []

    def read(rows: Any, session: Any) -> list[str]:
        answers.append("primary" if session is None else "secondary")
        return [row["_id"] for row in rows.find({}, {"_id": 1}, session=session)]

    secondaries.patience = A_SLOW_MACHINES
    assert secondaries.ask(events, read) == [before]
    secondaries.patience = PATIENCE_SECONDS
    with members.held_back(members.secondary()):
        after = host_dinner(kit, seats=4)
        stale = [row["_id"] for row in secondaries.lagging["events"].find({}, {"_id": 1})]
        assert stale == [before], "the secondary is not held back, and all of this shows nothing"
        assert set(secondaries.ask(events, read)) == set(secondaries.ask(events, read)) == {before, after}
    assert answers == ["secondary", "secondary", "primary", "primary"]


def test_the_hidden_member_counts_and_the_others_are_not_asked(kit: Kit, members: ReplicaSet) -> None:
    host_dinner(kit, seats=4)
    primary, secondary = members.primary(), members.secondary()
    with watched(members, primary, secondary, members.hidden) as read:
        kit.service(AnalyticsService).count()
    counting = {port: asked([command for command in commands if command.get("comment") == WALK]) for port, commands in read.items()}
    assert counting == {primary: set(), secondary: set(), members.hidden: {"events", "bookings", "payments", "seatings"}}


def test_figures_are_the_last_ones_while_the_hidden_member_is_gone(kit: Kit, client: FlaskClient, members: ReplicaSet) -> None:
    gone = "mongodb://127.0.0.1:9/gone?serverSelectionTimeoutMS=100"
    lost = Kit.open(Settings(**settings_for_tests(members.url(DATABASE), Path(kit.settings.data), analytics_database=gone)))
    with lost:
        asking = lost.service(AnalyticsService)
        host_dinner(kit, seats=4)
        assert asking.figures().upcoming == 1, "where nobody has counted before, the database is asked itself"
        host_dinner(kit, seats=4)
        kit.database["figures"].update_one({}, {"$set": {"counted_at": datetime(2000, 1, 1, tzinfo=UTC)}})
        again = AnalyticsService(kit.database, ShieldedCache(memory("memory://")), kit.clock, lost.backends.analytics.database)
        assert again.figures().upcoming == 1
        report = create_app(kit=lost).test_client().get("/health/ready").get_json()
        assert (report["status"], report["backends"]["analytics_database"]["state"]) == ("degraded", "down")
