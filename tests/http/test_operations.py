from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from prometheus_client.core import GaugeMetricFamily

from dinnerkit.errors import Unavailable
from dinnerkit.http.blueprint import ApiBlueprint
from dinnerkit.http.fields import TextField
from dinnerkit.http.health import Probe
from dinnerkit.http.schemas import StrictSchema

rooms = ApiBlueprint("rooms", __name__, description="Rooms.")


class RoomSchema(StrictSchema):
    name = TextField(20, required=True)
    note = TextField(20, allow_none=True)


@rooms.route("/rooms/<room_id>", methods=["GET", "PATCH"])
@rooms.arguments(RoomSchema(partial=True))
@rooms.response(200, RoomSchema)
def room(body: Any, room_id: str) -> Any:
    """Show a room."""
    return body


class QueueLength:
    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield GaugeMetricFamily("dinnerkit_queue_length", "Waiting.", value=7)


def down() -> None:
    raise Unavailable("connection to mongodb://user:secret@host refused")


def test_live_says_that_the_process_answers(make_app: Any) -> None:
    assert make_app().test_client().get("/x/health/live").json == {"status": "alive"}


def test_ready_names_each_backend_its_state_and_latency(make_app: Any) -> None:
    response = make_app(probes={"database": Probe(lambda: None)}).test_client().get("/x/health/ready")

    assert (response.status_code, response.json["status"]) == (200, "ready")
    assert response.json["backends"]["database"]["state"] == "up"
    assert response.json["backends"]["database"]["latency_ms"] >= 0


def test_a_needed_backend_that_is_down_is_a_503_without_its_secrets(make_app: Any) -> None:
    probes = {"database": Probe(down), "cache": Probe(lambda: None, needed=False)}
    response = make_app(probes=probes).test_client().get("/x/health/ready")

    assert (response.status_code, response.json["status"]) == (503, "unready")
    assert response.json["backends"]["cache"]["state"] == "up"
    assert "secret" not in response.text


def test_without_a_backend_that_is_not_needed_the_app_is_degraded(make_app: Any) -> None:
    response = make_app(probes={"cache": Probe(down, needed=False)}).test_client().get("/x/health/ready")

    assert (response.status_code, response.json["status"]) == (200, "degraded")


def test_what_a_person_should_look_at_is_a_warning_and_no_outage(make_app: Any) -> None:
    response = make_app(warnings=lambda: ["3 dead letters wait"]).test_client().get("/x/health/ready")

    assert (response.status_code, response.json["status"]) == (200, "degraded")
    assert response.json["warnings"] == ["3 dead letters wait"]


def test_metrics_count_requests_by_route_and_status_and_ask_the_collectors(make_app: Any) -> None:
    client = make_app(rooms, collectors=[QueueLength()]).test_client()
    for number in range(3):
        client.patch(f"/x/v1/rooms/{number}", json={"name": "Blue"})
    client.patch("/x/v1/rooms/1", json={"name": 5})
    client.get("/x/v1/nothing")

    text = client.get("/x/metrics").text

    assert 'dinnerkit_http_requests_total{method="PATCH",route="/x/v1/rooms/<room_id>",status="200"} 3.0' in text
    assert 'dinnerkit_http_requests_total{method="PATCH",route="/x/v1/rooms/<room_id>",status="422"} 1.0' in text
    assert 'dinnerkit_http_requests_total{method="GET",route="unknown",status="404"} 1.0' in text
    assert 'dinnerkit_http_request_seconds_count{method="PATCH",route="/x/v1/rooms/<room_id>"} 4.0' in text
    assert "dinnerkit_queue_length 7.0" in text


def test_invented_methods_make_no_new_series(make_app: Any) -> None:
    client = make_app(rooms).test_client()
    for method in ("BREW", "WHEN"):
        client.open("/x/v1/rooms/1", method=method)

    text = client.get("/x/metrics").text

    assert "BREW" not in text
    assert 'method="other"' in text


COUNTING = """
import sys
from flask import Flask, Response
from dinnerkit.http.metrics import Metrics
app = Flask("counting")
metrics = Metrics()
with app.test_request_context("/"):
    metrics.observe(Response("ok"), 0.01)
    sys.stdout.write(metrics.page().get_data(as_text=True))
"""


def test_several_processes_show_one_sum(tmp_path: Path) -> None:
    environ = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    pages = [subprocess.run([sys.executable, "-c", COUNTING], env=environ, capture_output=True, text=True, check=True).stdout for _ in "ab"]

    assert 'dinnerkit_http_requests_total{method="GET",route="unknown",status="200"} 2.0' in pages[1]


def test_the_document_is_openapi_31_and_describes_every_route(make_app: Any) -> None:
    client = make_app(rooms).test_client()
    response = client.get("/x/openapi.json")
    document = response.json

    assert document["openapi"] == "3.1.0"
    assert document["paths"].keys() == {
        "/x/v1/rooms/{room_id}",
        "/x/health/live",
        "/x/health/ready",
        "/x/metrics",
        "/x/openapi.json",
        "/x/docs",
    }
    assert {tag["name"] for tag in document["tags"]} == {"rooms", "operations", "docs"}
    assert client.get("/x/openapi.json", headers={"If-None-Match": response.headers["ETag"]}).status_code == 304


def test_operations_have_ids_tags_and_problems(make_app: Any) -> None:
    operation = make_app(rooms).test_client().get("/x/openapi.json").json["paths"]["/x/v1/rooms/{room_id}"]["patch"]

    assert operation["operationId"] == "rooms_room_patch"
    assert operation["tags"] == ["rooms"]
    assert operation["summary"] == "Show a room."
    assert operation["responses"]["default"] == {"$ref": "#/components/responses/DEFAULT_ERROR"}


def test_a_part_of_a_schema_does_not_stand_in_for_the_whole(make_app: Any) -> None:
    document = make_app(rooms).test_client().get("/x/openapi.json").json
    body = document["paths"]["/x/v1/rooms/{room_id}"]["patch"]["requestBody"]["content"]["application/json"]["schema"]

    assert "required" not in body
    assert document["components"]["schemas"]["Room"]["required"] == ["name"]
    assert document["components"]["schemas"]["Room"]["additionalProperties"] is False
    problem = document["components"]["responses"]["DEFAULT_ERROR"]["content"]
    assert problem.keys() == {"application/problem+json"}


def test_the_docs_page_needs_nothing_from_elsewhere(make_app: Any) -> None:
    client = make_app(rooms).test_client()
    page = client.get("/x/docs")
    sources = [part.split('"')[0] for part in page.text.replace('src="', 'href="').split('href="')[1:]]

    assert page.mimetype == "text/html"
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    assert len(sources) == 4
    for source in sources:
        assert source.startswith("/x/docs/")
        with client.get(source) as response:
            assert response.status_code == 200
    assert "/x/openapi.json" in client.get("/x/docs/start.js").text


@pytest.mark.parametrize("name", ["../__init__.py", "index.css", "%2e%2e%2fflask_swagger_ui.py"])
def test_only_the_pages_own_files_are_given(make_app: Any, name: str) -> None:
    assert make_app().test_client().get(f"/x/docs/assets/{name}").status_code == 404


def test_two_apps_in_one_process_do_not_share_anything(make_app: Any) -> None:
    first, second = make_app(rooms), make_app(rooms)
    first.test_client().get("/x/v1/nothing")

    assert 'route="unknown"' not in second.test_client().get("/x/metrics").text


def test_one_app_takes_one_dinnerkit(make_app: Any) -> None:
    from dinnerkit.http.mount import current_mount, install

    app: Flask = make_app()
    with app.app_context(), pytest.raises(RuntimeError, match="already"):
        install(app, current_mount())
