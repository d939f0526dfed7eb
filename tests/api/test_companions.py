"""Those whom guests bring, over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from dinnerkit import Kit
from dinnerkit.matching.people.items import ITEMS
from tests.fire.dinners import host_dinner

MakeCaller = Callable[..., Any]
ANSWERS = {item.id: 4 for item in ITEMS}


@pytest.fixture
def booking(client: FlaskClient, kit: Kit, caller: MakeCaller) -> tuple[str, dict[str, str]]:
    """The address of a booking for three, and the headers of its guest."""
    guest = caller("guest").headers
    made = client.post("/v1/bookings", json={"event_id": host_dinner(kit, seats=4), "guests": 3}, headers=guest).get_json()
    return f"/v1/bookings/{made['id']}", guest


def test_they_are_named_and_answer_by_a_private_link(client: FlaskClient, booking: tuple[str, dict[str, str]]) -> None:
    address, guest = booking
    named = client.put(f"{address}/companions", json={"companions": [{"name": "Bea", "diets": ["nuts"]}, {"name": "Carl"}]}, headers=guest)
    assert named.get_json()["companions"] == [
        {"name": "Bea", "diets": ["nuts"], "answered": False},
        {"name": "Carl", "diets": [], "answered": False},
    ]
    made = client.post(f"{address}/companions/2/link", headers=guest)
    assert made.status_code == 201
    link = made.get_json()
    assert link["url"].endswith(f"/companions/{link['token']}")
    assert link["expires_at"] == named.get_json()["event"]["starts_at"]

    answered = client.put("/v1/companions/personality", json={"token": link["token"], "answers": ANSWERS})
    assert answered.status_code == 204
    shown = client.get(address, headers=guest).get_json()
    assert [one["answered"] for one in shown["companions"]] == [False, True]
    assert "traits" not in str(shown)


def test_what_is_wrong_is_named(client: FlaskClient, booking: tuple[str, dict[str, str]]) -> None:
    address, guest = booking
    for companions, field in (
        ([{"name": "A"}] * 3, "companions"),
        ([{"name": " "}], "companions.0.name"),
        ([{"name": "A", "diets": ["x" * 200]}], "companions.0.diets.0"),
        ([{"name": "A", "traits": {}}], "companions.0.traits"),
    ):
        answer = client.put(f"{address}/companions", json={"companions": companions}, headers=guest)
        assert (answer.status_code, [error["field"] for error in answer.get_json()["errors"]]) == (422, [field])
    for number in ("0", "1", "99"):
        assert client.post(f"{address}/companions/{number}/link", headers=guest).status_code == 404
    answer = client.put("/v1/companions/personality", json={"token": "x", "answers": ANSWERS})
    assert (answer.status_code, answer.get_json()["code"]) == (401, "bad_token")
    answer = client.put("/v1/companions/personality", json={"token": "x", "answers": {}})
    assert answer.status_code == 401
    client.put(f"{address}/companions", json={"companions": [{"name": "Bea"}]}, headers=guest)
    token = client.post(f"{address}/companions/1/link", headers=guest).get_json()["token"]
    answer = client.put("/v1/companions/personality", json={"token": token, "answers": {}})
    assert (answer.status_code, answer.get_json()["code"]) == (422, "bad_answers")
