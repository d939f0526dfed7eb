from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flask
import pytest
from flask.testing import FlaskClient
from pymongo.database import Database

from dinnerkit.backends.limiter import memory
from dinnerkit.errors import Unauthenticated
from dinnerkit.events.api import blueprint
from dinnerkit.events.seat_errors import NoSuchEvent
from dinnerkit.events.service import EventService
from dinnerkit.http.blueprint import Api, answer_unknown_urls
from dinnerkit.http.idempotency_store import IdempotencyStore
from dinnerkit.http.limits import RequestLimits
from dinnerkit.http.metrics import Metrics
from dinnerkit.http.mount import Mount, install
from dinnerkit.identity import Principal, Role
from dinnerkit.ids import new_id

BODY: dict[str, Any] = {
    "title": "Dumplings for twelve",
    "description": "We fold, we steam, we eat.\nBring an apron.",
    "cuisine": "Sichuan",
    "starts_at": "2026-11-08T19:00:00+01:00",
    "timezone": "Europe/Berlin",
    "city": "München",
    "venue": {"name": "Bahnwärter Thiel", "address": "Tumblingerstraße 45", "location": {"lat": 48.1228, "lon": 11.5536}},
    "seats": 12,
    "table_size": {"min": 4, "max": 6},
    "price": {"amount": 3500, "currency": "EUR"},
    "tags": ["Vegan"],
    "format": "match_night",
    "refund_policy": {
        "full_until_hours": 24,
        "late_percent": 50,
        "late_until_hours": 12,
        "late_fee": None,
        "late_only_if_resold": True,
    },
    "deposit": {"amount": 1000, "currency": "EUR"},
}
FEWEST = {name: BODY[name] for name in ("title", "cuisine", "starts_at", "timezone", "city", "seats", "price")} | {
    "venue": {"name": "Home", "location": {"lat": 48, "lon": 11}}
}


class Caller:
    """A client that asks as one user, or as nobody."""

    def __init__(self, client: FlaskClient, role: str | None) -> None:
        self._client = client
        self._headers = {"Authorization": f"Bearer {role}"} if role else {}

    def __call__(self, method: str, path: str, **options: Any) -> Any:
        headers = self._headers | options.pop("headers", {})
        return self._client.open(f"/v1{path}", method=method, headers=headers, **options)

    def made(self, **replaced: Any) -> str:
        response = self("POST", "/events", json=BODY | replaced)
        assert response.status_code == 201, response.json
        return response.json["id"]

    def published(self, **replaced: Any) -> str:
        event_id = self.made(**replaced)
        assert self("POST", f"/events/{event_id}/publish").status_code == 200
        return event_id


def resolve(request: flask.Request) -> Principal | None:
    """A token says the role, and perhaps which of several users: ``host``, ``host-2``."""
    token = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not token:
        return None
    role = token.partition("-")[0]
    if role not in set(Role):
        raise Unauthenticated("no such token")
    return Principal(token, Role(role))


@pytest.fixture
def app(database: Database[dict[str, Any]], events: EventService, clock) -> flask.Flask:
    app = flask.Flask("host-app")
    services: dict[type, Any] = {
        EventService: events,
        IdempotencyStore: IdempotencyStore(database, b"secret", clock),
        RequestLimits: RequestLimits("off", memory("memory://")),
        Metrics: Metrics(),
    }
    install(app, Mount(services=services, user_resolver=resolve))
    api = Api(title="Events", version="v1", description="")
    api.init_app(app)
    api.register_blueprint(blueprint, url_prefix="/v1")
    answer_unknown_urls(app)
    return app


@pytest.fixture
def asked_by(app: flask.Flask) -> Callable[[str | None], Caller]:
    return lambda role: Caller(app.test_client(), role)


@pytest.fixture
def host_asks(asked_by) -> Caller:
    return asked_by("host")


def test_a_host_makes_a_draft(host_asks: Caller):
    response = host_asks("POST", "/events", json=BODY)
    assert response.status_code == 201
    assert "no-store" in response.headers["Cache-Control"]
    event = response.json
    assert event | BODY | {"starts_at": "2026-11-08T18:00:00Z"} == event
    assert event["status"] == "draft"
    assert event["seats_left"] == 12
    assert event["created_at"] == "2026-11-01T12:00:00Z"


def test_what_may_be_left_out_has_a_usual_value(host_asks: Caller):
    event = host_asks("POST", "/events", json=FEWEST | {"seats": 6}).json
    assert event["description"] == event["venue"]["address"] == ""
    assert event["table_size"] == {"min": 4, "max": 6}
    assert event["tags"] == []
    assert event["format"] == "table"
    assert event["deposit"] is None
    assert event["refund_policy"] == {
        "full_until_hours": 48,
        "late_percent": 0,
        "late_until_hours": 0,
        "late_fee": None,
        "late_only_if_resold": False,
    }


@pytest.mark.parametrize("left_out", list(FEWEST))
def test_the_rest_must_be_there(host_asks: Caller, left_out: str):
    response = host_asks("POST", "/events", json={name: value for name, value in FEWEST.items() if name != left_out})
    assert response.status_code == 422
    assert [error["field"] for error in response.json["errors"]] == [left_out]


@pytest.mark.parametrize(
    ("replaced", "field"),
    [
        ({"host_id": "me"}, "host_id"),
        ({"title": " "}, "title"),
        ({"title": 5}, "title"),
        ({"starts_at": "2026-11-08T19:00:00"}, "starts_at"),
        ({"timezone": "Berlin"}, "timezone"),
        ({"seats": "12"}, "seats"),
        ({"seats": True}, "seats"),
        ({"seats": 0}, "seats"),
        ({"seats": 10_001}, "seats"),
        ({"table_size": {"min": 0, "max": 4}}, "table_size.min"),
        ({"table_size": {"min": 4}}, "table_size.max"),
        ({"price": {"amount": -1, "currency": "EUR"}}, "price.amount"),
        ({"price": {"amount": 35.5, "currency": "EUR"}}, "price.amount"),
        ({"price": {"amount": 1, "currency": "ZZZ"}}, "price.currency"),
        ({"venue": {"name": "x", "location": {"lat": 91, "lon": 0}}}, "venue.location.lat"),
        ({"venue": {"name": "x", "location": {"lat": 0, "lon": "0"}}}, "venue.location.lon"),
        ({"venue": {"name": "x", "location": {"lat": True, "lon": 0}}}, "venue.location.lat"),
        ({"tags": ["a"] * 11}, "tags"),
        ({"tags": ["a", " "]}, "tags.1"),
        ({"tags": "a"}, "tags"),
        ({"format": "buffet"}, "format"),
        ({"refund_policy": {"late_percent": 101}}, "refund_policy.late_percent"),
        ({"refund_policy": {"full_until_hours": None}}, "refund_policy.full_until_hours"),
    ],
)
def test_a_wrong_value_is_named(host_asks: Caller, replaced: dict, field: str):
    path = f"/events/{host_asks.made()}"
    for response in (host_asks("POST", "/events", json=BODY | replaced), host_asks("PATCH", path, json=replaced)):
        assert response.status_code == 422
        assert [error["field"] for error in response.json["errors"]] == [field]


def test_the_same_key_makes_one_draft(host_asks: Caller):
    first, again = (host_asks("POST", "/events", json=BODY, headers={"Idempotency-Key": "k"}) for _ in range(2))
    assert (again.data, again.headers["Idempotent-Replayed"]) == (first.data, "true")
    assert len(host_asks("GET", "/hosting/events").json["items"]) == 1


def test_a_draft_that_was_made_before_a_crash_is_found_again(events: EventService, host: Principal, other_host: Principal, details):
    event_id = new_id()
    first = events.create(host, details(), event_id)
    assert events.create(host, details(title="Later words"), event_id) == first
    with pytest.raises(NoSuchEvent):
        events.create(other_host, details(), event_id)


# Who may do what.

DENIED = {
    ("POST", "/events"): {None: 401, "nobody": 401, "guest": 403},
    ("GET", "/hosting/events"): {None: 401, "nobody": 401},
    ("GET", "/events/draft"): {None: 404, "nobody": 401, "guest": 404, "host-2": 404},
    **{
        (method, f"/events/{state}{action}"): {None: 401, "nobody": 401, "guest": other, "host-2": other}
        for method, action in (("PATCH", ""), ("POST", "/publish"), ("POST", "/cancel"))
        for state, other in (("draft", 404), ("public", 403))
    },
}


@pytest.mark.parametrize(
    ("method", "path", "role", "status"), [(*route, *case) for route, cases in DENIED.items() for case in cases.items()]
)
def test_what_is_not_allowed_is_refused(asked_by, host_asks: Caller, method: str, path: str, role: str | None, status: int):
    path = path.replace("draft", host_asks.made()).replace("public", host_asks.published())
    body = {"json": BODY if path == "/events" else {"title": "Mine now"}} if method in {"POST", "PATCH"} else {}
    response = asked_by(role)(method, path, **body)
    assert response.status_code == status
    assert response.content_type == "application/problem+json"
    assert response.json["code"] in {"unauthenticated", "forbidden", "not_the_host", "not_found"}


@pytest.mark.parametrize("role", ["host", "admin"])
def test_its_host_and_admins_run_an_event(asked_by, host_asks: Caller, role: str):
    asks, path = asked_by(role), f"/events/{host_asks.made()}"
    assert asks("GET", path).status_code == 200
    assert asks("PATCH", path, json={"title": "A better title"}).json["title"] == "A better title"
    assert asks("POST", f"{path}/publish").json["status"] == "published"
    assert asks("PATCH", path, json={"city": "Graz"}).json["city"] == "Graz"
    assert asks("POST", f"{path}/cancel").json["status"] == "cancelled"


def test_an_admin_hosts_events_too(asked_by):
    assert asked_by("admin")("POST", "/events", json=BODY).json["host_id"] == "admin"


@pytest.mark.parametrize("role", [None, "nobody", "guest", "host-2"])
def test_what_is_public_is_for_everyone(asked_by, host_asks: Caller, role: str | None):
    event_id = host_asks.published()
    asks = asked_by(role)
    assert asks("GET", f"/events/{event_id}").json["status"] == "published"
    assert [item["id"] for item in asks("GET", "/events").json["items"]] == [event_id]


@pytest.mark.parametrize("event_id", ["nonsense", "0" * 24, "%00", "%ED%A0%80"])
def test_what_does_not_exist_is_not_found(host_asks: Caller, event_id: str):
    for method, path, body in (("GET", "", None), ("PATCH", "", {}), ("POST", "/publish", {}), ("POST", "/cancel", {})):
        response = host_asks(method, f"/events/{event_id}{path}", json=body)
        assert (response.status_code, response.json["code"]) == (404, "not_found")


# What the states allow.


def test_a_draft_that_is_not_ready_is_not_published(host_asks: Caller):
    event_id = host_asks.made(starts_at="2020-01-01T00:00:00Z")
    response = host_asks("POST", f"/events/{event_id}/publish")
    assert (response.status_code, response.json["code"]) == (409, "event_not_ready")
    assert list(response.json["problems"]) == ["starts_at"]


@pytest.mark.parametrize(
    ("before", "method", "action", "code"),
    [
        (["publish"], "POST", "/publish", "event_not_draft"),
        (["publish", "cancel"], "POST", "/publish", "event_not_draft"),
        (["cancel"], "POST", "/cancel", "event_cancelled"),
        (["cancel"], "PATCH", "", "event_cancelled"),
    ],
)
def test_what_the_state_does_not_allow_is_a_conflict(host_asks: Caller, before: list[str], method: str, action: str, code: str):
    event_id = host_asks.made()
    for step in before:
        host_asks("POST", f"/events/{event_id}/{step}")
    response = host_asks(method, f"/events/{event_id}{action}", json={})
    assert (response.status_code, response.json["code"]) == (409, code)


def test_what_has_begun_can_not_be_changed(host_asks: Caller, clock):
    event_id = host_asks.published()
    clock.advance(days=30)
    for response in (host_asks("PATCH", f"/events/{event_id}", json={}), host_asks("POST", f"/events/{event_id}/cancel")):
        assert (response.status_code, response.json["code"]) == (409, "event_begun")


def test_what_is_sold_is_kept(host_asks: Caller, database: Database[dict[str, Any]]):
    event_id = host_asks.published()
    database["events"].update_one({"_id": event_id}, {"$inc": {"seats_left": -5}})
    fewer = host_asks("PATCH", f"/events/{event_id}", json={"seats": 4})
    assert (fewer.status_code, fewer.json["code"], fewer.json["sold"]) == (409, "capacity_below_sold", 5)
    dearer = host_asks("PATCH", f"/events/{event_id}", json={"price": {"amount": 1, "currency": "EUR"}})
    assert (dearer.status_code, dearer.json["code"], dearer.json["terms"]) == (409, "event_has_bookings", ["price"])
    assert host_asks("PATCH", f"/events/{event_id}", json={"seats": 20}).json["seats_left"] == 15


def test_a_change_to_an_older_version_is_refused(host_asks: Caller):
    path = f"/events/{host_asks.made()}"
    assert host_asks("PATCH", path, json={"title": "First", "version": 1}).json["version"] == 2
    response = host_asks("PATCH", path, json={"title": "Second", "version": 1})
    assert (response.status_code, response.json["code"], response.json["version"]) == (409, "event_changed", 2)


# Reading.


@pytest.mark.parametrize("path", ["/events", "/events/{}"])
def test_a_public_answer_is_kept_by_caches_and_not_sent_twice(asked_by, host_asks: Caller, path: str):
    path = path.format(host_asks.published())
    first = asked_by(None)("GET", path)
    assert first.headers["Cache-Control"].startswith("public")
    again = asked_by(None)("GET", path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    host_asks("PATCH", f"/events/{host_asks.published()}", json={"title": "News"})
    if path == "/events":
        assert asked_by(None)("GET", path, headers={"If-None-Match": first.headers["ETag"]}).status_code == 200


def test_a_draft_is_kept_by_no_cache(host_asks: Caller):
    response = host_asks("GET", f"/events/{host_asks.made()}")
    assert "private" in response.headers["Cache-Control"]
    assert "ETag" not in response.headers


def test_the_list_is_narrowed_sorted_and_paged(asked_by, host_asks: Caller):
    graz = {"name": "x", "location": {"lat": 47.07, "lon": 15.44}}
    near = host_asks.published(title="near", starts_at="2026-11-03T18:00:00Z")
    far = host_asks.published(
        title="far", city="Graz", venue=graz, price={"amount": 10, "currency": "EUR"}, tags=["Quiet"], cuisine="Styrian"
    )
    asks = asked_by(None)

    def listed(**query: Any) -> list[str]:
        response = asks("GET", "/events", query_string=query)
        assert response.status_code == 200, response.json
        return [item["id"] for item in response.json["items"]]

    assert listed() == [near, far]
    assert listed(city="munchen") == [near]
    assert listed(cuisine="STYRIAN") == listed(tag="quiet") == listed(max_price=10) == [far]
    assert listed(**{"from": "2026-11-04T00:00:00Z"}) == [far]
    assert listed(to="2026-11-04T00:00:00+01:00") == [near]
    assert listed(sort="price") == [far, near]
    assert listed(near="47.07,15.44", radius_km=500, sort="distance") == [far, near]
    assert listed(near="47.07,15.44", radius_km=5) == [far]
    first = asks("GET", "/events?limit=1&sort=price").json
    assert listed(limit=1, sort="price", cursor=first["next"]) == [near]


@pytest.mark.parametrize(
    "query",
    [
        "near=48.1",
        "near=91,0",
        "near=0,180.5",
        "near=48.1,11.5,3",
        "near=a,b",
        "near=48.1,%D9%A1",
        "radius_km=0",
        "radius_km=nan",
        "radius_km=20001",
        "from=yesterday",
        "to=2026-11-04",
        "max_price=-1",
        "max_price=1.5",
        "sort=title",
        "limit=0",
        "limit=101",
        "cursor=nonsense",
        "city=",
    ],
)
def test_a_query_that_is_not_understood_is_refused(asked_by, query: str):
    response = asked_by(None)("GET", f"/events?{query}")
    assert response.status_code == 422
    assert [error["field"] for error in response.json["errors"]] == [query.partition("=")[0]]


@pytest.mark.parametrize("near", ["0,0", "-90,180", "90.0,-180.000", "48.1374,11.5755", "-0.5,-0.25", "9,99.9", "89.999999,179.999999"])
def test_every_place_on_earth_can_be_named(asked_by, near: str):
    assert asked_by(None)("GET", "/events", query_string={"near": near}).status_code == 200


def test_hosts_list_their_own_events(asked_by, host_asks: Caller):
    drafts = [host_asks.made() for _ in range(3)]
    asked_by("host-2").made()
    first = host_asks("GET", "/hosting/events?limit=2").json
    second = host_asks("GET", f"/hosting/events?cursor={first['next']}").json
    assert [item["id"] for item in first["items"] + second["items"]] == sorted(drafts, reverse=True)
    assert asked_by("guest")("GET", "/hosting/events").json == {"items": [], "next": None}


# The documentation.


@pytest.fixture
def spec(app: flask.Flask) -> dict[str, Any]:
    with app.test_request_context():
        [api] = {id(found): found for found in app.extensions["flask-smorest"]["blp_name_to_api"].values()}.values()
        return api.spec.to_dict()


def test_the_documentation_says_exactly_what_a_list_takes(spec: dict[str, Any]):
    operation = spec["paths"]["/v1/events"]["get"]
    parameters = {parameter["name"]: parameter["schema"] for parameter in operation["parameters"] if parameter["in"] == "query"}
    assert set(parameters) == {
        "city",
        "cuisine",
        "tag",
        "from",
        "to",
        "min_price",
        "max_price",
        "near",
        "radius_km",
        "sort",
        "limit",
        "cursor",
    }
    assert parameters["from"]["format"] == parameters["to"]["format"] == "date-time"
    assert parameters["near"]["pattern"].startswith("^")
    assert parameters["sort"]["enum"] == ["starts_at", "price", "distance"]
    assert {"200", "304", "422"} <= set(operation["responses"])


def test_every_answer_that_was_seen_here_is_documented(spec: dict[str, Any]):
    responses = {
        (method, path): set(operation["responses"]) - {"default"}
        for path, operations in spec["paths"].items()
        for method, operation in operations.items()
        if method != "parameters"
    }
    write = {"200", "401", "403", "404", "409", "422"}
    assert responses == {
        ("get", "/v1/events"): {"200", "304", "422"},
        ("post", "/v1/events"): {"201", "401", "403", "409", "422"},
        ("get", "/v1/events/{event_id}"): {"200", "304", "401", "404"},
        ("patch", "/v1/events/{event_id}"): write,
        ("post", "/v1/events/{event_id}/publish"): write,
        ("post", "/v1/events/{event_id}/cancel"): write,
        ("get", "/v1/hosting/events"): {"200", "401", "422"},
        ("get", "/v1/hosting/feed"): {"200", "401", "403"},
        ("post", "/v1/hosting/feed"): {"200", "401", "403"},
        ("delete", "/v1/hosting/feed"): {"204", "401", "403"},
        ("get", "/v1/feeds/{token}.ics"): {"200", "304", "404"},
    }
