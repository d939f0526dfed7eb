"""What every bus promises; and what the one in the database promises across processes and outages."""

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
from dinnerkit.ports.bus import MISSED, Bus, News, Subscription, UsesDatabase

DEADLINE = 30.0


@pytest.fixture(params=["memory://", "database://", "mongodb://"])
def bus(request: pytest.FixtureRequest, database: Database[Any], database_url: str) -> Iterator[Bus]:
    with closing(open_backend("bus", database_url if request.param == "mongodb://" else request.param)) as opened:
        if isinstance(opened, UsesDatabase):
            opened.use(database)
        yield opened


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


def test_news_reach_those_who_listen_to_their_topic_and_nobody_else(bus: Bus) -> None:
    with bus.subscribe("a") as one, bus.subscribe("a", "b") as both:
        bus.publish(News("a", {"n": 1}), News("b", {"n": 2}))
        bus.publish(News("c", {"n": 3}))
        bus.publish(News("a", {"n": 4}))
        assert numbers(hear(one, 2)) == [1, 4]
        assert numbers(hear(both, 3)) == [1, 2, 4]
        assert one.next(0) is None


def test_news_are_heard_in_the_order_in_which_they_were_published(bus: Bus) -> None:
    with bus.subscribe("a", most=1000) as listener:
        for n in range(500):
            bus.publish(News("a", {"n": n}))
        assert numbers(hear(listener, 500)) == list(range(500))


def test_each_of_several_publishers_is_heard_in_its_own_order_and_each_news_once(bus: Bus) -> None:
    def publish(who: int) -> None:
        for n in range(100):
            bus.publish(News("a", {"who": who, "n": n}))

    with bus.subscribe("a", most=1000) as listener:
        threads = [threading.Thread(target=publish, args=(who,)) for who in range(4)]
        for thread in threads:
            thread.start()
        heard = hear(listener, 400)
        for thread in threads:
            thread.join()
        for who in range(4):
            assert [one.body["n"] for one in heard if one.body["who"] == who] == list(range(100))
        assert listener.next(0.05) is None


def test_whoever_comes_later_hears_only_what_is_published_from_then_on(bus: Bus) -> None:
    with bus.subscribe("a") as first:
        bus.publish(News("a", {"n": 1}))
        hear(first, 1)
        with bus.subscribe("a") as second:
            bus.publish(News("a", {"n": 2}))
            assert numbers(hear(second, 1)) == [2]


def test_topics_can_be_added_and_dropped(bus: Bus) -> None:
    with bus.subscribe("a") as listener:
        listener.add("b")
        listener.drop("a")
        bus.publish(News("a", {"n": 1}), News("b", {"n": 2}))
        assert numbers(hear(listener, 1)) == [2]
        assert listener.next(0) is None


def test_a_closed_subscription_hears_nothing(bus: Bus) -> None:
    listener = bus.subscribe("a")
    with bus.subscribe("a") as other:
        listener.close()
        listener.add("b")
        bus.publish(News("b", {"n": 0}), News("a", {"n": 1}))
        hear(other, 1)
        assert listener.next(0) is None


def test_a_listener_who_is_too_slow_is_told_that_they_missed_news_and_the_others_are_not(bus: Bus) -> None:
    with bus.subscribe("a", most=10) as slow, bus.subscribe("a", most=100) as fast:
        for n in range(50):
            bus.publish(News("a", {"n": n}))
        assert numbers(hear(fast, 50)) == list(range(50))
        heard = [hear(slow, 1)[0]]
        while (one := slow.next(0)) is not None:
            heard.append(one)
        assert heard[0] is MISSED
        assert len(heard) <= 10
        assert numbers(heard[1:]) == list(range(50 - len(heard) + 1, 50))


def test_a_listener_can_be_woken(bus: Bus) -> None:
    with bus.subscribe("a") as listener:
        listener.wake()
        assert listener.next(DEADLINE) is None
        thread = threading.Thread(target=listener.wake)
        thread.start()
        assert listener.next(DEADLINE) is None
        thread.join()
        bus.publish(News("a", {"n": 1}))
        assert numbers(hear(listener, 1)) == [1]


def test_news_are_copies_and_the_same_types_on_every_bus(bus: Bus) -> None:
    body = {"text": "é", "number": 2**40, "share": 0.5, "none": None, "list": [1, {"a": True}]}
    with bus.subscribe("a") as listener:
        bus.publish(News("a", body))
        body["text"] = "changed"
        (heard,) = hear(listener, 1)
        assert heard == News("a", {"text": "é", "number": 2**40, "share": 0.5, "none": None, "list": [1, {"a": True}]})


@pytest.mark.parametrize("news", [News("", {}), News("a" * 201, {}), News("a", {"a": "b" * 4096}), News("a", {"a": object()})])
def test_what_is_no_news_is_refused(bus: Bus, news: News) -> None:
    with pytest.raises(ValueError, match=r"topic|bytes|JSON"):
        bus.publish(news)


def test_a_bus_can_be_reached_and_when_closed_is_silent(bus: Bus) -> None:
    bus.ping()
    listener = bus.subscribe("a")
    bus.close()
    bus.publish(News("a", {"n": 1}))
    assert listener.next(0) is None
    bus.close()


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


def test_what_was_published_is_sent_before_the_bus_closes(stored: DatabaseBus, database: Database[Any]) -> None:
    with stored.subscribe("a", most=2000) as listener, closing(DatabaseBus()) as publisher:
        publisher.use(database)
        publisher.publish(*(News("a", {"n": n}) for n in range(1000)))
        publisher.close()
        assert numbers(hear(listener, 1000)) == list(range(1000))


def test_the_news_take_no_more_than_their_share_of_the_disk(stored: DatabaseBus, database: Database[Any]) -> None:
    with stored.subscribe("a") as listener:
        stored.publish(News("a", {"n": 1}))
        hear(listener, 1)
    assert database.command("collStats", COLLECTION)["capped"]


def test_when_the_stream_breaks_listeners_are_told_and_hear_again(stored: DatabaseBus, database: Database[Any]) -> None:
    with stored.subscribe("a") as listener:
        stored.publish(News("a", {"n": 1}))
        hear(listener, 1)
        database.drop_collection(COLLECTION)  # ends every change stream on it
        assert hear(listener, 1) == [MISSED]
        stored.publish(News("a", {"n": 2}))
        assert numbers(hear(listener, 1)) == [2]


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
    deadline = time.monotonic() + DEADLINE
    while {thread.name for thread in threading.enumerate()} & {"dinnerkit-bus-sender", "dinnerkit-bus-listener"}:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    with stored.subscribe("a") as listener:
        stored.publish(News("a", {"n": 2}))
        assert numbers(hear(listener, 1)) == [2]


def test_memory_needs_no_thread() -> None:
    bus = MemoryBus()
    with bus.subscribe("a") as listener:
        bus.publish(News("a", {}))
        assert listener.next(0) == News("a", {})
