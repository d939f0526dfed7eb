"""Which photo an event has, and what becomes of the next one: accounts in the event's document, one atomic change at a time.

The files are somebody else's affair (:mod:`dinnerkit.photos`); this knows them by their id.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pymongo import ReturnDocument
from pymongo.database import Database

from dinnerkit.clock import Clock
from dinnerkit.delivery.outbox import Outbox
from dinnerkit.events.documents import EventDocument
from dinnerkit.events.messages import EventChanged
from dinnerkit.events.photo_messages import PhotoDropped, PhotoUploaded
from dinnerkit.events.rules import Status
from dinnerkit.events.seat_errors import NoSuchEvent
from dinnerkit.messages import Message
from dinnerkit.storage import Row, collection

PROCESSING, REFUSED = "processing", "refused"


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that is to become the photo.

    Attributes:
        state: ``processing``, or ``refused`` for the reason that ``code`` names.
    """

    id: str
    alt: str
    state: str
    at: datetime
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Photo:
    """The photo that is shown: its words for who can't see it, and the widths and heights in pixels that there are of it."""

    id: str
    alt: str
    sizes: tuple[tuple[int, int], ...]

    def document(self) -> Row:
        """As it is stored, and shown but for the addresses."""
        return {"id": self.id, "alt": self.alt, "sizes": [{"width": width, "height": height} for width, height in self.sizes]}


@dataclass(frozen=True, slots=True)
class PhotoState:
    """What an event has: the photo that is shown, and the file that is to take its place."""

    photo: Photo | None
    upload: Upload | None


class EventPhotos:
    """The photo of each event."""

    def __init__(self, database: Database[Row], clock: Clock, changed: Callable[[str], None] = lambda _event: None) -> None:
        """Work on the events of a database.

        Args:
            database: where events are kept.
            clock: the time.
            changed: called with an event's id after another photo, or none, is shown of it.
        """
        self._changed = changed
        self._events = collection(database, EventDocument)
        self._clock = clock
        self._outbox = Outbox(clock)

    def of(self, event_id: str) -> PhotoState:
        """What the event has.

        Raises:
            NoSuchEvent: there is none.
        """
        row = self._events.find_one({"_id": event_id}, _WANTED)
        if row is None:
            raise NoSuchEvent("There is no such event.")
        return _state(row)

    def of_many(self, event_ids: Collection[str]) -> dict[str, PhotoState]:
        """What these events have, by id; those that there are not are left out."""
        rows = self._events.find({"_id": {"$in": list(event_ids)}}, _WANTED)
        return {row["_id"]: _state(row) for row in rows}

    def take(self, event_id: str, photo_id: str, alt: str) -> PhotoState:
        """A file has come that is to become the photo. One that came before, and is none yet, becomes none. Taken again it changes nothing.

        Raises:
            NoSuchEvent: there is none.
        """
        upload = Upload(photo_id, alt, PROCESSING, self._clock())

        def change(found: PhotoState, _: Row) -> tuple[Row, Sequence[Message]] | None:
            if photo_id in _ids(found):
                return None
            dropped = [PhotoDropped(event_id=event_id, photo_id=found.upload.id)] if found.upload else []
            return {"$set": {"photo_upload": _stored(upload)}}, [PhotoUploaded(event_id=event_id, photo_id=photo_id), *dropped]

        return self._change(event_id, change)

    def show(self, event_id: str, photo: Photo) -> bool:
        """Show what became of the file, in place of what was shown; whether it was still wanted.

        Raises:
            NoSuchEvent: there is none.
        """

        def change(found: PhotoState, row: Row) -> tuple[Row, Sequence[Message]] | None:
            if found.upload is None or found.upload.id != photo.id or found.upload.state != PROCESSING:
                return None
            dropped = [PhotoDropped(event_id=event_id, photo_id=found.photo.id)] if found.photo else []
            update = {"$set": {"photo": photo.document()}, "$unset": {"photo_upload": ""}}
            return update, [*_told(row), *dropped]

        return photo.id in _ids(self._change(event_id, change))

    def refuse(self, event_id: str, photo_id: str, code: str) -> None:
        """Say that no photo can be made of the file; what is shown stays.

        Raises:
            NoSuchEvent: there is none.
        """

        def change(found: PhotoState, _: Row) -> tuple[Row, Sequence[Message]] | None:
            if found.upload is None or found.upload.id != photo_id or found.upload.state != PROCESSING:
                return None
            return {"$set": {"photo_upload.state": REFUSED, "photo_upload.code": code}}, []

        self._change(event_id, change)

    def drop(self, event_id: str) -> None:
        """Show no photo, and make none of what came.

        Raises:
            NoSuchEvent: there is none.
        """

        def change(found: PhotoState, row: Row) -> tuple[Row, Sequence[Message]] | None:
            if not _ids(found):
                return None
            dropped = [PhotoDropped(event_id=event_id, photo_id=each) for each in sorted(_ids(found))]
            return {"$unset": {"photo": "", "photo_upload": ""}}, [*(_told(row) if found.photo else ()), *dropped]

        self._change(event_id, change)

    def _change(self, event_id: str, decide: Callable[[PhotoState, Row], tuple[Row, Sequence[Message]] | None]) -> PhotoState:
        """Read, decide, and write unless somebody changed the photo in between; then again. What the event has afterwards."""
        while True:
            row = self._events.find_one({"_id": event_id}, _WANTED)
            if row is None:
                raise NoSuchEvent("There is no such event.")
            decided = decide(_state(row), row)
            if decided is None:
                return _state(row)
            update, messages = decided
            if messages:
                update = {**update, "$push": self._outbox.push(*messages)}
            same = {name: row.get(name) for name in ("photo", "photo_upload")}  # None finds what is not there, too
            after = self._events.find_one_and_update(
                {"_id": event_id, **same}, update, projection=_WANTED, return_document=ReturnDocument.AFTER
            )
            if after is not None:
                if after.get("photo") != row.get("photo"):
                    self._changed(event_id)
                return _state(after)


_WANTED = {"host": 1, "status": 1, "photo": 1, "photo_upload": 1}


def _state(row: Row) -> PhotoState:
    photo, upload = row.get("photo"), row.get("photo_upload")
    return PhotoState(
        Photo(photo["id"], photo["alt"], tuple((size["width"], size["height"]) for size in photo["sizes"])) if photo else None,
        Upload(upload["id"], upload["alt"], upload["state"], upload["at"], upload.get("code")) if upload else None,
    )


def _stored(upload: Upload) -> dict[str, Any]:
    return {"id": upload.id, "alt": upload.alt, "state": upload.state, "at": upload.at}


def _ids(found: PhotoState) -> set[str]:
    return {each.id for each in (found.photo, found.upload) if each}


def _told(row: Row) -> Sequence[Message]:
    """What others see of the event has changed."""
    if row["status"] == Status.DRAFT.value:
        return ()
    return (EventChanged(event_id=row["_id"], host_id=row["host"], fields=["photo"]),)
