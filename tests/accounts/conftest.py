from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, TypeVar

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pymongo.database import Database

from dinnerkit.accounts.api import blueprint, resolve_bearer
from dinnerkit.accounts.documents import AttemptDocument, UserDocument
from dinnerkit.accounts.wiring import account_services
from dinnerkit.backends.captcha.nothing import NoCaptcha
from dinnerkit.backends.sessions import DatabaseSessions
from dinnerkit.http.blueprint import Api
from dinnerkit.http.idempotency_store import IdempotencyRecord, IdempotencyStore
from dinnerkit.http.limits import RequestLimits
from dinnerkit.http.metrics import Metrics
from dinnerkit.http.mount import Mount, install
from dinnerkit.storage import ensure_indexes
from dinnerkit.testing import StandingClock

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
SECRET = "only-for-tests-" * 3
PASSWORD = "correct horse battery"

S = TypeVar("S")


class Accounts:
    """The services of the domain, by type, and what was given to the offload port."""

    def __init__(self, database: Database[dict[str, Any]], clock: StandingClock) -> None:
        self.database = database
        self.offloaded = 0
        self.sessions = DatabaseSessions(clock)
        self.sessions.use(database)
        self.services = account_services(database, self.sessions, NoCaptcha(), secret_key=SECRET, clock=clock, offload=self._offload)

    def __getitem__(self, kind: type[S]) -> S:
        found: S = self.services[kind]
        return found

    def _offload(self, function: Callable[[], Any], _needs: Sequence[str] = ()) -> Any:
        self.offloaded += 1
        return function()

    def row(self, user_id: str) -> dict[str, Any]:
        found = self.database["users"].find_one({"_id": user_id})
        assert found is not None
        return found

    def told(self, user_id: str) -> list[tuple[str, dict[str, Any]]]:
        return [(entry["kind"], entry["data"]) for entry in self.row(user_id)["outbox"]]


class NoStorage:
    uri = "memory://"
    options: ClassVar[dict[str, str]] = {}

    def ping(self) -> None: ...

    def close(self) -> None: ...


@pytest.fixture
def client(accounts: Accounts, database: Database[dict[str, Any]], clock: StandingClock) -> FlaskClient:
    """A client of an app that has the account routes alone."""
    ensure_indexes(database, [IdempotencyRecord])
    app = Flask("accounts")
    services = {
        **accounts.services,
        IdempotencyStore: IdempotencyStore(database, b"a secret", clock),
        RequestLimits: RequestLimits("off", NoStorage()),
        Metrics: Metrics(),
    }
    install(app, Mount(services, resolve_bearer))
    api = Api(title="Accounts", version="1", description="For tests.")
    api.init_app(app)
    api.register_blueprint(blueprint, url_prefix="/v1")
    return app.test_client()


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock(NOW)


@pytest.fixture
def accounts(database: Database[dict[str, Any]], clock: StandingClock) -> Accounts:
    ensure_indexes(database, [UserDocument, AttemptDocument])
    return Accounts(database, clock)
