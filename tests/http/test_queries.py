"""What a view is given of a query string, which the route remembers of the latest ones."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask, jsonify
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from marshmallow import Schema, ValidationError, fields, validates_schema
from werkzeug.wrappers import Response

from dinnerkit.events.schemas import EventQuerySchema
from dinnerkit.http.blueprint import ApiBlueprint
from dinnerkit.http.queries import QueryReader
from dinnerkit.http.schemas import PageQuery, StrictSchema
from dinnerkit.search.schemas import SearchQuerySchema, SuggestQuerySchema

asking = ApiBlueprint("asking", __name__)


class NamesQuery(StrictSchema):
    names = fields.List(fields.String(), load_default=list)


@asking.route("/pages")
@asking.arguments(PageQuery, location="query")
@asking.response(200)
def pages(wanted: dict[str, Any]) -> Response:
    found = dict(wanted)
    wanted["limit"] = -1  # a view may do what it likes with what it is given
    return jsonify(found)


@asking.route("/names")
@asking.arguments(NamesQuery, location="query")
@asking.response(200)
def names(wanted: dict[str, Any]) -> Response:
    found = list(wanted["names"])
    wanted["names"].append("somebody else's")
    return jsonify(found)


@pytest.fixture
def client(make_app: Any) -> FlaskClient:
    app: Flask = make_app(asking)
    return app.test_client()


def test_what_a_view_does_with_its_arguments_reaches_no_other_request(client: FlaskClient) -> None:
    assert [client.get("/x/v1/pages?limit=7").json for _ in range(3)] == [{"limit": 7, "cursor": None}] * 3
    assert [client.get("/x/v1/names?names=Ana").json for _ in range(3)] == [["Ana"]] * 3


def test_each_query_gets_its_own_arguments(client: FlaskClient) -> None:
    asked = [f"limit={number % 100 + 1}&cursor=c{number}" for number in range(300)]

    for query in [*asked, *asked[:10]]:
        limit, cursor = (part.partition("=")[2] for part in query.split("&"))
        assert client.get(f"/x/v1/pages?{query}").json == {"limit": int(limit), "cursor": cursor}


def test_a_wrong_query_is_wrong_each_time_and_says_so_under_its_own_request_id(client: FlaskClient) -> None:
    answers = [client.get("/x/v1/pages?limit=0", headers={"X-Request-Id": f"request-{number}"}) for number in range(2)]

    assert [answer.status_code for answer in answers] == [422, 422]
    assert [answer.get_json(force=True)["request_id"] for answer in answers] == ["request-0", "request-1"]


def test_a_query_too_long_to_be_remembered_is_read_all_the_same(client: FlaskClient) -> None:
    cursor = "é" * 500

    for _ in range(2):
        assert client.get(f"/x/v1/pages?{urlencode({'cursor': cursor})}").json == {"limit": 20, "cursor": cursor}


def test_of_a_parameter_that_is_given_twice_the_first_counts_or_all_where_the_field_takes_several(client: FlaskClient) -> None:
    assert client.get("/x/v1/pages?limit=3&limit=4").json == {"limit": 3, "cursor": None}
    assert client.get("/x/v1/names?names=Ana&names=Bo").json == ["Ana", "Bo"]


VALUES = (
    "1",
    "20",
    "100",
    "0",
    "-1",
    "x",
    "",
    " ",
    "Lisbon",
    "38.7,-9.1",
    "2026-11-01T12:00:00Z",
    "price",
    "nan",
    "10.5",
    "a\x00b",
    "\u00fc" * 600,
)


@pytest.mark.parametrize("schema", [EventQuerySchema, SearchQuerySchema, SuggestQuerySchema, PageQuery])
@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_query_is_read_as_its_schema_reads_it(schema: type[Schema], data: st.DataObject) -> None:
    names = [field.data_key or name for name, field in schema().fields.items()]
    asked = data.draw(st.dictionaries(st.sampled_from([*names, "unknown"]), st.sampled_from(VALUES), max_size=5))
    reader = QueryReader(schema())
    assert reader._is_plain

    try:
        expected = schema().load(asked)
    except ValidationError:
        with pytest.raises(ValidationError):
            reader.load(asked)
    else:
        assert reader.load(asked) == expected


class Twofold(PageQuery):
    least = fields.Integer(load_default=0)

    @validates_schema
    def _check(self, data: dict[str, Any], **_: Any) -> None:
        if data["least"] > data["limit"]:
            raise ValidationError("too much")


def test_a_schema_that_checks_more_is_asked_itself() -> None:
    assert QueryReader(Twofold()).load({"least": "3"})["least"] == 3
    with pytest.raises(ValidationError):
        QueryReader(Twofold()).load({"least": "3", "limit": "2"})
