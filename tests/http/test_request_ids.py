from __future__ import annotations

from typing import Any

import pytest
import structlog
from flask import Flask

from dinnerkit.http.blueprint import ApiBlueprint
from dinnerkit.ids import is_id

echo = ApiBlueprint("echo", __name__)


@echo.route("/echo")
@echo.response(200)
def bound() -> Any:
    return structlog.contextvars.get_contextvars()


@pytest.fixture
def app(make_app: Any) -> Flask:
    return make_app(echo)


def test_a_sane_id_is_taken_over_and_is_in_every_log_line(app: Flask) -> None:
    response = app.test_client().get("/x/v1/echo", headers={"X-Request-Id": "client-7f3a.1"})

    assert response.headers["X-Request-Id"] == "client-7f3a.1"
    assert response.json == {"request_id": "client-7f3a.1"}


@pytest.mark.parametrize("sent", ["", "short", "a" * 200, "with space in it", "<script>alert(1)"])
def test_any_other_is_replaced(app: Flask, sent: str) -> None:
    assert is_id(app.test_client().get("/x/v1/echo", headers={"X-Request-Id": sent}).headers["X-Request-Id"])


def test_nothing_is_left_behind_for_the_hosts_own_requests(app: Flask) -> None:
    app.test_client().get("/x/v1/echo")

    assert "request_id" not in structlog.contextvars.get_contextvars()


@pytest.mark.parametrize("path", ["/x/v1/echo", "/x/v1/nothing", "/x/health/live", "/x/openapi.json"])
def test_every_answer_of_ours_has_an_id_and_the_security_headers(app: Flask, path: str) -> None:
    headers = app.test_client().get(path).headers

    assert is_id(headers["X-Request-Id"])
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
