"""The platform in figures: a worker counts, and whoever asks reads what it counted."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dinnerkit import Kit, Settings
from dinnerkit.analytics.service import AnalyticsService
from dinnerkit.backends.cache import memory
from dinnerkit.ports.cache import ShieldedCache
from dinnerkit.testing import StandingClock, settings_for_tests
from dinnerkit.worker.clockwork import Clockwork
from tests.fire.dinners import host_dinner


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture
def kit(database_url: str, tmp_path: Path, clock: StandingClock) -> Iterator[Kit]:
    with Kit.open(Settings(**settings_for_tests(database_url, tmp_path)), clock=clock) as kit:
        yield kit


@pytest.fixture
def asker(kit: Kit, clock: StandingClock) -> AnalyticsService:
    """A process that has nothing in its cache yet."""
    return AnalyticsService(kit.database, ShieldedCache(memory("memory://")), clock)


def test_what_a_worker_has_counted_is_read_and_not_counted_again(kit: Kit, asker: AnalyticsService) -> None:
    host_dinner(kit, seats=4)
    clockwork = Clockwork(kit)
    clockwork.turn()
    while clockwork.goes_on:
        time.sleep(0.01)
    host_dinner(kit, seats=4)
    assert asker.figures().upcoming == 1
    assert asker.fresh_figures().upcoming == 2


def test_where_no_worker_counts_whoever_asks_does_and_the_others_read_that(kit: Kit, asker: AnalyticsService, clock: StandingClock) -> None:
    host_dinner(kit, seats=4)
    assert asker.figures().upcoming == 1
    host_dinner(kit, seats=4)
    clock.advance(minutes=4)
    assert AnalyticsService(kit.database, ShieldedCache(memory("memory://")), clock).figures().upcoming == 1
    clock.advance(minutes=2)
    assert AnalyticsService(kit.database, ShieldedCache(memory("memory://")), clock).figures().upcoming == 2


def test_what_another_version_counted_is_counted_anew(kit: Kit, asker: AnalyticsService) -> None:
    asker.count()
    kit.database["figures"].update_one({}, {"$unset": {"figures.seats": ""}})
    host_dinner(kit, seats=4)
    assert asker.figures().upcoming == 1
