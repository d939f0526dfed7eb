"""A dinner's photo on its pages: sent by a form that works without JavaScript, and shown."""

from __future__ import annotations

import io
import mimetypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse, encode_multipart

from dinnerkit import Kit
from dinnerkit.accounts.rules import User
from dinnerkit.identity import Role
from dinnerkit.testing import run_background
from tests.photos import files
from tests.web.browser import Browser
from tests.web.conftest import World
from tests.web.markup import faults

Browse = Callable[..., Browser]


def send(browser: Browser, event_id: str, content: bytes, name: str = "me.jpg", button: str = "Show this photo", **values: str) -> str:
    browser.open(f"/hosting/{event_id}/photo")
    return post(browser, event_id, {**browser.form(button).values, **values}, content, name).get_data(as_text=True)


def post(browser: Browser, event_id: str, values: dict[str, str], content: bytes, name: str) -> TestResponse:
    """Sends the form as browsers do; in one piece, since the client of the tests leaves temporary files open."""
    file = {"photo": FileStorage(io.BytesIO(content), name, content_type=mimetypes.guess_type(name)[0])} if name else {}
    boundary, body = encode_multipart({**values, **file})
    kind = f'multipart/form-data; boundary="{boundary}"'
    return browser.client.post(f"/hosting/{event_id}/photo", data=body, content_type=kind, follow_redirects=bool(values))


@contextmanager
def store_away(kit: Kit) -> Iterator[None]:
    """The folder of the photos is not there, as when its disk is unmounted."""
    there = Path(kit.settings.data) / "dinnerkit-media"
    gone = there.rename(there.with_name("unmounted"))
    try:
        yield
    finally:
        gone.rename(there)


def test_a_host_gives_a_photo_and_everybody_sees_it(browse: Browse, world: World, host: User, kit: Kit) -> None:
    event_id = world.event(host)
    browser = browse(host)
    browser.open(f"/hosting/{event_id}")
    browser.follow("Photo")
    page = send(browser, event_id, files.jpeg(1400, 700), alt='A "long" table')
    assert "is being prepared" in page
    run_background(kit)
    browser.open(f"/hosting/{event_id}/photo")
    assert "is being prepared" not in browser.text
    assert not faults(browser.html)
    for path in (f"/events/{event_id}", "/?city=Berlin"):
        reader = browse()
        reader.open(path)
        assert 'alt="A &#34;long&#34; table" width="1280" height="640"' in reader.html
        assert f"/v1/photos/{event_id}/" in reader.html
        assert "320w" in reader.html
        assert not faults(reader.html)
    image = next(part.split()[0] for part in reader.html.split('srcset="')[1:] if event_id in part)
    assert browse().client.get(image).headers["Content-Type"] == "image/webp"


def test_a_photo_without_words_is_told_by_the_dinner_s_name(browse: Browse, world: World, host: User, kit: Kit) -> None:
    event_id = world.event(host, title="Supper & song")
    send(browse(host), event_id, files.jpeg())
    run_background(kit)
    reader = browse()
    reader.open(f"/events/{event_id}")
    assert 'alt="A photo for Supper &amp; song"' in reader.html


def test_what_is_refused_is_told_to_the_host(browse: Browse, world: World, host: User, kit: Kit) -> None:
    event_id = world.event(host)
    browser = browse(host)
    send(browser, event_id, files.HTML)
    run_background(kit)
    browser.open(f"/hosting/{event_id}/photo")
    assert "no photo could be made. It is no JPEG, PNG or WebP picture" in browser.text
    browser.send("Forget what I sent")
    assert "has no photo" in browser.text


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        (b"", "", "Choose a file first"),
        (files.SVG, "me.svg", "A photo is a JPEG, PNG or WebP picture"),
        (b"", "me.jpg", "The file is empty"),
        (bytes(10_485_761), "me.jpg", "A photo has at most 10 MiB"),
    ],
)
def test_what_can_be_none_is_told_at_once(browse: Browse, world: World, host: User, content: bytes, name: str, words: str) -> None:
    assert words in send(browse(host), world.event(host), content, name)


def test_it_is_replaced_and_taken_away(browse: Browse, world: World, host: User, kit: Kit) -> None:
    event_id = world.event(host)
    browser = browse(host)
    send(browser, event_id, files.jpeg())
    run_background(kit)
    send(browser, event_id, files.jpeg(400, 400), button="Show this one instead")
    run_background(kit)
    browser.open(f"/events/{event_id}")
    assert 'width="320" height="320"' in browser.html
    browser.open(f"/hosting/{event_id}/photo")
    browser.send("Show no photo")
    browser.open(f"/events/{event_id}")
    assert "<img" not in browser.html


def test_others_have_no_such_page(browse: Browse, world: World, host: User) -> None:
    event_id = world.event(host)
    form = browse(host)
    form.open(f"/hosting/{event_id}/photo")
    assert browse(world.user(Role.HOST)).open(f"/hosting/{event_id}/photo").status_code == 404
    assert browse(world.user()).open(f"/hosting/{event_id}/photo").status_code == 403
    answer = post(browse(), event_id, {}, bytes(5_000_000), "me.jpg")
    assert (answer.status_code, answer.location.partition("?")[0]) == (303, "/login")


def test_without_their_store_pages_go_on(browse: Browse, world: World, host: User, kit: Kit) -> None:
    event_id = world.event(host)
    browser = browse(host)
    send(browser, event_id, files.jpeg())
    run_background(kit)
    with store_away(kit):
        told = send(browser, event_id, files.jpeg(), button="Show this one instead")
        assert "kept or shown at the moment" in told
        reader = browse()
        assert reader.open(f"/events/{event_id}").status_code == 200
        assert "Supper by the river" in reader.text
