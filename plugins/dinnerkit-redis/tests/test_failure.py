"""Redis is refused, hangs, hangs up or is slow: requests go on, people are told, and all is well again by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier, Event
from typing import Any

import pytest
from flask import Flask

from dinnerkit.accounts.service import AccountService
from dinnerkit.app import create_app
from dinnerkit.delivery.documents import DeliveryDocument
from dinnerkit.delivery.relay import Relay
from dinnerkit.ids import new_id
from dinnerkit.kit import Kit
from dinnerkit.ports.bus import MISSED, News
from dinnerkit.settings import Settings
from dinnerkit.storage import collection
from dinnerkit.testing import StandingClock, settings_for_tests
from dinnerkit.testing.proxy import Proxy, proxy
from dinnerkit.worker import Worker, run_beside
from dinnerkit_redis.queue import RedisTasks
from tests.services.redis import PASSWORD, redis_server, say
from tests.waiting import DEADLINE, until

KINDS = ("queue", "bus", "limiter", "cache", "sessions")


@pytest.fixture
def between(server: int) -> Iterator[Proxy]:
    with proxy(server) as opened:
        yield opened


@pytest.fixture
def settings(database_url: str, tmp_path: Path, between: Proxy) -> Settings:
    place = f"redis://:{PASSWORD}@127.0.0.1:{between.port}?prefix=t{new_id().lower()[:30]}"
    more = {"queue": place, "bus": place, "limiter": place, "cache": place, "sessions": place, "rate_limit": "3 per hour"}
    return Settings(**settings_for_tests(database_url, tmp_path, **more))


@pytest.fixture
def app(settings: Settings) -> Flask:
    return create_app(settings)


def ask(app: Flask, path: str = "/v1/events", address: str = "10.0.0.1") -> int:
    return app.test_client().get(path, environ_base={"REMOTE_ADDR": address}).status_code


@pytest.mark.parametrize("mode", ["hangs", "refuses", "drops", "slow"])
def test_requests_are_answered_and_counted_in_memory_meanwhile(app: Flask, between: Proxy, mode: str) -> None:
    assert ask(app, address="10.0.0.2") == 200
    between.turn(mode)
    assert [ask(app) for _ in range(4)] == [200, 200, 200, 429]
    health = app.test_client().get("/health/ready")
    assert (health.status_code, health.json["status"]) == (200, "degraded")
    assert [health.json["backends"][kind]["state"] for kind in KINDS] == ["down"] * len(KINDS)
    metrics = app.test_client().get("/metrics").text
    for kind in KINDS:
        assert f'dinnerkit_backend_up{{backend="{kind}"}} 0.0' in metrics
    assert 'dinnerkit_backend_up{backend="database"} 1.0' in metrics
    assert 'dinnerkit_dead_letters{queue="emails"} 0.0' in metrics
    between.turn("well")
    until(lambda: app.test_client().get("/health/ready").json["status"] == "ready")
    until(lambda: ask(app) == 200)  # counted in Redis again, which knows of none of these
    assert 'dinnerkit_backend_up{backend="queue"} 1.0' in app.test_client().get("/metrics").text


AT_ONCE = 20


def ask_at_once(app: Flask) -> Counter[int]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return Counter(pool.map(lambda _: ask(app), range(AT_ONCE)))


@pytest.mark.parametrize("mode", ["hangs", "refuses"])
@pytest.mark.parametrize("when", ["before they are counted", "while they are answered"])
def test_all_who_meet_it_at_the_same_time_are_answered(settings: Settings, between: Proxy, mode: str, when: str) -> None:
    app = create_app(replace(settings, rate_limit="100 per hour"))
    assert ask(app) == 200
    endpoint, _ = app.url_map.bind("localhost").match("/v1/events")
    view, all_are_in = app.view_functions[endpoint], Barrier(AT_ONCE, lambda: between.turn(mode), timeout=DEADLINE)

    def answer(**arguments: Any) -> Any:
        all_are_in.wait()
        return view(**arguments)

    if when == "while they are answered":
        app.view_functions[endpoint] = answer
    else:
        between.turn(mode)
    assert ask_at_once(app) == {200: AT_ONCE}


def test_a_redis_that_is_full_or_a_replica_breaks_no_request(database_url: str, tmp_path: Path) -> None:
    with redis_server(tmp_path) as port:
        limiter = f"redis://:{PASSWORD}@127.0.0.1:{port}?timeout=2"
        app = create_app(Settings(**settings_for_tests(database_url, tmp_path, limiter=limiter, rate_limit="30 per hour")))
        say(port, "CONFIG", "SET", "maxmemory", "1")
        assert ask_at_once(app) == {200: AT_ONCE}
        say(port, "CONFIG", "SET", "maxmemory", "0")
        say(port, "REPLICAOF", "127.0.0.1", "1")
        assert ask_at_once(app) == {200: 10, 429: 10}


@pytest.mark.parametrize("mode", ["hangs", "refuses"])
def test_who_relays_many_messages_waits_for_the_queue_once(
    settings: Settings, between: Proxy, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls, enqueue = [], RedisTasks.enqueue

    def count(self: RedisTasks, *arguments: Any) -> None:
        calls.append(1)
        enqueue(self, *arguments)

    monkeypatch.setattr(RedisTasks, "enqueue", count)
    with Kit.open(settings, clock=StandingClock()) as kit:
        register(kit, 20)
        between.turn(mode)
        calls.clear()
        kit.service(Relay).run()
        assert collection(kit.database, DeliveryDocument).count_documents({"state": "pending"}) == 20
        assert 1 <= len(calls) < 20  # not for each: again after each second, however long it takes


def test_what_could_not_be_queued_is_delivered_once_redis_is_back(
    settings: Settings, between: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, delivered = StandingClock(), Event()
    with Kit.open(settings, clock=clock) as kit:
        monkeypatch.setattr(kit.backends.mail, "send", lambda mail: delivered.set())
        between.turn("hangs")
        register(kit, 1)
        kit.service(Relay).run()
        clock.advance(minutes=1)
        finish = run_beside(Worker(kit))
        try:
            assert not delivered.is_set()
            between.turn("well")
            assert delivered.wait(DEADLINE)
        finally:
            finish()


@pytest.mark.parametrize("mode", ["hangs", "refuses", "drops"])
def test_listeners_are_told_that_they_may_have_missed_something_and_hear_again(settings: Settings, between: Proxy, mode: str) -> None:
    with Kit.open(settings) as kit, kit.backends.bus.subscribe("a") as listener:
        kit.backends.bus.publish(News("a", {"n": 1}))
        assert listener.next(DEADLINE) == News("a", {"n": 1})
        between.turn(mode)
        kit.backends.bus.publish(News("a", {"n": 2}))
        if mode == "hangs":
            until(lambda: between.tries > 1)  # it has noticed, and tries again; the others are noticed at once
        between.turn("well")
        heard = listener.next(DEADLINE)
        while heard == News("a", {"n": 2}):  # held back, not lost
            heard = listener.next(DEADLINE)
        assert heard is MISSED
        kit.backends.bus.publish(News("a", {"n": 3}))
        while heard != News("a", {"n": 3}):
            heard = listener.next(DEADLINE)
            assert heard is not None


def register(kit: Kit, count: int) -> None:
    for number in range(count):
        kit.service(AccountService).register(email=f"{number}@example.org", password="sea otters hold hands", name="Ada")
