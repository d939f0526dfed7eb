"""Dinnerkit on Redis: what is done is delivered, told and counted."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from dinnerkit.accounts.service import AccountService
from dinnerkit.app import create_app
from dinnerkit.delivery.documents import DeliveryDocument
from dinnerkit.ids import new_id
from dinnerkit.kit import Kit
from dinnerkit.ports.bus import News
from dinnerkit.settings import Settings
from dinnerkit.storage import collection
from dinnerkit.testing import settings_for_tests
from dinnerkit.worker import Worker, run_beside
from dinnerkit_redis import open_bus
from tests.services.redis import PASSWORD, certificates, redis_server
from tests.waiting import DEADLINE


@pytest.fixture
def place(url: str) -> str:
    """The URL, with keys that no other test has."""
    return f"{url}?timeout=2&prefix=t{new_id().lower()[:30]}"


@pytest.fixture
def settings(database_url: str, tmp_path: Path, place: str) -> Settings:
    return Settings(**settings_for_tests(database_url, tmp_path, queue=place, bus=place, limiter=place, rate_limit="5 per hour"))


@pytest.fixture
def kit(settings: Settings) -> Iterator[Kit]:
    with Kit.open(settings) as opened:
        yield opened


def test_a_mail_goes_by_the_queue_to_a_worker(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    delivered = Event()
    monkeypatch.setattr(kit.backends.mail, "send", lambda mail: delivered.set())
    finish = run_beside(Worker(kit))
    try:
        kit.service(AccountService).register(email="ada@example.org", password="sea otters hold hands", name="Ada")
        assert delivered.wait(DEADLINE), list(collection(kit.database, DeliveryDocument).find())
    finally:
        finish()


def test_processes_hear_each_other(kit: Kit, place: str) -> None:
    other = open_bus(place)
    with kit.backends.bus.subscribe("a") as listener:
        other.publish(News("a", {"n": 1}))
        assert listener.next(DEADLINE) == News("a", {"n": 1})
    other.close()


def test_requests_are_counted_together_and_the_health_page_knows_the_parts(settings: Settings) -> None:
    apps = [create_app(settings) for _ in range(2)]
    answers = [apps[number % 2].test_client().get("/v1/events").status_code for number in range(6)]
    assert answers == [200] * 5 + [429]
    health = apps[0].test_client().get("/health/ready").json
    assert [health["backends"][kind]["state"] for kind in ("queue", "bus", "limiter")] == ["up"] * 3


def test_connections_are_encrypted_and_the_other_side_is_who_it_says(tmp_path: Path) -> None:
    key, certificate = certificates(tmp_path)
    options = ["--tls-cert-file", str(certificate), "--tls-key-file", str(key), "--tls-ca-cert-file", str(certificate)]
    with redis_server(tmp_path, *options, "--tls-auth-clients", "no", tls=True) as port:
        bus = open_bus(f"rediss://:{PASSWORD}@127.0.0.1:{port}?ca={certificate}&timeout=1")
        with bus.subscribe("a") as listener:
            bus.publish(News("a", {"n": 1}))
            assert listener.next(DEADLINE) == News("a", {"n": 1})
        bus.close()
        stranger = open_bus(f"rediss://:{PASSWORD}@127.0.0.1:{port}?timeout=1")
        with pytest.raises(Exception, match="can't be reached"):
            stranger.ping()
        stranger.close()
    with warnings.catch_warnings():  # older clients leave the socket of a handshake that failed to the garbage collector
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
