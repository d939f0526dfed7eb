from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from dinnerkit.accounts.attempts import Attempts
from dinnerkit.accounts.secrecy import Keys
from dinnerkit.backends.media import DiskMedia
from dinnerkit.clock import utcnow
from dinnerkit.events.photos import EventPhotos
from dinnerkit.events.service import EventService
from dinnerkit.identity import Principal, Role
from dinnerkit.photos.decoding import pictures_of
from dinnerkit.photos.service import PhotoFiles, PhotoService
from dinnerkit.photos.working import PhotoWork
from dinnerkit.plugins import open_backend
from dinnerkit.ports.media import MediaStore, UploadForm
from dinnerkit.storage import Row
from dinnerkit.testing import StandingClock
from tests.web.conftest import dinner

MOST_BYTES = 100_000


class DirectMedia(DiskMedia):
    """A store on disk as if it took files from browsers, and handed them out; of its own, as Python remembers which class can what."""

    def upload_form(self, key: str, content_type: str, most_bytes: int, seconds: int) -> UploadForm | None:
        return UploadForm("https://store.test/", {"key": key, "type": content_type, "most": str(most_bytes)})

    def download_url(self, key: str, seconds: int) -> str | None:
        return f"https://cdn.test:8443/{key}?for={seconds}"


class Studio:
    """A host's dinner, the services of photos on a store on disk, and a worker whose decoder runs here."""

    def __init__(self, database: Database[Row], media: MediaStore) -> None:
        self.database = database
        self.media = media
        self.clock = StandingClock(utcnow())
        self.host = Principal("host-1", Role.HOST)
        self.other = Principal("host-2", Role.HOST)
        events = EventService(database, self.clock)
        self.photos = EventPhotos(database, self.clock)
        attempts = Attempts(database, Keys("only-for-tests-" * 3), self.clock)
        self.service = PhotoService(events, self.photos, media, attempts, MOST_BYTES)
        self.files = PhotoFiles(media)
        self.work = PhotoWork(self.photos, media, pictures_of, self.clock, MOST_BYTES)
        self.event = events.create(self.host, dinner())["id"]
        events.publish(self.host, self.event)

    def sent(self, content: bytes, content_type: str = "image/jpeg", alt: str = "") -> str:
        """Sends a photo; its id."""
        upload = self.service.put(self.host, self.event, content, content_type, alt).upload
        assert upload is not None
        return upload.id

    def shown(self) -> str | None:
        photo = self.photos.of(self.event).photo
        return photo.id if photo else None

    def stored(self) -> list[str]:
        return [info.key for info in self.media.listed()]

    def outbox(self) -> list[tuple[str, str]]:
        row = self.database["events"].find_one({"_id": self.event})
        return [(entry["kind"], entry["data"].get("photo_id", "")) for entry in row["outbox"] if entry["kind"] != "events.published"]


@pytest.fixture
def studio(database: Database[Any], tmp_path: Path) -> Studio:
    return Studio(database, open_backend("media", f"disk://{tmp_path}/media"))
