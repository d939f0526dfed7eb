from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, timedelta
from typing import Any

from pymongo.database import Database

from dinnerkit.delivery.lease import Lease
from dinnerkit.testing import StandingClock

Db = Database[dict[str, Any]]


def test_one_holds_it_until_it_runs_out(database: Db, clock: StandingClock) -> None:
    mine, yours = (Lease(database, "clockwork", 10, clock) for _ in range(2))
    assert [mine.hold(), yours.hold()] == [True, False]
    clock.advance(seconds=9)
    assert mine.hold()
    clock.advance(seconds=9)
    assert [yours.hold(), mine.hold()] == [False, True]
    clock.advance(seconds=10)
    assert [yours.hold(), mine.hold()] == [True, False]


def test_who_releases_it_lets_the_next_have_it_at_once(database: Db, clock: StandingClock) -> None:
    mine, yours = (Lease(database, "clockwork", 10, clock) for _ in range(2))
    mine.hold()
    yours.release()
    assert not yours.hold()
    mine.release()
    assert yours.hold()


def test_each_name_is_a_lease_of_its_own(database: Db, clock: StandingClock) -> None:
    assert Lease(database, "clockwork", 10, clock).hold()
    assert Lease(database, "reconciliation", 10, clock).hold()


def test_of_many_that_want_it_at_once_one_gets_it(database: Db, clock: StandingClock) -> None:
    leases = [Lease(database, "clockwork", 10, clock) for _ in range(16)]
    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(lambda lease: lease.hold(), leases)) == 1


def test_by_the_databases_clock_no_machines_own_matters(database: Db) -> None:
    mine, yours = (Lease(database, "clockwork", 10) for _ in range(2))
    assert [mine.hold(), yours.hold(), mine.hold()] == [True, False, True]
    (row,) = database["leases"].find()
    now = database.command("hello")["localTime"].replace(tzinfo=UTC)
    assert timedelta(seconds=5) < row["until"] - now <= timedelta(seconds=10)
    database["leases"].update_one({}, {"$set": {"until": now - timedelta(milliseconds=1)}})
    assert [yours.hold(), mine.hold()] == [True, False]
    yours.release()
    assert mine.hold()
