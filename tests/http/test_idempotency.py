from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event
from typing import Any
from unittest.mock import Mock

import pytest
from flask import Flask, Response
from flask.testing import FlaskClient
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import AutoReconnect
from werkzeug.test import TestResponse

from dinnerkit.errors import Conflict
from dinnerkit.http.auth import authenticated
from dinnerkit.http.blueprint import ApiBlueprint
from dinnerkit.http.fields import TextField
from dinnerkit.http.idempotency import idempotent, operation_id
from dinnerkit.http.idempotency_store import LEASE, Attempt, IdempotencyRecord, IdempotencyStore, KeptAnswer
from dinnerkit.http.schemas import StrictSchema
from dinnerkit.ids import is_id
from dinnerkit.storage import to_row
from tests.waiting import DEADLINE

Database_ = Database[dict[str, Any]]


class NoteSchema(StrictSchema):
    text = TextField(100, required=True)


class Behaviour:
    """What the route does; set by a test."""

    def __init__(self) -> None:
        self.operations: list[str] = []
        self.answers: Iterator[Any] = iter(())

    def run(self) -> Any:
        self.operations.append(operation_id())
        answer = next(self.answers, None)
        if isinstance(answer, Exception):
            raise answer
        return answer() if callable(answer) else answer


notes = ApiBlueprint("notes", __name__)
behaviour = Behaviour()


@notes.route("/notes", methods=["POST"])
@authenticated
@idempotent
@notes.arguments(NoteSchema)
@notes.response(201)
def add(body: dict[str, str]) -> Any:
    found = behaviour.run()
    return found or ({"text": body["text"], "operation": operation_id()}, 201, {"Location": f"/notes/{operation_id()}"})


@notes.route("/open", methods=["POST"])
@idempotent
@notes.response(201)
def add_openly() -> Any:
    return {"operation": operation_id()}


@pytest.fixture(autouse=True)
def _fresh_behaviour() -> None:
    behaviour.__init__()  # type: ignore[misc]


@pytest.fixture
def client(make_app: Any, store: IdempotencyStore) -> FlaskClient:
    app: Flask = make_app(notes, services={IdempotencyStore: store})
    return app.test_client()


def post(client: FlaskClient, key: str | None = "key-1", *, text: str = "a", user: str = "anna", **options: Any) -> TestResponse:
    headers = {"Authorization": f"Bearer guest:{user}", **({} if key is None else {"Idempotency-Key": key})}
    return client.post("/x/v1/notes", json={"text": text}, headers=headers, **options)


def test_the_same_request_gets_the_first_answer_again_byte_for_byte(client: FlaskClient) -> None:
    first, second = post(client), post(client)

    assert (second.status_code, second.data) == (first.status_code, first.data)
    assert second.headers["Location"] == first.headers["Location"]
    assert second.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["X-Request-Id"] != first.headers["X-Request-Id"]
    assert len(behaviour.operations) == 1


def test_without_a_key_each_request_is_carried_out(client: FlaskClient) -> None:
    first, second = post(client, None), post(client, None)

    assert first.json["operation"] != second.json["operation"]
    assert is_id(first.json["operation"])


def test_an_error_is_an_answer_too(client: FlaskClient) -> None:
    behaviour.answers = iter([Conflict("Sold out.", seats_left=0)])

    first, second = post(client), post(client)

    assert first.status_code == second.status_code == 409
    assert first.data == second.data
    assert second.mimetype == "application/problem+json"
    assert len(behaviour.operations) == 1


def test_a_request_that_was_not_understood_is_answered_the_same_way_again(client: FlaskClient) -> None:
    first, second = post(client, text=""), post(client, text="")

    assert first.status_code == 422
    assert second.data == first.data


@pytest.mark.parametrize("passing", [RuntimeError("broken"), lambda: Response("busy", 429), lambda: Response("down", 503)])
def test_what_is_not_final_is_tried_again_as_the_same_operation(client: FlaskClient, passing: Any) -> None:
    behaviour.answers = iter([passing])

    first, second = post(client), post(client)

    assert first.status_code in {429, 500, 503}
    assert second.status_code == 201
    assert behaviour.operations == [second.json["operation"]] * 2


def test_another_body_with_the_same_key_is_a_mismatch(client: FlaskClient) -> None:
    post(client)

    response = post(client, text="b")

    assert response.status_code == 422
    assert response.get_json(force=True)["code"] == "idempotency_mismatch"


def test_another_route_with_the_same_key_is_a_mismatch(client: FlaskClient) -> None:
    post(client)
    headers = {"Authorization": "Bearer guest:anna", "Idempotency-Key": "key-1"}

    assert client.post("/x/v1/open", json={"text": "a"}, headers=headers).status_code == 422


def test_keys_belong_to_users(client: FlaskClient) -> None:
    assert post(client, user="anna").json["operation"] != post(client, user="ben").json["operation"]


def test_keys_of_strangers_belong_to_their_address(client: FlaskClient) -> None:
    def openly(address: str) -> str:
        headers = {"Idempotency-Key": "key-1"}
        return client.post("/x/v1/open", headers=headers, environ_overrides={"REMOTE_ADDR": address}).json["operation"]

    assert openly("10.0.0.1") == openly("10.0.0.1") != openly("10.0.0.2")


def test_who_is_not_signed_in_gets_no_answer_of_others(client: FlaskClient) -> None:
    post(client)

    assert client.post("/x/v1/notes", json={"text": "a"}, headers={"Idempotency-Key": "key-1"}).status_code == 401


@pytest.mark.parametrize("key", ["", "k" * 256])
def test_a_key_has_from_1_to_255_characters(client: FlaskClient, key: str) -> None:
    response = post(client, key)

    assert response.status_code == 422
    assert response.get_json(force=True)["errors"][0]["field"] == "Idempotency-Key"
    assert post(client, "ключ".encode().decode("latin-1")).status_code == 201
    assert post(client, "k" * 255).status_code == 201


def test_while_the_first_runs_the_second_is_told_so(client: FlaskClient) -> None:
    started, go_on = Event(), Event()

    def slow() -> None:
        started.set()
        assert go_on.wait(DEADLINE)

    behaviour.answers = iter([slow])
    with ThreadPoolExecutor() as pool:
        first = pool.submit(post, client.application.test_client())
        assert started.wait(DEADLINE)
        second = post(client)
        go_on.set()

    assert (second.status_code, second.get_json(force=True)["code"]) == (409, "in_progress")
    assert first.result().status_code == 201
    assert post(client).data == first.result().data


def test_of_many_at_once_one_is_carried_out(client: FlaskClient) -> None:
    with ThreadPoolExecutor(8) as pool:
        responses = list(pool.map(lambda _: post(client.application.test_client()), range(24)))

    assert {response.status_code for response in responses} <= {201, 409}
    assert len({response.data for response in responses if response.status_code == 201}) == 1
    assert len(behaviour.operations) == 1


def test_a_crashed_attempt_is_taken_over_after_its_lease_as_the_same_operation(store: IdempotencyStore, clock: Any) -> None:
    crashed = store.begin("user:anna", "key", "print")
    assert isinstance(crashed, Attempt)
    clock.advance(seconds=LEASE.total_seconds() + 1)

    taken_over = store.begin("user:anna", "key", "print")

    assert isinstance(taken_over, Attempt)
    assert taken_over.operation_id == crashed.operation_id
    store.finish(crashed, KeptAnswer(200, [], b"too late"))
    store.finish(taken_over, KeptAnswer(201, [("Content-Type", "text/plain")], b"done"))
    store.finish(crashed, KeptAnswer(200, [], b"too late"))
    assert store.begin("user:anna", "key", "print") == KeptAnswer(201, [("Content-Type", "text/plain")], b"done")


def test_an_attempt_that_was_taken_over_gives_nothing_free(store: IdempotencyStore, clock: Any) -> None:
    slow = store.begin("user:anna", "key", "print")
    clock.advance(seconds=LEASE.total_seconds() + 1)
    store.begin("user:anna", "key", "print")
    assert isinstance(slow, Attempt)

    store.release(slow)

    with pytest.raises(Conflict):
        store.begin("user:anna", "key", "print")


@pytest.mark.parametrize("answered", [False, True])
def test_an_attempt_that_ended_while_the_database_was_away_is_over_once_it_is_back(
    store: IdempotencyStore, database: Database_, clock: Any, monkeypatch: pytest.MonkeyPatch, answered: bool
) -> None:
    ended = store.begin("user:anna", "key", "print")
    assert isinstance(ended, Attempt)
    with monkeypatch.context() as away:
        away.setattr(Collection, "update_one", Mock(side_effect=AutoReconnect))
        if answered:
            with pytest.raises(AutoReconnect):
                store.finish(ended, KeptAnswer(201, [], b"done"))
        else:
            store.release(ended)
    another_process = IdempotencyStore(database, b"a secret", clock)
    with pytest.raises(Conflict):
        another_process.begin("user:anna", "key", "print")
    store.begin("user:ben", "key", "print")
    again = another_process.begin("user:anna", "key", "print")
    assert isinstance(again, Attempt)
    assert again.operation_id == ended.operation_id


def test_after_a_day_the_key_is_free_even_before_mongodb_has_cleaned_up(store: IdempotencyStore, clock: Any) -> None:
    first = store.begin("user:anna", "key", "print")
    assert isinstance(first, Attempt)
    store.finish(first, KeptAnswer(200, [], b"done"))
    clock.advance(seconds=timedelta(hours=24).total_seconds() + 1)

    second = store.begin("user:anna", "key", "another print")

    assert isinstance(second, Attempt)
    assert second.operation_id != first.operation_id


def test_neither_key_nor_body_is_stored_readably(client: FlaskClient, database: Database_) -> None:
    post(client, "readable-key", text="readable-text")

    record = database["idempotency"].find_one()

    assert record is not None
    assert "readable-key" not in str({name: value for name, value in record.items() if name != "body"})
    assert database["idempotency"].index_information()["expiry"]["expireAfterSeconds"] == 0


def test_the_documentation_tells_of_the_key(client: FlaskClient) -> None:
    operation = client.get("/x/openapi.json").json["paths"]["/x/v1/notes"]["post"]

    assert "Idempotency-Key" in {parameter["name"] for parameter in operation["parameters"]}
    assert operation["responses"].keys() >= {"201", "401", "409", "422"}


def test_an_attempt_is_stored_in_the_shape_that_its_document_class_says(store: IdempotencyStore, database: Database_) -> None:
    store.begin("user:anna", "a key", store.fingerprint(b"a request"))

    row = database["idempotency"].find_one()

    assert row is not None
    assert to_row(IdempotencyRecord._from_son(row)) == row
