from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from dinnerkit.accounts.recovery import RecoveryService
from dinnerkit.accounts.service import AccountService
from dinnerkit.accounts.sign_in import SIGN_IN_LIMIT

EMAIL, PASSWORD, NEW = "anna@example.com", "correct horse battery", "violet tram umbrella"
ANNA = {"email": EMAIL, "password": PASSWORD, "name": "Anna"}


def post(client: FlaskClient, path: str, body: Any = None, **headers: str) -> TestResponse:
    return client.post(f"/v1/auth/{path}", json=body, headers=headers)


def problem(response: TestResponse) -> tuple[int, str]:
    assert response.mimetype == "application/problem+json"
    return response.status_code, response.get_json(force=True)["code"]


def wrong_fields(response: TestResponse) -> set[str]:
    return {error["field"] for error in response.get_json(force=True)["errors"]}


@pytest.fixture
def anna(client: FlaskClient) -> dict[str, Any]:
    found: dict[str, Any] = post(client, "register", ANNA).json
    return found


@pytest.fixture
def tokens(client: FlaskClient, anna: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = post(client, "login", {"email": EMAIL, "password": PASSWORD}).json
    return found


def bearer(tokens: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens['access_token']}"}


def test_registering_answers_the_user_without_secrets(client: FlaskClient) -> None:
    response = post(client, "register", ANNA)

    assert response.status_code == 201
    assert response.headers["Cache-Control"] == "private, no-store"
    assert response.json.items() >= {"email": EMAIL, "name": "Anna", "role": "guest", "verified": False, "traits": None}.items()
    assert response.json["created_at"] == "2026-11-01T12:00:00Z"
    assert "password" not in response.text


@pytest.mark.parametrize(
    ("change", "code", "fields"),
    [
        ({"password": "short"}, "weak_password", {"password"}),
        ({"password": "anna@example"}, "weak_password", {"password"}),
        ({"password": "qwertyuiop"}, "common_password", {"password"}),
        ({"password": "x" * 2000}, "invalid", {"password"}),
        ({"password": "a\x00correct horse"}, "invalid", {"password"}),
        ({"email": "no address"}, "invalid", {"email"}),
        ({"email": 5}, "invalid", {"email"}),
        ({"name": "  "}, "invalid", {"name"}),
        ({"name": None}, "invalid", {"name"}),
        ({"role": "admin"}, "invalid", {"role"}),
    ],
)
def test_registering_says_what_is_wrong(client: FlaskClient, change: dict[str, Any], code: str, fields: set[str]) -> None:
    response = post(client, "register", ANNA | change)

    assert problem(response) == (422, code)
    assert wrong_fields(response) == fields


def test_an_address_is_taken_once(client: FlaskClient, anna: dict[str, Any]) -> None:
    assert problem(post(client, "register", ANNA | {"email": "ANNA@example.com"})) == (409, "email_taken")


def test_registering_is_idempotent_under_a_key(client: FlaskClient) -> None:
    first = client.post("/v1/auth/register", json=ANNA, headers={"Idempotency-Key": "k"})
    again = client.post("/v1/auth/register", json=ANNA, headers={"Idempotency-Key": "k"})

    assert (again.status_code, again.data) == (201, first.data)


def test_the_stored_answer_of_a_registration_does_not_help_to_guess_the_password(accounts: Any, client: FlaskClient) -> None:
    client.post("/v1/auth/register", json=ANNA, headers={"Idempotency-Key": "k"})

    assert PASSWORD not in str(accounts.database["idempotency"].find_one())


def test_logging_in_gives_tokens_that_open_me(client: FlaskClient, anna: dict[str, Any], tokens: dict[str, Any]) -> None:
    assert tokens.keys() == {"access_token", "refresh_token", "token_type", "expires_in"}
    assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 900)
    assert client.get("/v1/me", headers=bearer(tokens)).json == anna


def test_a_wrong_login_is_the_same_whether_or_not_the_user_exists(client: FlaskClient, anna: dict[str, Any]) -> None:
    known = post(client, "login", {"email": EMAIL, "password": "wrong horse battery"})
    unknown = post(client, "login", {"email": "ben@example.com", "password": "wrong horse battery"})

    assert problem(known) == problem(unknown) == (401, "bad_credentials")
    assert known.get_json(force=True)["detail"] == unknown.get_json(force=True)["detail"]
    assert known.headers["WWW-Authenticate"] == "Bearer"


def test_too_many_wrong_logins_are_told_when_to_come_back(client: FlaskClient, anna: dict[str, Any]) -> None:
    for _ in range(SIGN_IN_LIMIT.most):
        post(client, "login", {"email": EMAIL, "password": "wrong horse battery"})

    response = post(client, "login", {"email": EMAIL, "password": PASSWORD})

    assert problem(response) == (429, "too_many_attempts")
    assert 0 < int(response.headers["Retry-After"]) <= 900


def test_refreshing_rotates_and_a_second_use_revokes(client: FlaskClient, tokens: dict[str, Any]) -> None:
    old = {"refresh_token": tokens["refresh_token"]}
    new = post(client, "refresh", old).json

    assert problem(post(client, "refresh", old)) == (401, "bad_token")
    assert problem(post(client, "refresh", {"refresh_token": new["refresh_token"]})) == (401, "bad_token")
    assert problem(client.get("/v1/me", headers=bearer(new))) == (401, "bad_token")


def test_answers_with_tokens_are_kept_by_no_one(accounts: Any, client: FlaskClient, anna: dict[str, Any]) -> None:
    response = client.post("/v1/auth/login", json={"email": EMAIL, "password": PASSWORD}, headers={"Idempotency-Key": "k"})

    assert response.headers["Cache-Control"] == "private, no-store"
    assert accounts.database["idempotency"].count_documents({}) == 0


def test_logging_out_makes_the_tokens_useless_at_once(client: FlaskClient, tokens: dict[str, Any]) -> None:
    response = client.post("/v1/auth/logout", headers=bearer(tokens))

    assert (response.status_code, response.data) == (204, b"")
    assert problem(client.get("/v1/me", headers=bearer(tokens))) == (401, "bad_token")
    assert problem(post(client, "refresh", {"refresh_token": tokens["refresh_token"]})) == (401, "bad_token")


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/v1/me"), ("PATCH", "/v1/me"), ("POST", "/v1/auth/logout"), ("POST", "/v1/auth/verification/mail")]
)
def test_who_is_not_signed_in_is_kept_out(client: FlaskClient, method: str, path: str) -> None:
    assert problem(client.open(path, method=method, json={})) == (401, "unauthenticated")
    assert problem(client.open(path, method=method, json={}, headers={"Authorization": "Bearer x.y.z"})) == (401, "bad_token")


def test_a_profile_is_changed_in_part(client: FlaskClient, tokens: dict[str, Any]) -> None:
    changes = {
        "name": " Anne ",
        "birth_year": 1980,
        "gender": "woman",
        "languages": ["deu", "en"],
        "diets": ["Vegan"],
        "interests": ["Jazz", "jazz"],
        "city": "Berlin",
        "budget": "low",
        "visibility": "guests",
        "findable": True,
        "reminders": False,
    }
    kept = changes | {"name": "Anne", "languages": ["de", "en"], "diets": ["vegan"], "interests": ["jazz"]}

    changed = client.patch("/v1/me", json=changes, headers=bearer(tokens))

    assert changed.status_code == 200
    assert changed.json.items() >= kept.items()
    again = client.patch("/v1/me", json={"budget": None, "diets": []}, headers=bearer(tokens)).json
    assert again.items() >= (kept | {"budget": None, "diets": []}).items()
    assert client.get("/v1/me", headers=bearer(tokens)).json == again


@pytest.mark.parametrize(
    "change",
    [
        {"birth_year": 1899},
        {"birth_year": 2999},
        {"birth_year": "1980"},
        {"birth_year": 1980.5},
        {"languages": ["English"]},
        {"languages": "en"},
        {"languages": ["en"] * 21},
        {"diets": ["x" * 41]},
        {"interests": ["x"] * 31},
        {"interests": [None]},
        {"budget": "huge"},
        {"visibility": None},
        {"visibility": "secret"},
        {"findable": None},
        {"findable": "yes"},
        {"reminders": None},
        {"reminders": "no"},
        {"name": None},
        {"email": "new@example.com"},
        {"role": "admin"},
        {"verified": True},
        {"traits": {"openness": 1}},
    ],
)
def test_a_profile_takes_nothing_else(client: FlaskClient, tokens: dict[str, Any], change: dict[str, Any]) -> None:
    response = client.patch("/v1/me", json=change, headers=bearer(tokens))

    assert problem(response) == (422, "invalid")
    assert all(len(error["message"]) < 100 for error in response.get_json(force=True)["errors"])
    assert {field.split(".")[0] for field in wrong_fields(response)} == change.keys()


def test_the_mailed_token_verifies(accounts: Any, client: FlaskClient, anna: dict[str, Any], tokens: dict[str, Any]) -> None:
    token = accounts[RecoveryService].verification_token(anna["id"])

    assert post(client, "verification", {"token": token}).status_code == 204

    assert client.get("/v1/me", headers=bearer(tokens)).json["verified"] is True
    assert problem(post(client, "verification", {"token": token})) == (401, "bad_token")


def test_the_verification_mail_is_sent_again(accounts: Any, client: FlaskClient, anna: dict[str, Any], tokens: dict[str, Any]) -> None:
    assert client.post("/v1/auth/verification/mail", headers=bearer(tokens)).status_code == 202

    assert [kind for kind, _ in accounts.told(anna["id"])][-1] == "accounts.verification_requested"


def test_a_forgotten_password_is_set_anew(accounts: Any, client: FlaskClient, anna: dict[str, Any], tokens: dict[str, Any]) -> None:
    known, unknown = (post(client, "password-reset/mail", {"email": email}) for email in (EMAIL, "nobody@example.com"))
    assert (known.status_code, known.data) == (unknown.status_code, unknown.data) == (202, b"")
    token = accounts[RecoveryService].reset_token(anna["id"])
    weak = post(client, "password-reset", {"token": token, "password": "qwertyuiop"})
    assert problem(weak) == (422, "common_password")

    assert post(client, "password-reset", {"token": token, "password": NEW}).status_code == 204

    assert problem(client.get("/v1/me", headers=bearer(tokens))) == (401, "bad_token")
    assert problem(post(client, "password-reset", {"token": token, "password": NEW})) == (401, "bad_token")
    assert post(client, "login", {"email": EMAIL, "password": NEW}).status_code == 200


def test_a_user_who_is_gone_has_no_session(accounts: Any, client: FlaskClient, anna: dict[str, Any], tokens: dict[str, Any]) -> None:
    accounts.database["users"].delete_one({"_id": anna["id"]})

    assert problem(client.get("/v1/me", headers=bearer(tokens))) == (401, "bad_token")


def test_an_admin_is_shown_as_one(accounts: Any, client: FlaskClient) -> None:
    from dinnerkit.identity import Role

    accounts[AccountService].create_user(email="root@example.com", name="Root", password=PASSWORD, role=Role.ADMIN)
    tokens = post(client, "login", {"email": "root@example.com", "password": PASSWORD}).json

    assert client.get("/v1/me", headers=bearer(tokens)).json["role"] == "admin"
