"""Rate limits by leases on a real Redis: the same bounds as on the model, among threads and processes, and few questions."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from limits.storage import redis as library
from limits.storage import storage_from_string

from dinnerkit import create_app
from dinnerkit.ids import new_id
from dinnerkit.ports.leased_limits import SHARE, LeasedWindows
from dinnerkit.settings import Settings
from dinnerkit.testing import settings_for_tests
from dinnerkit_redis import limiter, open_limiter
from tests.backends.leasing import LATE, PLAYS, Play, Time, hold_to_the_bounds
from tests.services.redis import PASSWORD, say

LIMIT, EXPIRY, PROCESSES = 1000, 3600, 3


@pytest.fixture
def place(server: int) -> str:
    return f"redis://:{PASSWORD}@127.0.0.1:{server}?timeout=2&prefix=t{new_id().lower()[:30]}"


def play_on(place: str, play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a clock that the test moves."""
    clock = Time()
    with ExitStack() as opened, monkeypatch.context() as patched:
        for module in (limiter, library):
            patched.setattr(module, "time", SimpleNamespace(time=clock))

        def process() -> tuple[Any, Any]:
            store = opened.enter_context(closing(open_limiter(place)))
            return storage_from_string(store.uri, **store.options), store

        hold_to_the_bounds(play, clock, process, new_id())


@given(play=PLAYS.filter(lambda play: play.expiry > 1))  # which Redis drops by its own clock, and that one goes on
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_never_too_many_come_through_and_early_refusals_are_bounded(place: str, play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    play_on(place, play, monkeypatch)


@pytest.mark.parametrize("play", LATE)
def test_the_bounds_hold_for_what_is_spent_late(place: str, play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    play_on(place, play, monkeypatch)


def test_processes_at_once_let_no_more_through_than_the_limit(place: str) -> None:
    with ExitStack() as opened, ThreadPoolExecutor(2 * PROCESSES) as pool:
        stores = [opened.enter_context(closing(open_limiter(place))) for _ in range(PROCESSES)]
        processes = [LeasedWindows(storage_from_string(store.uri, **store.options), store, ahead=True) for store in stores]
        came = sum(pool.map(lambda number: processes[number % PROCESSES].hit("anna", LIMIT, EXPIRY)[0], range(2 * LIMIT)))
    assert LIMIT - (PROCESSES - 1) * (LIMIT // SHARE) <= came <= LIMIT


def questions(port: int) -> int:
    """How many scripts Redis has run."""
    return int((re.search(r"cmdstat_evalsha:calls=(\d+)", say(port, "INFO", "commandstats")) or [0, 0])[1])


@pytest.mark.parametrize(("lease", "most"), [("on", 35), ("off", 110)])
def test_most_requests_ask_redis_nothing(database_url: str, tmp_path: Path, place: str, server: int, lease: str, most: int) -> None:
    given = settings_for_tests(database_url, tmp_path, limiter=place, rate_limit="1000 per 15 minutes", rate_limit_lease=lease)
    client = create_app(Settings(**given)).test_client()
    client.get("/v1/events")  # by which the scripts are loaded
    before = questions(server)
    left = [int(client.get("/v1/events").headers["X-RateLimit-Remaining"]) for _ in range(100)]
    assert left == list(range(998, 898, -1))
    assert questions(server) - before <= most  # without leases one each, and one more where a machine stalls for a second
