"""A dinner's photo from the host's file to what everybody sees, whatever dies in between."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from dinnerkit.accounts.errors import TooManyAttempts
from dinnerkit.errors import Invalid, Unavailable
from dinnerkit.events.seat_errors import NoSuchEvent
from dinnerkit.ids import new_id
from dinnerkit.photos.decoding import pictures_of
from dinnerkit.photos.errors import NoSuchPhoto, NotAPhotoType, PhotosUnavailable, PhotoTooLarge, UploadMissing
from dinnerkit.photos.rules import photo_key, upload_key
from dinnerkit.photos.service import DOWNLOAD_SECONDS, FORMS_A_HOUR, UPLOADS_A_HOUR, PhotoFiles
from dinnerkit.photos.working import ORPHANED_AFTER, PhotoWork
from dinnerkit.plugins import open_backend
from dinnerkit.ports.media import MediaStore
from tests.photos import files
from tests.photos.conftest import MOST_BYTES, DirectMedia, Studio


def test_a_file_becomes_the_photo_and_goes(studio: Studio):
    photo = studio.sent(files.with_gps(), alt="A long table")
    assert studio.stored() == [upload_key(studio.event, photo)]
    assert studio.outbox() == [("events.photo_uploaded", photo)]
    state = studio.service.state(studio.host, studio.event)
    assert (state.photo, state.upload.state) == (None, "processing")
    studio.work.make(studio.event, photo)
    state = studio.service.state(studio.host, studio.event)
    assert state.upload is None
    assert (state.photo.id, state.photo.alt, state.photo.sizes) == (photo, "A long table", ((320, 240), (640, 480)))
    assert studio.stored() == [photo_key(studio.event, photo, 320), photo_key(studio.event, photo, 640)]
    assert ("events.changed", "") in studio.outbox()
    assert studio.files.get(studio.event, photo, 640).info.content_type == "image/webp"
    with pytest.raises(NoSuchPhoto):
        studio.files.get(studio.event, photo, 1280)


def test_what_is_refused_says_why_and_leaves_what_is_shown(studio: Studio):
    first = studio.sent(files.jpeg())
    studio.work.make(studio.event, first)
    bad = studio.sent(files.HTML)
    studio.work.make(studio.event, bad)
    state = studio.service.state(studio.host, studio.event)
    assert (state.photo.id, state.upload.id, state.upload.state, state.upload.code) == (first, bad, "refused", "not_an_image")
    assert not [key for key in studio.stored() if bad in key]


def test_the_next_photo_takes_the_place_of_the_last_once_it_is_there(studio: Studio):
    first = studio.sent(files.jpeg())
    studio.work.make(studio.event, first)
    second = studio.sent(files.jpeg(400, 400))
    assert studio.shown() == first
    studio.work.make(studio.event, second)
    assert studio.shown() == second
    assert ("events.photo_dropped", first) in studio.outbox()
    studio.work.clean(studio.event, first)
    assert studio.stored() == [photo_key(studio.event, second, 320)]


def test_of_two_files_that_were_sent_the_last_is_wanted_in_whichever_order_they_are_done(studio: Studio):
    first, second = studio.sent(files.jpeg()), studio.sent(files.jpeg(400, 400))
    studio.work.make(studio.event, second)
    studio.work.make(studio.event, first)
    assert studio.shown() == second
    assert studio.stored() == [photo_key(studio.event, second, 320)]


@pytest.mark.parametrize("shown", [True, False], ids=["shown", "on its way"])
def test_what_is_taken_away_is_gone(studio: Studio, shown: bool):
    photo = studio.sent(files.jpeg())
    if shown:
        studio.work.make(studio.event, photo)
    studio.service.remove(studio.host, studio.event)
    assert ("events.photo_dropped", photo) in studio.outbox()
    if not shown:
        studio.work.make(studio.event, photo)
    studio.work.clean(studio.event, photo)
    assert (studio.shown(), studio.stored()) == (None, [])
    studio.service.remove(studio.host, studio.event)


def test_each_step_may_be_done_twice(studio: Studio):
    photo = studio.sent(files.jpeg())
    for _ in range(2):
        studio.work.make(studio.event, photo)
        studio.work.clean(studio.event, photo)
    assert studio.shown() == photo
    assert len(studio.stored()) == 2
    told = studio.outbox()
    assert told.count(("events.changed", "")) == 1


class Killed(BaseException):
    """In place of SIGKILL, before or after a call of the store."""


class Deadly:
    """A store at whose so-many-th moment the process dies; each call has one before it is done and one after."""

    def __init__(self, media: MediaStore, moment: int) -> None:
        self._media = media
        self._left = moment

    def __getattr__(self, name: str) -> Any:
        def call(*args: Any, **options: Any) -> Any:
            self._live()
            answer = getattr(self._media, name)(*args, **options)
            self._live()
            return answer

        return call

    def _live(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise Killed


def test_a_worker_that_is_killed_anywhere_is_followed_by_one_that_ends_it(studio: Studio):
    ended, moment = False, 0
    while not ended:
        photo = studio.sent(files.jpeg(320, 240))
        dying = PhotoWork(studio.photos, Deadly(studio.media, moment), pictures_of, studio.clock, MOST_BYTES)
        try:
            dying.make(studio.event, photo)
        except Killed:
            studio.work.make(studio.event, photo)
        else:
            ended = True
        assert studio.shown() == photo, moment
        assert [key for key in studio.stored() if photo in key] == [photo_key(studio.event, photo, 320)], moment
        moment += 1
        studio.clock.advance(hours=2)
    assert moment > 8


def test_a_store_that_is_away_is_tried_again_and_refuses_nothing(studio: Studio, monkeypatch: pytest.MonkeyPatch):
    photo = studio.sent(files.jpeg())

    def away(*_: object) -> None:
        raise Unavailable("media: away")

    with monkeypatch.context() as patched:
        patched.setattr(studio.media, "put", away)
        with pytest.raises(Unavailable):
            studio.work.make(studio.event, photo)
    assert studio.photos.of(studio.event).upload.state == "processing"
    studio.work.make(studio.event, photo)
    assert studio.shown() == photo


def test_orphans_are_swept_once_they_are_a_day_old_and_nothing_else(studio: Studio):
    shown = studio.sent(files.jpeg())
    studio.work.make(studio.event, shown)
    waiting = studio.sent(files.jpeg())
    gone = new_id()
    orphans = [
        upload_key(studio.event, new_id()),
        upload_key(studio.event, shown),
        upload_key(gone, new_id()),
        photo_key(studio.event, new_id(), 320),
        photo_key(gone, new_id(), 640),
    ]
    for key in orphans:
        studio.media.put(key, b"a", "image/webp")
    studio.media.put("somebody/else", b"a", "image/webp")
    assert studio.work.sweep() == 0
    studio.clock.now += ORPHANED_AFTER + timedelta(minutes=1)
    assert studio.work.sweep() == len(orphans)
    kept = {photo_key(studio.event, shown, width) for width in (320, 640)} | {upload_key(studio.event, waiting), "somebody/else"}
    assert set(studio.stored()) == kept


def test_a_file_that_is_no_photo_by_its_type_or_size_is_not_taken(studio: Studio):
    for content_type in ("image/gif", "image/svg+xml", "text/html", "", "image/jpeg; charset=x"):
        with pytest.raises(NotAPhotoType):
            studio.service.put(studio.host, studio.event, files.jpeg(), content_type)
    with pytest.raises(PhotoTooLarge) as caught:
        studio.service.put(studio.host, studio.event, bytes(MOST_BYTES + 1), "image/jpeg")
    assert caught.value.details == {"most_bytes": MOST_BYTES}
    with pytest.raises(Invalid):
        studio.service.put(studio.host, studio.event, b"", "image/jpeg")
    assert studio.stored() == []


def test_another_s_dinner_is_not_there(studio: Studio):
    calls = (
        lambda: studio.service.put(studio.other, studio.event, files.jpeg(), "image/jpeg"),
        lambda: studio.service.state(studio.other, studio.event),
        lambda: studio.service.remove(studio.other, studio.event),
        lambda: studio.service.begin(studio.other, studio.event, "image/jpeg", 10),
        lambda: studio.service.finish(studio.other, studio.event, new_id()),
        lambda: studio.service.put(studio.host, new_id(), files.jpeg(), "image/jpeg"),
    )
    for call in calls:
        with pytest.raises(NoSuchEvent):
            call()
    assert studio.stored() == []


def test_a_host_sends_no_more_than_so_many_an_hour(studio: Studio):
    for _ in range(UPLOADS_A_HOUR.most):
        studio.sent(b"any")
    with pytest.raises(TooManyAttempts):
        studio.sent(b"any")
    studio.clock.advance(hours=1, seconds=1)
    studio.sent(b"any")


def test_who_only_looks_leaves_a_store_that_is_away_alone(studio: Studio, monkeypatch: pytest.MonkeyPatch):
    asked = 0

    def away(*_: object) -> None:
        nonlocal asked
        asked += 1
        raise Unavailable("media: away")

    monkeypatch.setattr(studio.media, "get", away)
    for _ in range(3):
        with pytest.raises(PhotosUnavailable):
            studio.files.get(studio.event, new_id(), 320)
    assert asked == 1


class TestDirectUploads:
    """To a store that takes files itself; whether it is as strict as it should be is looked at."""

    @pytest.fixture
    def studio(self, database: Database[Any], tmp_path: Path) -> Studio:
        open_backend("media", f"disk://{tmp_path}")
        return Studio(database, DirectMedia(tmp_path / "dinnerkit-media"))

    def test_a_form_is_for_one_key_type_and_size(self, studio: Studio):
        begun = studio.service.begin(studio.host, studio.event, "image/png", 100)
        assert begun.form.fields == {"key": upload_key(studio.event, begun.id), "type": "image/png", "most": str(MOST_BYTES)}
        with pytest.raises(PhotoTooLarge):
            studio.service.begin(studio.host, studio.event, "image/png", MOST_BYTES + 1)
        with pytest.raises(NotAPhotoType):
            studio.service.begin(studio.host, studio.event, "text/html", 100)

    def test_what_was_sent_becomes_the_photo(self, studio: Studio):
        begun = studio.service.begin(studio.host, studio.event, "image/jpeg", 100)
        with pytest.raises(UploadMissing):
            studio.service.finish(studio.host, studio.event, begun.id)
        studio.media.put(upload_key(studio.event, begun.id), files.jpeg(), "image/jpeg")
        for _ in range(2):
            assert studio.service.finish(studio.host, studio.event, begun.id, "Soup").upload.id == begun.id
        assert studio.outbox() == [("events.photo_uploaded", begun.id)]
        studio.work.make(studio.event, begun.id)
        assert studio.shown() == begun.id
        assert studio.service.finish(studio.host, studio.event, begun.id).photo.id == begun.id

    @pytest.mark.parametrize(("content", "content_type"), [(bytes(MOST_BYTES + 1), "image/jpeg"), (b"<script>", "text/html")])
    def test_what_a_store_should_not_have_taken_is_removed(self, studio: Studio, content: bytes, content_type: str):
        begun = studio.service.begin(studio.host, studio.event, "image/jpeg", 100)
        studio.media.put(upload_key(studio.event, begun.id), content, content_type)
        with pytest.raises((PhotoTooLarge, NotAPhotoType)):
            studio.service.finish(studio.host, studio.event, begun.id)
        assert studio.stored() == []
        assert studio.photos.of(studio.event).upload is None

    def test_neither_forms_nor_what_is_sent_by_them_is_without_end(self, studio: Studio):
        for _ in range(FORMS_A_HOUR.most):
            begun = studio.service.begin(studio.host, studio.event, "image/jpeg", 100)
        with pytest.raises(TooManyAttempts):
            studio.service.begin(studio.host, studio.event, "image/jpeg", 100)
        other = new_id()
        for each in (begun.id, other) * (UPLOADS_A_HOUR.most // 2):
            studio.media.put(upload_key(studio.event, each), b"any", "image/jpeg")
            studio.service.finish(studio.host, studio.event, each)
        with pytest.raises(TooManyAttempts):
            studio.service.finish(studio.host, studio.event, begun.id)

    def test_what_was_made_larger_after_it_was_looked_at_is_not_read(self, studio: Studio):
        begun = studio.service.begin(studio.host, studio.event, "image/jpeg", 100)
        studio.media.put(upload_key(studio.event, begun.id), files.jpeg(), "image/jpeg")
        studio.service.finish(studio.host, studio.event, begun.id)
        studio.media.put(upload_key(studio.event, begun.id), bytes(MOST_BYTES + 1), "image/jpeg")
        studio.work.make(studio.event, begun.id)
        assert studio.photos.of(studio.event).upload.code == "too_large"


def test_a_store_that_hands_photos_out_itself_is_where_they_are(studio: Studio, tmp_path: Path):
    there = PhotoFiles(DirectMedia(tmp_path))
    assert there.origin == "https://cdn.test:8443"
    assert there.address("e", "p", 320) == f"https://cdn.test:8443/photos/e/p/320.webp?for={DOWNLOAD_SECONDS}"
    assert (studio.files.origin, studio.files.address("e", "p", 320)) == (None, None)
