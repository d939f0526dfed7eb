from __future__ import annotations

from typing import Any

import pytest
from flask import Flask, abort
from marshmallow import fields
from pymongo.errors import OperationFailure, ServerSelectionTimeoutError, WriteConcernError
from structlog.testing import capture_logs
from werkzeug.test import TestResponse

from dinnerkit import errors
from dinnerkit.http.blueprint import ApiBlueprint
from dinnerkit.http.fields import TextField
from dinnerkit.http.schemas import MoneyField, StrictSchema
from dinnerkit.ports.gateway import BadSignature

MEMBERS = {"type", "title", "status", "detail", "code", "request_id"}


class SoldOut(errors.Conflict):
    code = "sold_out"


class OrderSchema(StrictSchema):
    name = TextField(20, required=True)
    price = MoneyField()
    sizes = fields.List(fields.Integer(strict=True))


things = ApiBlueprint("things", __name__)
RAISED: dict[str, Exception] = {
    "invalid": errors.Invalid("this is wrong", fields={"a.b": "not a number"}),
    "unauthenticated": errors.Unauthenticated("Who?"),
    "forbidden": errors.Forbidden("You may not."),
    "missing": errors.NotFound("Nothing."),
    "sold-out": SoldOut("No seats are left.", seats_left=0),
    "declined": errors.PaymentRequired("Declined."),
    "large": errors.TooLarge("Too large."),
    "down": errors.Unavailable("Later.", retry_after=30),
    "signature": BadSignature("Not signed."),
    "database": ServerSelectionTimeoutError("mongodb://user:password@host: timed out"),
    "primary-ends": WriteConcernError("Replication is being shut down", 91, {"code": 91}),
    "no-primary": OperationFailure("not primary", 10107, {"errorLabels": ["RetryableWriteError"]}),
    "refused": OperationFailure("unknown operator: $x", 2, {}),
    "broken": RuntimeError("the password is swordfish"),
    "reserved": errors.Conflict("No.", status="held", detail="other", seats_left=3),
}


@things.route("/raise/<name>")
@things.response(200)
def raising(name: str) -> None:
    raise RAISED[name]


@things.route("/abort/<int:status>")
@things.response(200)
def aborting(status: int) -> None:
    abort(status)


@things.route("/orders", methods=["POST"])
@things.arguments(OrderSchema)
@things.response(201)
def order(body: dict[str, Any]) -> str:
    return str(body)


class WishesSchema(StrictSchema):
    count = fields.Integer(load_default=1)


@things.route("/wishes", methods=["POST"])
@things.arguments(WishesSchema, required=False)
@things.response(201)
def wish(body: dict[str, Any]) -> str:
    return str(body)


@pytest.fixture
def app(make_app: Any) -> Flask:
    return make_app(things)


def problem(response: TestResponse) -> dict[str, Any]:
    assert response.mimetype == "application/problem+json"
    body: dict[str, Any] = response.get_json(force=True)
    assert body.keys() >= MEMBERS
    assert body["status"] == response.status_code
    assert body["request_id"] == response.headers["X-Request-Id"]
    return body


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("invalid", 422, "invalid"),
        ("unauthenticated", 401, "unauthenticated"),
        ("forbidden", 403, "forbidden"),
        ("missing", 404, "not_found"),
        ("sold-out", 409, "sold_out"),
        ("declined", 402, "payment_declined"),
        ("large", 413, "too_large"),
        ("down", 503, "unavailable"),
        ("signature", 400, "bad_signature"),
        ("database", 503, "unavailable"),
        ("primary-ends", 503, "unavailable"),
        ("no-primary", 503, "unavailable"),
        ("refused", 500, "internal"),
    ],
)
def test_each_category_of_errors_has_its_status_and_keeps_its_code(app: Flask, name: str, status: int, code: str) -> None:
    response = app.test_client().get(f"/x/v1/raise/{name}")

    assert (response.status_code, problem(response)["code"]) == (status, code)


def test_details_become_members_but_never_replace_the_standard_ones(app: Flask) -> None:
    body = problem(app.test_client().get("/x/v1/raise/reserved"))

    assert (body["seats_left"], body["status"], body["detail"]) == (3, 409, "No.")


def test_an_invalid_request_names_its_fields(app: Flask) -> None:
    body = problem(app.test_client().get("/x/v1/raise/invalid"))

    assert body["detail"] == "This is wrong."
    assert body["errors"] == [{"field": "a.b", "message": "Not a number."}]


def test_what_nobody_expected_is_logged_and_shown_without_its_words(app: Flask) -> None:
    with capture_logs() as logs:
        response = app.test_client().get("/x/v1/raise/broken", headers={"X-Request-Id": "request-1234"})

    assert problem(response)["code"] == "internal"
    assert "swordfish" not in response.text
    assert logs[0]["request_id"] == "request-1234"
    assert "swordfish" in logs[0]["trace"]


def test_an_unreachable_database_is_said_without_its_address(app: Flask) -> None:
    response = app.test_client().get("/x/v1/raise/database")

    assert "password" not in response.text
    assert response.headers["Retry-After"]


def test_retry_after_is_what_the_error_says(app: Flask) -> None:
    assert app.test_client().get("/x/v1/raise/down").headers["Retry-After"] == "30"


def test_a_401_names_the_scheme(app: Flask) -> None:
    assert app.test_client().get("/x/v1/raise/unauthenticated").headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("status", [400, 404, 405, 410, 418, 500])
def test_flasks_own_errors_are_problems_even_where_the_host_handles_that_status(app: Flask, status: int) -> None:
    assert problem(app.test_client().get(f"/x/v1/abort/{status}"))["status"] == status


def test_validation_errors_are_flat_and_say_where(app: Flask) -> None:
    wrong = {"price": {"amount": 1.5, "currency": "EURO"}, "sizes": [1, "2"], "extra": 1}
    body = problem(app.test_client().post("/x/v1/orders", json=wrong))

    assert body["status"] == 422
    assert {error["field"] for error in body["errors"]} == {"name", "price.amount", "price.currency", "sizes.1", "extra"}
    assert all(len(error["message"]) < 80 for error in body["errors"])


@pytest.mark.parametrize(
    ("data", "media_type", "status", "code"),
    [
        (b'{"name": ', "application/json", 400, "bad_json"),
        (b"", "application/json", 400, "bad_json"),
        (b'{"name": NaN}', "application/json", 400, "bad_json"),
        (b'{"name": "\\ud800"}', "application/json", 400, "bad_json"),
        (b'{"name": "\xff"}', "application/json", 400, "bad_json"),
        (b"[" * 100_0, "application/json", 400, "bad_json"),
        (b"[]", "application/json", 422, "invalid"),
        (b"null", "application/json", 422, "invalid"),
        (b"name=a", "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
        (b"", None, 400, "bad_json"),
    ],
)
def test_a_body_that_is_no_json_object_is_refused(app: Flask, data: bytes, media_type: str | None, status: int, code: str) -> None:
    response = app.test_client().post("/x/v1/orders", data=data, content_type=media_type)

    assert (response.status_code, problem(response)["code"]) == (status, code)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({}, 201),
        ({"content_type": "application/json"}, 201),
        ({"json": {"count": 2}}, 201),
        ({"json": {"extra": 2}}, 422),
        ({"data": b"{", "content_type": "application/json"}, 400),
        ({"data": b"count=2", "content_type": "application/x-www-form-urlencoded"}, 415),
        ({"data": b"{}"}, 415),
    ],
)
def test_a_body_that_is_not_required_may_be_left_out_and_is_looked_at_where_it_is_not(
    app: Flask, sent: dict[str, Any], status: int
) -> None:
    assert app.test_client().post("/x/v1/wishes", **sent).status_code == status


def test_a_body_over_the_limit_is_refused_whether_or_not_it_says_its_length(app: Flask) -> None:
    client = app.test_client()
    body = b'{"name": "' + b"a" * 20_000 + b'"}'

    assert problem(client.post("/x/v1/orders", data=body, content_type="application/json"))["status"] == 413
    chunked = {"wsgi.input_terminated": True, "CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked"}
    response = client.post("/x/v1/orders", data=body, content_type="application/json", environ_overrides=chunked)
    assert problem(response)["status"] == 413


def test_unknown_paths_under_the_prefix_are_problems(app: Flask) -> None:
    client = app.test_client()

    assert problem(client.get("/x/v1/nothing"))["code"] == "not_found"
    assert problem(client.get("/x/v1"))["code"] == "not_found"
    assert problem(client.post("/x/v1//orders"))["code"] == "not_found"


def test_a_wrong_method_is_a_problem_that_names_the_right_ones(app: Flask) -> None:
    response = app.test_client().put("/x/v1/orders")

    assert problem(response)["code"] == "method_not_allowed"
    assert "POST" in response.headers["Allow"]


def test_the_hosts_own_errors_and_routes_stay_its_own(app: Flask) -> None:
    client = app.test_client()

    assert client.get("/own").text == "own"
    assert client.get("/nothing").text == "host's 404"
    assert client.get("/x/other").text == "host's 404"
    assert client.get("/x/v10/other").text == "host's 404"
    assert "X-Request-Id" not in client.get("/own").headers
