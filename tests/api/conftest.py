from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from flask import Flask
from flask.testing import FlaskClient

from dinnerkit import Dinnerkit, Kit, Settings
from dinnerkit.accounts.service import AccountService, NewUser
from dinnerkit.identity import Role
from dinnerkit.testing import settings_for_tests
from tests.fire.serving import bearer_tokens


class Caller(NamedTuple):
    """Somebody who sends requests: their id, and the headers that say so."""

    id: str
    headers: dict[str, str]


@pytest.fixture
def kit(database_url: str, tmp_path: Path) -> Iterator[Kit]:
    with Kit.open(Settings(**settings_for_tests(database_url, tmp_path))) as kit:
        yield kit


@pytest.fixture
def client(kit: Kit) -> FlaskClient:
    app = Flask("host")
    Dinnerkit(app, kit=kit)
    return app.test_client()


@pytest.fixture
def caller(kit: Kit) -> Callable[..., Caller]:
    """Makes a signed-in user of a role."""

    def make(name: str, role: Role = Role.GUEST) -> Caller:
        [user] = kit.service(AccountService).import_users([NewUser(email=f"{name}@example.org", name=name, role=role)])
        return Caller(user, {"Authorization": f"Bearer {bearer_tokens(kit, [user])[user]}"})

    return make


@pytest.fixture
def operations(client: FlaskClient) -> dict[str, dict[str, Any]]:
    """The documented operations, by ``METHOD /path``."""
    paths = client.get("/openapi.json").get_json()["paths"]
    return {
        f"{method.upper()} {path}": operation
        for path, item in paths.items()
        for method, operation in item.items()
        if method != "parameters"
    }
