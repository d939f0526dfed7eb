from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from dinnerkit.http.auth import authenticated, bearer_token, current_principal, maybe_principal, requires
from dinnerkit.http.blueprint import ApiBlueprint
from dinnerkit.http.mount import current_mount
from dinnerkit.identity import Role

rooms = ApiBlueprint("rooms", __name__)


@rooms.route("/mine")
@authenticated
@rooms.response(200)
def mine() -> dict[str, str]:
    return {"user": current_principal().user_id}


@rooms.route("/hosts")
@requires(Role.HOST)
@rooms.response(200)
def hosts() -> dict[str, str]:
    return {"user": current_principal().user_id}


@rooms.route("/anyone")
@rooms.response(200)
def anyone() -> dict[str, str | None]:
    principal = maybe_principal()
    return {"user": principal.user_id if principal else None}


@pytest.fixture
def app(make_app: Any) -> Flask:
    return make_app(rooms)


@pytest.mark.parametrize(
    ("path", "authorization", "status"),
    [
        ("mine", None, 401),
        ("mine", "Bearer nonsense", 401),
        ("mine", "Bearer guest:anna", 200),
        ("hosts", None, 401),
        ("hosts", "Bearer guest:anna", 403),
        ("hosts", "Bearer host:anna", 200),
        ("hosts", "Bearer admin:anna", 200),
        ("anyone", None, 200),
        ("anyone", "Bearer nonsense", 401),
    ],
)
def test_a_route_opens_for_those_whom_it_is_for(app: Flask, path: str, authorization: str | None, status: int) -> None:
    headers = {"Authorization": authorization} if authorization else {}

    assert app.test_client().get(f"/x/v1/{path}", headers=headers).status_code == status


def test_the_resolver_runs_once_a_request(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    with app.test_request_context("/x/v1/mine", headers={"Authorization": "Bearer guest:anna"}):
        calls = []
        resolver = current_mount().user_resolver
        monkeypatch.setattr(type(current_mount()), "user_resolver", property(lambda _: lambda r: calls.append(r) or resolver(r)))
        assert [current_principal().user_id, current_principal().user_id] == ["anna", "anna"]
        assert len(calls) == 1


@pytest.mark.parametrize(
    ("header", "token"),
    [("Bearer abc", "abc"), ("bearer abc", "abc"), ("Bearer ", None), ("Basic abc", None), ("abc", None), (None, None)],
)
def test_only_a_bearer_header_has_a_token(app: Flask, header: str | None, token: str | None) -> None:
    with app.test_request_context(headers={"Authorization": header} if header else {}):
        assert bearer_token() == token


def test_the_documentation_tells_who_may(app: Flask) -> None:
    paths = app.test_client().get("/x/openapi.json").get_json()["paths"]

    assert paths["/x/v1/mine"]["get"]["security"] == [{"bearer": []}]
    assert paths["/x/v1/mine"]["get"]["responses"].keys() >= {"200", "401"}
    assert paths["/x/v1/hosts"]["get"]["responses"].keys() >= {"200", "401", "403"}
    assert "security" not in paths["/x/v1/anyone"]["get"]
