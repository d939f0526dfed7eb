from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from flask import Flask, request

from dinnerkit import Kit, Settings, create_app
from dinnerkit.errors import SettingError
from dinnerkit.testing.settings import settings_for_tests


@pytest.fixture
def app(kit: Kit) -> Flask:
    return create_app(kit=kit)


def seen_address(settings: dict[str, Any], forwarded: str) -> tuple[str | None, str]:
    app = create_app(Settings(**settings), pages=False)
    app.add_url_rule("/seen", view_func=lambda: {"address": request.remote_addr, "scheme": request.scheme})
    headers = {"X-Forwarded-For": forwarded, "X-Forwarded-Proto": "https"}
    found = app.test_client().get("/seen", headers=headers, environ_overrides={"REMOTE_ADDR": "10.0.0.9"}).json
    return found["address"], found["scheme"]


def test_the_default_app_has_the_api_the_docs_and_the_pages(app: Flask) -> None:
    client = app.test_client()

    for path in ("/", "/docs", "/openapi.json", "/metrics", "/health/live", "/health/ready", "/v1/events"):
        assert client.get(path).status_code == 200, path
    assert client.get("/").mimetype == "text/html"


def test_it_can_do_without_the_pages(kit: Kit) -> None:
    client = create_app(kit=kit, pages=False).test_client()

    assert client.get("/").status_code == 404
    assert client.get("/v1/events").status_code == 200


def test_unknown_addresses_are_pages_for_people_and_problems_for_programs(app: Flask) -> None:
    client = app.test_client()

    assert client.get("/v1/nothing").mimetype == "application/problem+json"
    assert (client.get("/nothing").status_code, client.get("/nothing").mimetype) == (404, "text/html")


@pytest.mark.parametrize("path", ["/", "/nothing", "/v1/events", "/v1/nothing", "/v1/me", "/docs", "/health/live", "/metrics"])
def test_every_answer_has_an_id_and_a_strict_policy(app: Flask, path: str) -> None:
    headers = app.test_client().get(path).headers

    assert headers["X-Request-Id"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"]
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "script-src 'unsafe" not in headers["Content-Security-Policy"]


@pytest.mark.parametrize(("path", "kind"), [("/", "text/html"), ("/v1/events", "application/problem+json")])
def test_whoever_asks_too_often_is_told_once_when_to_come_back(database_url: str, tmp_path: Path, path: str, kind: str) -> None:
    client = create_app(Settings(**settings_for_tests(database_url, tmp_path, rate_limit="1 per hour"))).test_client()
    assert client.get(path).status_code == 200

    refused = client.get(path)

    assert (refused.status_code, refused.mimetype) == (429, kind)
    for name in ("Retry-After", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"):
        assert len(refused.headers.getlist(name)) == 1, name
    assert 0 < int(refused.headers["Retry-After"]) <= 3601


def test_without_proxies_nobody_is_believed_about_their_address(database_url: str, tmp_path: Path) -> None:
    assert seen_address(settings_for_tests(database_url, tmp_path), "1.2.3.4") == ("10.0.0.9", "http")


def test_as_many_proxies_as_are_trusted_are_believed(database_url: str, tmp_path: Path) -> None:
    settings = settings_for_tests(database_url, tmp_path, trusted_proxies=1)

    assert seen_address(settings, "6.6.6.6, 1.2.3.4") == ("1.2.3.4", "https")


def test_a_wrong_setting_is_said_before_anything_is_opened() -> None:
    with pytest.raises(SettingError, match="hold_second"):
        create_app({"hold_second": 5})


def test_a_shared_database_needs_a_secret_key(database_url: str, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="SECRET_KEY"):
        create_app(Settings(**settings_for_tests(database_url, tmp_path, secret_key="")))
