"""What the bus in the database promises beside the contract of every bus."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database

from dinnerkit.backends.bus.memory import MemoryBus
from dinnerkit.backends.bus.mongo import COLLECTION, DatabaseBus
from dinnerkit.errors import SettingError, Unavailable
from dinnerkit.plugins import open_backend
from dinnerkit.ports.bus import MISSED, News, Subscription
from tests.waiting import DEADLINE, until


@pytest.fixture
def stored(database: Database[Any]) -> Iterator[DatabaseBus]:
    with closing(DatabaseBus()) as opened:
        opened.use(database)
        yield opened


def hear(subscription: Subscription, count: int) -> list[Any]:
    """So many of what is heard."""
    heard, deadline = [], time.monotonic() + DEADLINE
    while len(heard) < count:
        assert time.monotonic() < deadline, f"heard only {heard}"
        if (one := subscription.next(1.0)) is not None:
            heard.append(one)
    return heard


def numbers(heard: list[Any]) -> list[int]:
    return [one.body["n"] for one in heard]


@pytest.mark.parametrize("url", ["memory://?size=3", "database://?size=3"])
def test_options_that_mean_nothing_are_refused(url: str) -> None:
    with pytest.raises(SettingError, match="has no option 'size'"):
        open_backend("bus", url)


def test_news_go_from_process_to_process(stored: DatabaseBus, database_url: str) -> None:
    code = f"""
from dinnerkit.plugins import open_backend
from dinnerkit.ports.bus import News
bus = open_backend("bus", {database_url!r})
with bus.subscribe("question") as listener:
    print("listens", flush=True)
    heard = listener.next(30)
    bus.publish(News("answer", {{"n": heard.body["n"] + 1}}))
bus.close()
"""
    with stored.subscribe("answer") as listener:
        other = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=dict(os.environ))
        assert other.stdout is not None
        assert other.stdout.readline() == "listens\n"
        stored.publish(News("question", {"n": 1}))
        assert numbers(hear(listener, 1)) == [2]
        other.communicate(timeout=DEADLINE)
        assert other.returncode == 0


def test_the_news_take_no_more_than_their_share_of_the_disk(stored: DatabaseBus, database: Database[Any]) -> None:
    with stored.subscribe("a") as listener:
        stored.publish(News("a", {"n": 1}))
        hear(listener, 1)
    assert database.command("collStats", COLLECTION)["capped"]


def test_what_another_version_writes_is_missed_and_no_more(stored: DatabaseBus, database: Database[Any]) -> None:
    with stored.subscribe("a") as listener:
        stored.publish(News("a", {"n": 1}))
        hear(listener, 1)
        database[COLLECTION].insert_one({"news": [{"subject": "a"}]})
        assert hear(listener, 1) == [MISSED]
        stored.publish(News("a", {"n": 2}))
        assert numbers(hear(listener, 1)) == [2]


def test_a_publisher_whose_news_were_too_many_tells_all_listeners_that_they_missed_some(stored: DatabaseBus) -> None:
    with stored.subscribe("b") as listener:
        stored._lost = True  # as when more were waiting than are kept
        stored.publish(News("a", {"n": 1}))
        assert hear(listener, 1) == [MISSED]


def test_without_its_database_publishing_is_silent_and_listening_begins_with_having_missed(refused: Callable[[], Database[Any]]) -> None:
    with closing(DatabaseBus()) as bus:
        bus.use(refused())
        bus.publish(News("a", {"n": 1}))
        with bus.subscribe("a") as listener:
            assert listener.next(0) is MISSED
        with pytest.raises(Unavailable, match="the bus can't be reached"):
            bus.ping()


@pytest.fixture
def refused() -> Iterator[Callable[[], Database[Any]]]:
    clients: list[MongoClient[Any]] = []

    def make() -> Database[Any]:
        clients.append(MongoClient("mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=200&connectTimeoutMS=200"))
        return clients[-1].news

    yield make
    for client in clients:
        client.close()


def test_threads_end_when_there_is_nothing_left_to_do(stored: DatabaseBus) -> None:
    with stored.subscribe("a") as listener:
        stored.publish(News("a", {"n": 1}))
        hear(listener, 1)
    until(lambda: not {thread.name for thread in threading.enumerate()} & {"dinnerkit-bus-sender", "dinnerkit-bus-listener"}, "they end")
    with stored.subscribe("a") as listener:
        stored.publish(News("a", {"n": 2}))
        assert numbers(hear(listener, 1)) == [2]


def test_memory_needs_no_thread() -> None:
    bus = MemoryBus()
    with bus.subscribe("a") as listener:
        bus.publish(News("a", {}))
        assert listener.next(0) == News("a", {})
