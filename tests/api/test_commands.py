"""How many commands a request costs: what a guest has, or a host has earned, does not count."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from dinnerkit import Kit, Settings
from dinnerkit.http.idempotency_store import LEASE, IdempotencyStore
from dinnerkit.identity import Role
from dinnerkit.testing import run_background, settings_for_tests
from tests.commands import Commands, watch
from tests.fire.dinners import host_dinner

MakeCaller = Callable[..., Any]


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> Commands:
    return watch(monkeypatch)


@pytest.fixture
def kit(commands: Commands, database_url: str, tmp_path: Path) -> Iterator[Kit]:
    with Kit.open(Settings(**settings_for_tests(database_url, tmp_path))) as kit:
        yield kit


def test_what_other_threads_send_meanwhile_does_not_count(kit: Kit, commands: Commands) -> None:
    with commands.watched() as sent, ThreadPoolExecutor(1) as other:
        other.submit(kit.database.users.find_one).result()
        kit.database.events.find_one()
    assert sent == ["find events"]


@pytest.mark.parametrize("key", [None, "first"])
def test_a_booking_is_looked_for_only_where_it_may_have_been_made_before(
    client: FlaskClient, kit: Kit, caller: MakeCaller, commands: Commands, key: str | None
) -> None:
    event, guest = host_dinner(kit, seats=4), caller("guest").headers
    headers = guest | ({"Idempotency-Key": key} if key else {})
    with commands.watched() as sent:
        assert client.post("/v1/bookings", json={"event_id": event}, headers=headers).status_code == 201
    assert [command for command in sent if command.endswith(" bookings")] == ["insert bookings"]
    assert [command for command in sent if command.endswith(" events")] == ["findAndModify events"]


def test_who_comes_after_the_seats_are_gone_is_refused_by_one_read_until_there_are_some(
    client: FlaskClient, kit: Kit, caller: MakeCaller, commands: Commands
) -> None:
    event, wanted = host_dinner(kit, seats=1), {"guests": 1}
    first, late, later, last = (caller(name).headers for name in ("first", "late", "later", "last"))
    booked = client.post("/v1/bookings", json=wanted | {"event_id": event}, headers=first).get_json()
    seen = []
    for guest in (late, later, later):
        with commands.watched() as sent:
            assert client.post("/v1/bookings", json=wanted | {"event_id": event}, headers=guest).get_json()["code"] == "sold_out"
        seen.append([command for command in sent if command.endswith(" events")])
    assert seen == [["findAndModify events", "find events"], ["find events"], ["find events"]]
    with commands.watched() as sent:
        assert client.post("/v1/bookings", json=wanted | {"event_id": event}, headers=first).get_json()["code"] == "already_booked"
    assert [command for command in sent if command.endswith(" events")] == ["find events"]
    client.post(f"/v1/bookings/{booked['id']}/cancel", headers=first)
    assert client.post("/v1/bookings", json=wanted | {"event_id": event}, headers=last).status_code == 201


def test_an_attempt_that_was_cut_short_is_looked_for_and_found(
    client: FlaskClient, kit: Kit, caller: MakeCaller, commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    event, guest = host_dinner(kit, seats=4), caller("guest").headers | {"Idempotency-Key": "again"}
    # A process that dies after its work keeps no answer; its lease runs out.
    monkeypatch.setattr(IdempotencyStore, "finish", lambda *_: None)
    first = client.post("/v1/bookings", json={"event_id": event}, headers=guest)
    kit.database.idempotency.update_many({}, [{"$set": {"leased_until": {"$subtract": ["$leased_until", LEASE.total_seconds() * 2000]}}}])
    with commands.watched() as sent:
        again = client.post("/v1/bookings", json={"event_id": event}, headers=guest)
    assert again.get_json()["id"] == first.get_json()["id"]
    assert "find bookings" in sent
    assert kit.database.events.find_one({"_id": event})["seats_left"] == 3


def test_a_list_of_bookings_costs_the_same_however_many_of_them_wait(
    client: FlaskClient, kit: Kit, caller: MakeCaller, commands: Commands
) -> None:
    guest, first = caller("guest").headers, caller("first").headers
    seen = []
    for _ in range(3):
        event = host_dinner(kit, seats=1)
        client.post("/v1/bookings", json={"event_id": event}, headers=first)
        client.post(f"/v1/events/{event}/waitlist", json={}, headers=guest)
        with commands.watched() as sent:
            listed = client.get("/v1/bookings", headers=guest).get_json()["items"]
        assert [booking["position"] for booking in listed] == [1] * len(listed)
        seen.append((len(listed), sent))
    assert [count for count, _ in seen] == [1, 2, 3]
    assert seen[0][1] == seen[1][1] == seen[2][1]


def test_a_statement_costs_the_same_however_many_dinners_it_tells_of(
    client: FlaskClient, kit: Kit, caller: MakeCaller, commands: Commands
) -> None:
    guest, host = caller("guest").headers, caller("host", Role.HOST)
    seen = []
    for number in range(3):
        event = host_dinner(kit, seats=2)
        kit.database.events.update_one({"_id": event}, {"$set": {"host": host.id, "title": f"Supper {number}"}})
        booked = client.post("/v1/bookings", json={"event_id": event}, headers=guest).get_json()
        assert client.post(f"/v1/bookings/{booked['id']}/pay", json={"payment_method": "pm_card_visa"}, headers=guest).status_code == 200
        run_background(kit)
        with commands.watched() as sent:
            statement = client.get("/v1/host/statement", headers=host.headers).get_data(as_text=True)
        assert all(f"Supper {named}" in statement for named in range(number + 1))
        seen.append(sent)
    assert seen[0] == seen[1] == seen[2]
