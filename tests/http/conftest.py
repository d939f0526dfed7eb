from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest
from flask import Flask, Request
from pymongo.database import Database

from dinnerkit.errors import Unauthenticated
from dinnerkit.http import docs, health
from dinnerkit.http.blueprint import Api, ApiBlueprint, answer_unknown_urls
from dinnerkit.http.idempotency_store import IdempotencyRecord, IdempotencyStore
from dinnerkit.http.limits import RequestLimits
from dinnerkit.http.metrics import Metrics
from dinnerkit.http.mount import Mount, install
from dinnerkit.identity import Principal, Role
from dinnerkit.storage import ensure_indexes
from dinnerkit.testing import StandingClock

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)


class MemoryStorage:
    uri = "memory://"
    options: ClassVar[dict[str, str]] = {}

    def ping(self) -> None: ...

    def close(self) -> None: ...


def resolve(request: Request) -> Principal | None:
    """``Authorization: Bearer host:anna`` is a host whose id is anna."""
    header = request.headers.get("Authorization")
    if header is None:
        return None
    role, colon, user_id = header.removeprefix("Bearer ").partition(":")
    if not colon:
        raise Unauthenticated("That token is not valid.")
    return Principal(user_id, Role(role))


def bearer(role: str, user_id: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {role}:{user_id}"}


MakeApp = Callable[..., Flask]


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock(NOW)


@pytest.fixture
def make_app() -> MakeApp:
    """Makes an app with the blueprints mounted under /x; the app has a 404 page, a 500 page and a route of its own."""

    def make(
        *blueprints: ApiBlueprint,
        rate: str = "off",
        storage: Any = None,
        services: dict[type[Any], Any] | None = None,
        probes: dict[str, health.Probe] | None = None,
        warnings: Callable[[], Sequence[str]] = tuple,
        collectors: Iterable[Any] = (),
        max_body_bytes: int = 10_000,
    ) -> Flask:
        app = Flask("host")
        app.register_error_handler(404, lambda _: ("host's 404", 404))
        app.register_error_handler(Exception, lambda _: ("host's 500", 500))
        app.add_url_rule("/own", view_func=lambda: "own", endpoint="own")
        api = Api(title="Things", version="1", description="For tests.")
        found = {
            RequestLimits: RequestLimits(rate, storage or MemoryStorage()),
            Metrics: Metrics(collectors),
            health.Health: health.Health(probes or {}, warnings),
            docs.OpenApi: docs.OpenApi(api),
            **(services or {}),
        }
        install(app, Mount(found, resolve, "/x", max_body_bytes))
        api.init_app(app)
        answer_unknown_urls(app)
        for blueprint in blueprints:
            api.register_blueprint(blueprint, url_prefix="/x/v1")
        for blueprint in (health.blueprint, docs.blueprint):
            api.register_blueprint(blueprint, url_prefix="/x")
        return app

    return make


@pytest.fixture
def store(database: Database[dict[str, Any]], clock: StandingClock) -> IdempotencyStore:
    ensure_indexes(database, [IdempotencyRecord])
    return IdempotencyStore(database, b"a secret", clock)
