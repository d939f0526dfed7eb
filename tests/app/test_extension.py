from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Request, abort, request, session
from flask.testing import FlaskClient

from dinnerkit import Dinnerkit
from dinnerkit.accounts.service import AccountService
from dinnerkit.errors import SettingError
from dinnerkit.extension import ALL_MODULES
from dinnerkit.http.mount import EXTENSION_KEY
from dinnerkit.identity import Principal, Role
from dinnerkit.kit import Kit
from dinnerkit.ports.offload import inline
from dinnerkit.settings import Settings
from dinnerkit.testing.settings import settings_for_tests

ANNA = {"email": "anna@example.com", "password": "correct horse battery", "name": "Anna"}


def host_app() -> Flask:
    """Somebody's app: with a front page, a sign-in, error pages and hooks of its own."""
    app = Flask("host")
    app.secret_key = "the host's own"
    app.config["JSON_SORT_KEYS"] = False
    app.config["RATELIMIT_DEFAULT"] = "1 per day"
    app.register_error_handler(404, lambda _: ("host's 404 page", 404))
    app.register_error_handler(422, lambda _: ("host's 422 page", 422))
    app.register_error_handler(Exception, lambda _: ("host's 500 page", 500))

    @app.route("/")
    def home() -> str:
        return f"hello {session.get('user', 'stranger')}"

    @app.route("/login", methods=["POST"])
    def login() -> str:
        session["user"] = request.form["user"]
        return "welcome"

    @app.route("/teapot")
    def teapot() -> str:
        abort(418)

    @app.route("/broken")
    def broken() -> str:
        raise LookupError

    @app.after_request
    def sign(response: Any) -> Any:
        response.headers["X-Host"] = "yes"
        return response

    return app


def their_user(request: Request) -> Principal | None:
    """What an embedder writes: their session's user, as our principal."""
    name = session.get("user")
    return Principal(f"host-{name}", Role.HOST if name == "hera" else Role.GUEST) if name else None


@pytest.fixture
def embedded(kit: Kit) -> FlaskClient:
    app = host_app()
    Dinnerkit(app, url_prefix="/dinners", kit=kit)
    return app.test_client()


def test_a_hosts_routes_errors_and_hooks_stay_as_they_are(embedded: FlaskClient) -> None:
    plain = host_app().test_client()

    for path in ("/", "/nothing", "/teapot", "/broken", "/v1/events", "/dinners/nothing", "/health/live", "/docs"):
        with_us, without_us = embedded.get(path), plain.get(path)
        assert (with_us.status_code, with_us.data) == (without_us.status_code, without_us.data)
        assert dict(with_us.headers) == dict(without_us.headers)
    assert embedded.post("/login", data={"user": "ada"}).text == "welcome"
    assert embedded.get("/").text == "hello ada"


def test_a_hosts_configuration_and_extensions_stay_as_they_are(kit: Kit) -> None:
    app = host_app()
    before = dict(app.config)
    handlers = {code: dict(found) for code, found in app.error_handler_spec[None].items()}

    Dinnerkit(app, url_prefix="/dinners", kit=kit)

    assert dict(app.config) == before
    assert {code: dict(found) for code, found in app.error_handler_spec[None].items()} == handlers
    assert app.json.__class__ is Flask("other").json.__class__
    assert set(app.extensions) - {"flask-smorest"} == {EXTENSION_KEY}
    assert {name for name in app.blueprints if not name.startswith("dinnerkit_")} == set()


def test_everything_of_ours_lies_under_the_prefix(embedded: FlaskClient) -> None:
    assert embedded.get("/dinners/health/ready").json["status"] == "ready"
    assert embedded.get("/dinners/v1/events").status_code == 200
    assert "/dinners/v1/events" in embedded.get("/dinners/openapi.json").json["paths"]
    assert embedded.get("/dinners/docs").status_code == 200
    assert "dinnerkit_http_requests_total" in embedded.get("/dinners/metrics").text


def test_our_errors_are_problems_whatever_the_hosts_are(embedded: FlaskClient) -> None:
    found = [
        embedded.get("/dinners/v1/nothing"),
        embedded.get("/dinners/v1/events/nothing"),
        embedded.post("/dinners/v1/auth/register", json={}),
        embedded.put("/dinners/v1/events"),
        embedded.get("/dinners/v1/me"),
    ]

    assert [response.status_code for response in found] == [404, 404, 422, 405, 401]
    assert {response.mimetype for response in found} == {"application/problem+json"}
    assert {response.headers["X-Host"] for response in found} == {"yes"}


def test_only_the_chosen_modules_are_mounted(kit: Kit) -> None:
    app = host_app()
    Dinnerkit(app, url_prefix="/dinners", kit=kit, modules=("events", "docs"))
    client = app.test_client()

    assert client.get("/dinners/v1/events").status_code == 200
    assert client.get("/dinners/v1/me").status_code == 404
    assert client.get("/dinners/health/live").text == "host's 404 page"
    paths = client.get("/dinners/openapi.json").json["paths"]
    mounted = ("/dinners/v1/events", "/dinners/v1/hosting", "/dinners/v1/feeds", "/dinners/docs", "/dinners/openapi.json")
    assert all(path.startswith(mounted) for path in paths)


def test_a_module_that_is_not_chosen_is_not_even_imported() -> None:
    script = """
import sys
from dinnerkit.extension import Dinnerkit, _part
Dinnerkit(modules=("events",))
_part("events")
assert "dinnerkit.events.api" in sys.modules
assert "dinnerkit.booking.api" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", script], check=True)


def test_the_hosts_own_users_are_ours(kit: Kit) -> None:
    app = host_app()
    Dinnerkit(app, url_prefix="/dinners", kit=kit, user_resolver=their_user)
    kit.service(AccountService).adopt("host-ada", email="ada@example.com", name="Ada")
    client = app.test_client()

    assert client.get("/dinners/v1/me").status_code == 401
    client.post("/login", data={"user": "ada"})

    assert client.get("/dinners/v1/me").json.items() >= {"id": "host-ada", "name": "Ada", "verified": True}.items()
    assert client.get("/dinners/v1/bookings").json == {"items": [], "next": None}
    assert client.post("/dinners/v1/events", json={}).status_code == 403
    client.post("/login", data={"user": "hera"})
    assert client.post("/dinners/v1/events", json={}).status_code == 422


def test_with_the_hosts_own_users_our_tokens_do_not_count(kit: Kit) -> None:
    app = host_app()
    Dinnerkit(app, url_prefix="/dinners", kit=kit, user_resolver=their_user)
    client = app.test_client()
    client.post("/dinners/v1/auth/register", json=ANNA)
    token = client.post("/dinners/v1/auth/login", json={name: ANNA[name] for name in ("email", "password")}).json["access_token"]

    assert client.get("/dinners/v1/me", headers={"Authorization": f"Bearer {token}"}).status_code == 401


def test_settings_come_from_the_apps_config_over_the_environment(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in settings_for_tests(database_url, tmp_path, access_token_seconds=60, hold_seconds=77).items():
        monkeypatch.setenv(f"DINNERKIT_{name.upper()}", str(value))
    app = Flask("host")
    app.config["DINNERKIT_ACCESS_TOKEN_SECONDS"] = 61

    kit = Dinnerkit().init_app(app)

    assert (kit.settings.access_token_seconds, kit.settings.hold_seconds) == (61, 77)


def test_one_extension_serves_several_apps(kit: Kit) -> None:
    dinnerkit = Dinnerkit(kit=kit)
    first, second = Flask("first"), Flask("second")

    assert dinnerkit.init_app(first) is dinnerkit.init_app(second) is kit
    assert first.test_client().get("/health/live").status_code == second.test_client().get("/health/live").status_code == 200
    with pytest.raises(RuntimeError, match="already"):
        dinnerkit.init_app(first)


def test_a_kit_that_the_extension_opened_is_closed_with_the_app(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = []
    monkeypatch.setattr(Kit, "close", lambda _, close=Kit.close: closed.append(close(_)))
    app = Flask("short-lived")
    Dinnerkit(app, settings)
    assert not closed

    del app
    gc.collect()

    assert closed


def test_a_kit_that_somebody_else_opened_stays_open(kit: Kit) -> None:
    app = Flask("short-lived")
    Dinnerkit(app, kit=kit)
    del app
    gc.collect()

    assert kit.database.command("ping")["ok"]


@pytest.mark.parametrize("prefix", ["dinners", "/din ners", "/a//b", "/<x>", "?x"])
def test_a_prefix_that_is_none_is_refused(prefix: str) -> None:
    with pytest.raises(SettingError, match="url_prefix"):
        Dinnerkit(url_prefix=prefix)


def test_an_unknown_module_is_named_with_what_there_is() -> None:
    with pytest.raises(SettingError, match=r"karaoke.*events"):
        Dinnerkit(modules=("events", "karaoke"))
    assert "events" in ALL_MODULES


def test_password_hashes_are_computed_where_the_app_says(settings: Settings) -> None:
    offloaded = []
    app = Flask("host")
    Dinnerkit(app, settings, offload=lambda function, needs=(): offloaded.append(1) or inline(function, needs))

    assert app.test_client().post("/v1/auth/register", json=ANNA).status_code == 201
    assert offloaded


def test_the_request_limit_of_the_settings_holds(database_url: str, tmp_path: Path) -> None:
    app = Flask("host")
    Dinnerkit(app, Settings(**settings_for_tests(database_url, tmp_path, rate_limit="2 per hour")))
    client = app.test_client()

    assert [client.get("/v1/events").status_code for _ in range(3)] == [200, 200, 429]
    assert client.get("/health/live").status_code == 200


def test_the_document_is_valid_and_complete(embedded: FlaskClient) -> None:
    document = embedded.get("/dinners/openapi.json").json
    operations = [operation for path in document["paths"].values() for method, operation in path.items() if method != "parameters"]

    assert len({operation["operationId"] for operation in operations}) == len(operations)
    assert all(operation.get("summary") for operation in operations)
    assert all("default" in operation["responses"] for operation in operations)
    assert {tag["name"] for tag in document["tags"]} == set(ALL_MODULES)
    bodies = [operation for operation in operations if "requestBody" in operation]
    assert all("422" in operation["responses"] for operation in bodies)
