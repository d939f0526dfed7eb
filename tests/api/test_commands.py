"""How many commands a request costs: what a guest has, or a host has earned, does not count."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from dinnerkit import Kit, Settings
from dinnerkit.http.idempotency_store import LEASE, IdempotencyStore
from dinnerkit.testing import settings_for_tests
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
