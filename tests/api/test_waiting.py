"""The waiting list over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask.testing import FlaskClient

from dinnerkit import Kit
from tests.fire.dinners import host_dinner


def test_a_place_in_line_is_what_is_documented(client: FlaskClient, kit: Kit, caller: Callable[..., Any]) -> None:
    event = host_dinner(kit, seats=1)
    client.post("/v1/bookings", json={"event_id": event}, headers=caller("first").headers)
    headers = caller("second").headers
    answers = [
        client.post(f"/v1/events/{event}/waitlist", headers=headers),
        client.get(f"/v1/events/{event}/waitlist", headers=headers),
    ]
    assert [(answer.status_code, answer.get_json()) for answer in answers] == [
        (201, {"event_id": event, "position": 1}),
        (200, {"event_id": event, "position": 1}),
    ]
    schema = client.get("/openapi.json").get_json()["components"]["schemas"]["PlaceInLine"]
    assert set(schema["required"]) == set(schema["properties"]) == {"event_id", "position"}
