from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from dinnerkit.http.blueprint import ApiBlueprint
from dinnerkit.http.conditional import private_json, public_json
from dinnerkit.http.public_answers import encode

menu = ApiBlueprint("menu", __name__)


@menu.route("/menu")
@menu.response(200)
def public() -> Any:
    return public_json({"dish": "soup"}, max_age=30)


@menu.route("/kept")
@menu.response(200)
def kept() -> Any:
    return public_json(encode(b'{"dish":"soup"}'))


@menu.route("/bill")
@menu.response(200)
def private() -> Any:
    return private_json({"sum": 1})


@menu.route("/plain")
@menu.response(200)
def plain() -> Any:
    return {"sum": 1}


@pytest.fixture
def app(make_app: Any) -> Flask:
    return make_app(menu)


def test_a_public_answer_has_a_strong_etag_and_may_be_cached(app: Flask) -> None:
    response = app.test_client().get("/x/v1/menu")

    assert response.json == {"dish": "soup"}
    assert response.headers["ETag"].startswith('"')
    assert response.headers["Cache-Control"] == "public, max-age=30, must-revalidate"


def test_the_etag_is_that_of_the_bytes(app: Flask) -> None:
    client = app.test_client()

    assert client.get("/x/v1/menu").headers["ETag"] == client.get("/x/v1/kept").headers["ETag"]


@pytest.mark.parametrize("template", ["{0}", "W/{0}", '"other", {0}', "*"])
def test_who_has_the_answer_gets_an_empty_304(app: Flask, template: str) -> None:
    client = app.test_client()
    etag = client.get("/x/v1/menu").headers["ETag"]

    response = client.get("/x/v1/menu", headers={"If-None-Match": template.format(etag)})

    assert (response.status_code, response.data) == (304, b"")
    assert response.headers["ETag"] == etag
    assert "max-age=30" in response.headers["Cache-Control"]


@pytest.mark.parametrize("sent", ['"other"', "nonsense", ""])
def test_who_has_another_answer_gets_the_new_one(app: Flask, sent: str) -> None:
    assert app.test_client().get("/x/v1/menu", headers={"If-None-Match": sent}).json == {"dish": "soup"}


def test_head_has_the_headers_alone(app: Flask) -> None:
    client = app.test_client()
    response = client.head("/x/v1/menu")

    assert response.data == b""
    assert response.headers["ETag"] == client.get("/x/v1/menu").headers["ETag"]


@pytest.mark.parametrize("path", ["bill", "plain"])
def test_what_is_not_said_to_be_public_is_kept_by_no_cache(app: Flask, path: str) -> None:
    assert app.test_client().get(f"/x/v1/{path}").headers["Cache-Control"] == "private, no-store"
