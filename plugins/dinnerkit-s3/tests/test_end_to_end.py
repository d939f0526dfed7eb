"""A dinner's photo, from the host's browser to the store, through a worker, and back to everybody."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from flask.testing import FlaskClient
from PIL import Image

from dinnerkit import Kit, Settings, create_app
from dinnerkit.accounts.service import AccountService
from dinnerkit.accounts.sign_in import SignInService
from dinnerkit.events.service import EventService
from dinnerkit.identity import Principal, Role
from dinnerkit.ids import new_id
from dinnerkit.testing import run_background, settings_for_tests
from tests.conftest import with_database
from tests.photos import files
from tests.web.conftest import dinner

PASSWORD = "correct horse battery staple"


@pytest.fixture(params=["", "&direct=yes"], ids=["through the app", "direct"])
def kit(request: pytest.FixtureRequest, mongo_url: str, tmp_path: Path, place: str) -> Iterator[Kit]:
    settings = settings_for_tests(
        with_database(mongo_url, f"test-{new_id()}"), tmp_path, media=place + request.param, max_photo_bytes=100_000
    )
    with Kit.open(Settings(**settings)) as opened:
        yield opened
        opened.database.client.drop_database(opened.database.name)


class Host:
    """A host with a dinner, and a client of the API."""

    def __init__(self, kit: Kit) -> None:
        self.client: FlaskClient = create_app(kit=kit).test_client()
        email = f"{new_id()}@example.test"
        user = kit.service(AccountService).create_user(email=email, name="Hanna", password=PASSWORD, role=Role.HOST)
        token = kit.service(SignInService).login(email, PASSWORD).access_token
        self.headers = {"Authorization": f"Bearer {token}"}
        principal, events = Principal(user.id, Role.HOST), kit.service(EventService)
        self.event = events.create(principal, dinner())["id"]
        events.publish(principal, self.event)

    def ask(self, size: int, content_type: str = "image/jpeg") -> Any:
        body = {"content_type": content_type, "size": size}
        return self.client.post(f"/v1/events/{self.event}/photo/uploads", json=body, headers=self.headers).json

    def sent(self, asked: Any, content: bytes, content_type: str = "image/jpeg") -> Any:
        """Does what it was told to do with the file, and tells of it."""
        if asked["method"] == "PUT":
            return self.client.put(asked["url"], data=content, content_type=content_type, headers=self.headers)
        form = {**asked["fields"], "Content-Type": content_type}
        requests.post(asked["url"], data=form, files={"file": ("me", content, content_type)}, timeout=30).raise_for_status()
        return self.client.post(f"/v1/events/{self.event}/photo/uploads/{asked['id']}", json={}, headers=self.headers)


@pytest.fixture
def host(kit: Kit) -> Host:
    return Host(kit)


def test_a_photo_is_sent_made_and_shown(kit: Kit, host: Host):
    content = files.with_gps()
    assert host.sent(host.ask(len(content)), content).status_code == 202
    run_background(kit)
    photo = host.client.get(f"/v1/events/{host.event}").json["photo"]
    assert [size["width"] for size in photo["sizes"]] == [320, 640]
    answer = host.client.get(photo["sizes"][1]["url"])
    shown = requests.get(answer.location, timeout=30).content if answer.status_code == 302 else answer.data
    image = Image.open(io.BytesIO(shown))
    assert (image.format, image.size) == ("WEBP", (640, 480))
    assert files.SECRET.encode() not in shown
    assert all(info.key.startswith("photos/") for info in kit.backends.media.listed())


@pytest.mark.parametrize(
    ("content", "content_type", "code"), [(bytes(100_001), "image/jpeg", "photo_too_large"), (files.HTML, "text/html", "not_a_photo_type")]
)
def test_what_a_store_takes_that_it_should_not_is_no_photo_and_goes(kit: Kit, host: Host, content: bytes, content_type: str, code: str):
    """moto does not look at what a form allows; a store that does refuses it by itself."""
    refused = host.sent(host.ask(10), content, content_type)
    assert refused.json["code"] == code
    run_background(kit)
    assert kit.backends.media.listed() == []
    assert host.client.get(f"/v1/events/{host.event}").json["photo"] is None
