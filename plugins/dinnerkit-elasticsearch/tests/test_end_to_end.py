"""Dinnerkit on Elasticsearch: what is published is found, what is called off is not, and the command makes the index anew."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from dinnerkit import Dinnerkit
from dinnerkit.accounts.service import AccountService, NewUser
from dinnerkit.events.service import EventService
from dinnerkit.identity import Principal, Role
from dinnerkit.kit import Kit
from dinnerkit.plugins import installed
from dinnerkit.settings import Settings
from dinnerkit.testing import run_background, settings_for_tests
from tests.search.conftest import details


@pytest.fixture
def settings(node: tuple[str, int], prefix: str, database_url: str, tmp_path: Path) -> dict[str, Any]:
    search = f"elasticsearch://{node[0]}:{node[1]}?prefix={prefix}&refresh_ms=20&timeout_ms=60000"
    return settings_for_tests(database_url, tmp_path, search=search)


@pytest.fixture
def kit(settings: dict[str, Any]) -> Iterator[Kit]:
    with Kit.open(Settings(**settings)) as opened:
        yield opened


@pytest.fixture
def client(kit: Kit) -> FlaskClient:
    app = Flask("host")
    Dinnerkit(app, kit=kit)
    return app.test_client()


def test_a_dinner_is_found_suggested_counted_and_forgotten(client: FlaskClient, kit: Kit) -> None:
    [host] = kit.service(AccountService).import_users([NewUser(email="host@example.org", name="Hanna Host", role=Role.HOST)])
    events, principal = kit.service(EventService), Principal(host, Role.HOST)
    made = events.create(principal, details())["id"]
    events.publish(principal, made)
    run_background(kit)
    found = client.get("/v1/search/events?q=dumpling+munchen&near=48.1,11.5&radius_km=20").json
    assert [(event["id"], event["distance_km"]) for event in found["items"]] == [(made, 4.7)]
    assert (found["degraded"], found["facets"]["city"]) == (False, [{"value": "München", "count": 1}])
    assert client.get("/v1/search/suggest?q=mun").json["items"] == ["München"]
    assert client.get("/v1/search/suggest?q=dumblings").json["items"] == ["Dumplings for twelve"], "a slip is forgiven"
    assert client.get("/health/ready").json["backends"]["search"]["state"] == "up"
    events.cancel(principal, made)
    run_background(kit)
    assert client.get("/v1/search/events?q=dumpling").json["items"] == []
    assert client.get("/v1/search/suggest?q=mun").json["items"] == []


def test_the_command_makes_the_index_anew(settings: dict[str, Any]) -> None:
    told = {f"DINNERKIT_{name.upper()}": str(value) for name, value in settings.items()}
    command = [sys.executable, "-m", "dinnerkit", "search", "rebuild"]
    ended = subprocess.run(command, env=os.environ | told, capture_output=True, text=True, check=True)
    assert ended.stdout == "the index has 0 events\nand 0 people who agreed to be found\n"


def test_it_is_listed_under_both_schemes() -> None:
    ours = {one.scheme: one.state for one in installed() if one.distribution == "dinnerkit-elasticsearch"}
    assert ours == {"elasticsearch": "works", "elasticsearch+https": "works"}
