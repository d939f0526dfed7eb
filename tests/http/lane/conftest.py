from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import flask
import pytest
from flask import Flask
from marshmallow import fields

from dinnerkit.backends.bus.memory import MemoryBus
from dinnerkit.http.blueprint import ApiBlueprint
from dinnerkit.http.conditional import private_json, public_json
from dinnerkit.http.lane.mounting import open_lane
from dinnerkit.http.lane.purging import Purges
from dinnerkit.http.lane.routes import kept
from dinnerkit.http.lane.shared import Shared
from dinnerkit.http.limits import RequestLimits
from dinnerkit.http.metrics import Metrics
from dinnerkit.http.mount import EXTENSION_KEY
from dinnerkit.http.schemas import StrictSchema
from dinnerkit.testing import StandingClock
from tests.waiting import until


class ThingsQuery(StrictSchema):
    city = fields.String(load_default="")
    page = fields.Integer(load_default=0)


class Things:
    """A blueprint whose answers tell how often they were made."""

    def __init__(self) -> None:
        self.made: Counter[str] = Counter()
        self.counting = True
        self.until: datetime | None = None
        self.meanwhile: Callable[[], object] = lambda: None
        self.blueprint = ApiBlueprint("things", __name__)
        self._add("/things", self._things, ThingsQuery)
        self._add("/things/<thing_id>", self._thing, only="thing:{}")
        self._add("/plain", self._plain)
        for name in ("cookie", "star", "personal", "failing", "missing", "dripping", "unnamed", "sealed", "second_hand", "here", "long"):
            self._add(f"/{name}", getattr(self, f"_{name}"))

    def _add(self, rule: str, view: Any, query: Any = None, only: str | None = None) -> None:
        def seen(*args: Any, **options: Any) -> Any:
            self.made[flask.request.path] += 1
            self.meanwhile()
            return view(*args, **options)

        seen.__name__ = seen.__qualname__ = view.__name__
        made: Any = self.blueprint.response(200)(seen)
        if query:
            made = self.blueprint.arguments(query, location="query")(made)
        self.blueprint.route(rule)(made if rule == "/plain" else kept(60.0, query, only)(made))

    @property
    def _count(self) -> int:
        return self.made.total() if self.counting else 0

    def _things(self, wanted: dict[str, Any]) -> Any:
        return public_json(
            {"made": self._count, "wanted": wanted, "text": "soup " * 400},
            about=("things", f"city:{wanted['city'][:20]}"),
            until=self.until,
        )

    def _thing(self, thing_id: str) -> Any:
        return public_json({"made": self._count, "id": thing_id}, about=(f"thing:{thing_id}",))

    def _plain(self) -> Any:
        return public_json({}, about=("things",))

    def _cookie(self) -> Any:
        response = public_json({}, about=("things",))
        response.set_cookie("who", "anna")
        return response

    def _star(self) -> Any:
        response = public_json({}, about=("things",))
        response.headers["Vary"] = "*"
        return response

    def _personal(self) -> Any:
        return private_json({})

    def _failing(self) -> Any:
        public_json({}, about=("things",))
        raise RuntimeError("broken")

    def _missing(self) -> Any:
        public_json({}, about=("things",))
        flask.abort(404)

    def _dripping(self) -> Any:
        return flask.Response(iter([b"1", b"2"]), mimetype="application/json", headers={"Cache-Control": "public", "ETag": '"1"'})

    def _unnamed(self) -> Any:
        return public_json({})

    def _sealed(self) -> Any:
        response = public_json({}, about=("things",))
        response.headers["Cache-Control"] = "public, no-store"
        return response

    def _second_hand(self) -> Any:
        response = public_json({}, about=("things",))
        response.status_code = 203
        return response

    def _here(self) -> Any:
        return public_json({"host": flask.request.url_root}, about=("things",))

    def _long(self) -> Any:
        return public_json({"text": "x" * (1 << 20)}, about=("things",))


Open = Callable[..., Flask]


@pytest.fixture
def things() -> Things:
    return Things()


@pytest.fixture
def bus() -> MemoryBus:
    return MemoryBus()


@pytest.fixture
def purges(bus: MemoryBus) -> Iterator[Purges]:
    """Of one process, which is heard."""
    made = Purges(bus)
    made.listen()
    until(lambda: made.heard)
    yield made
    made.close()


@pytest.fixture
def open_app(make_app: Any, things: Things, purges: Purges, clock: StandingClock) -> Open:
    """Makes an app with a lane; its routes lie under /x/v1."""

    def make(*, most_bytes: int = 1 << 24, heard: Purges = purges, shared: Shared | None = None, **options: Any) -> Flask:
        app = make_app(things.blueprint, **options)
        services = app.extensions[EXTENSION_KEY].services
        open_lane(app, heard, services[RequestLimits], services[Metrics], clock, most_bytes, shared)
        return app

    return make


@pytest.fixture
def app(open_app: Open) -> Flask:
    return open_app()
