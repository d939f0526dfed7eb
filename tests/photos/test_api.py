"""Photos over HTTP: sent by hosts, shown to everybody, and nothing of them taken for anything else."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image

from dinnerkit import Dinnerkit, Kit, Settings
from dinnerkit.accounts.service import AccountService
from dinnerkit.accounts.sign_in import SignInService
from dinnerkit.events.service import EventService
from dinnerkit.identity import Principal, Role
from dinnerkit.ids import new_id
from dinnerkit.photos.service import PhotoFiles, PhotoService
from dinnerkit.testing import run_background, settings_for_tests
from tests.conftest import with_database
from tests.photos import files
from tests.photos.conftest import DirectMedia
from tests.web.conftest import dinner
from tests.web.test_photos import store_away

PASSWORD = "correct horse battery staple"
MOST = 100_000


@pytest.fixture(scope="module")
def kit(mongo_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kit]:
    url = with_database(mongo_url, f"test-{uuid4().hex}")
    with Kit.open(Settings(**settings_for_tests(url, tmp_path_factory.mktemp("kit"), max_photo_bytes=MOST))) as opened:
        yield opened
        opened.database.client.drop_database(opened.database.name)


@pytest.fixture
def client(kit: Kit) -> FlaskClient:
    app = Flask("host")
    Dinnerkit(app, kit=kit, url_prefix="/dinners")
    return app.test_client()


@pytest.fixture(scope="module")
def host(kit: Kit) -> tuple[Principal, dict[str, str]]:
    email = f"{new_id()}@example.test"
    user = kit.service(AccountService).create_user(email=email, name="Hanna", password=PASSWORD, role=Role.HOST)
    token = kit.service(SignInService).login(email, PASSWORD).access_token
    return Principal(user.id, Role.HOST), {"Authorization": f"Bearer {token}"}


@pytest.fixture
def event(kit: Kit, host: tuple[Principal, dict[str, str]]) -> str:
    events = kit.service(EventService)
    event_id = events.create(host[0], dinner())["id"]
    events.publish(host[0], event_id)
    return event_id


def put(client: FlaskClient, host: tuple[Principal, dict[str, str]], event: str, content: bytes, **more: Any) -> Any:
    options = {"content_type": "image/jpeg", **more}
    return client.put(f"/dinners/v1/events/{event}/photo", data=content, headers={**host[1], **options.pop("headers", {})}, **options)


def direct(kit: Kit) -> DirectMedia:
    """The same store, as if it took files itself."""
    return DirectMedia(Path(kit.settings.data) / "dinnerkit-media")


def test_a_photo_is_sent_made_and_shown(client: FlaskClient, kit: Kit, host: Any, event: str):
    sent = put(client, host, event, files.with_gps(6), query_string={"alt": "A long table"})
    assert sent.status_code == 202
    assert (sent.json["photo"], sent.json["upload"]["state"]) == (None, "processing")
    run_background(kit)
    shown = client.get(f"/dinners/v1/events/{event}")
    photo = shown.json["photo"]
    assert (photo["alt"], [size["width"] for size in photo["sizes"]]) == ("A long table", [320])  # it was held upright: 600 by 800
    listed = client.get("/dinners/v1/events?limit=100").json["items"]
    assert next(one for one in listed if one["id"] == event)["photo"] == photo
    state = client.get(f"/dinners/v1/events/{event}/photo", headers=host[1]).json
    assert state == {"photo": photo, "upload": None}
    answer = client.get(photo["sizes"][0]["url"])
    headers = answer.headers
    assert (answer.status_code, headers["Content-Type"]) == (200, "image/webp")
    assert headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Disposition"] == "inline; filename=photo.webp"
    assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'; sandbox"
    image = Image.open(io.BytesIO(answer.data))
    assert image.size == (photo["sizes"][0]["width"], photo["sizes"][0]["height"])
    assert client.get(photo["sizes"][0]["url"], headers={"If-None-Match": headers["ETag"]}).status_code == 304


def test_what_was_found_shows_its_photo_too(client: FlaskClient, kit: Kit, host: Any):
    events = kit.service(EventService)
    event = events.create(host[0], dinner(title="Xylophone supper"))["id"]
    events.publish(host[0], event)
    put(client, host, event, files.jpeg())
    run_background(kit)
    (found,) = client.get("/dinners/v1/search/events?q=xylophone").json["items"]
    assert found["photo"] == client.get(f"/dinners/v1/events/{event}").json["photo"]
    assert found["photo"]["sizes"][0]["url"].startswith("/dinners/v1/photos/")


def test_a_file_that_is_refused_says_why(client: FlaskClient, kit: Kit, host: Any, event: str):
    put(client, host, event, files.HTML)
    run_background(kit)
    upload = client.get(f"/dinners/v1/events/{event}/photo", headers=host[1]).json["upload"]
    assert (upload["state"], upload["code"]) == ("refused", "not_an_image")
    assert "JPEG" in upload["message"]
    assert client.get(f"/dinners/v1/events/{event}").json["photo"] is None


@pytest.mark.parametrize(
    ("content", "content_type", "status", "code"),
    [
        (bytes(MOST + 1), "image/jpeg", 413, "photo_too_large"),
        (bytes(MOST + 100_000), "image/jpeg", 413, "too_large"),
        (files.SVG, "image/svg+xml", 422, "not_a_photo_type"),
        (b"", "image/jpeg", 422, "invalid"),
    ],
)
def test_what_can_be_no_photo_is_refused_at_once(
    client: FlaskClient, host: Any, event: str, content: bytes, content_type: str, status: int, code: str
):
    answer = put(client, host, event, content, content_type=content_type)
    assert (answer.status_code, answer.json["code"]) == (status, code)


def test_other_routes_take_no_more_than_before(client: FlaskClient, host: Any):
    answer = client.post("/dinners/v1/events", data=b"{" + b" " * 262_144, content_type="application/json", headers=host[1])
    assert answer.status_code == 413


def test_the_same_photo_sent_again_is_one(client: FlaskClient, kit: Kit, host: Any, event: str):
    key = {"Idempotency-Key": new_id()}
    first, again = (put(client, host, event, files.jpeg(), headers=key) for _ in range(2))
    assert (again.data, again.headers["Idempotent-Replayed"]) == (first.data, "true")
    assert put(client, host, event, files.jpeg(400, 400), headers=key).json["code"] == "idempotency_mismatch"


def test_it_is_taken_away(client: FlaskClient, kit: Kit, host: Any, event: str):
    put(client, host, event, files.jpeg())
    run_background(kit)
    url = client.get(f"/dinners/v1/events/{event}").json["photo"]["sizes"][0]["url"]
    assert client.delete(f"/dinners/v1/events/{event}/photo", headers=host[1]).status_code == 204
    run_background(kit)
    assert client.get(f"/dinners/v1/events/{event}").json["photo"] is None
    assert client.get(url).status_code == 404


@pytest.mark.parametrize(
    "path", ["x/y/320", "{e}/{e}/0320", "{e}/{e}/99999", "{e}/{e}/-1", "{e}/{e}/..%2f320", "{e}/..%2f..%2f/320", "{e}/{e}/٣٢٠"]
)
def test_addresses_that_are_none_are_404(client: FlaskClient, path: str):
    assert client.get(f"/dinners/v1/photos/{path.format(e=new_id())}.webp").status_code == 404


def test_a_store_without_forms_has_it_sent_through_the_app(client: FlaskClient, host: Any, event: str):
    asked = client.post(f"/dinners/v1/events/{event}/photo/uploads", json={"content_type": "image/jpeg", "size": 10}, headers=host[1])
    assert asked.status_code == 201
    assert (asked.json["method"], asked.json["url"], asked.json["fields"]) == ("PUT", f"/dinners/v1/events/{event}/photo", {})
    told = client.post(f"/dinners/v1/events/{event}/photo/uploads/{asked.json['id']}", json={}, headers=host[1])
    assert (told.status_code, told.json["code"]) == (409, "upload_missing")


def test_a_store_with_forms_has_it_sent_to_itself(client: FlaskClient, kit: Kit, host: Any, event: str, monkeypatch: pytest.MonkeyPatch):
    media = direct(kit)
    monkeypatch.setattr(kit.service(PhotoService), "_media", media)
    asked = client.post(f"/dinners/v1/events/{event}/photo/uploads", json={"content_type": "image/jpeg", "size": 10}, headers=host[1]).json
    assert (asked["method"], asked["url"]) == ("POST", "https://store.test/")
    media.put(asked["fields"]["key"], files.jpeg(), "image/jpeg")
    told = client.post(f"/dinners/v1/events/{event}/photo/uploads/{asked['id']}", json={"alt": "Soup"}, headers=host[1])
    assert (told.status_code, told.json["upload"]["state"]) == (202, "processing")
    run_background(kit)
    assert client.get(f"/dinners/v1/events/{event}").json["photo"]["alt"] == "Soup"


def test_a_store_that_hands_out_itself_is_where_the_reader_is_sent(client: FlaskClient, kit: Kit, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(kit.service(PhotoFiles), "_media", direct(kit))
    event, photo = new_id(), new_id()
    answer = client.get(f"/dinners/v1/photos/{event}/{photo}/640.webp")
    assert (answer.status_code, answer.location) == (302, f"https://cdn.test:8443/photos/{event}/{photo}/640.webp?for=7200")
    assert answer.headers["Cache-Control"] == "public, max-age=3600"


def test_without_its_store_everything_else_goes_on(client: FlaskClient, kit: Kit, host: Any, event: str):
    put(client, host, event, files.jpeg())
    run_background(kit)
    with store_away(kit):
        shown = client.get(f"/dinners/v1/events/{event}")
        assert shown.status_code == 200
        answer = client.get(shown.json["photo"]["sizes"][0]["url"])
        assert (answer.status_code, answer.json["code"], answer.headers["Retry-After"]) == (503, "photos_unavailable", "5")
        answer = put(client, host, event, files.jpeg())
        assert (answer.status_code, answer.json["code"]) == (503, "photos_unavailable")
        ready = client.get("/dinners/health/ready")
        assert (ready.status_code, ready.json["backends"]["media"]["state"]) == (200, "down")
        assert 'dinnerkit_backend_up{backend="media"} 0.0' in client.get("/dinners/metrics").text


def test_an_app_without_the_photos_routes_shows_none(kit: Kit, host: Any, event: str, client: FlaskClient, tmp_path: Path):
    put(client, host, event, files.jpeg())
    run_background(kit)
    app = Flask("other")
    Dinnerkit(app, kit=kit, modules=["events"])
    assert app.test_client().get(f"/v1/events/{event}").json["photo"] is None
