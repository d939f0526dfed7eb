"""What the worker does with photos: makes them, removes what is not shown any more, and sweeps up what crashes left."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import timedelta

import structlog

from dinnerkit.clock import Clock
from dinnerkit.events.photos import PROCESSING, EventPhotos, Photo, PhotoState
from dinnerkit.events.seat_errors import NoSuchEvent
from dinnerkit.photos.pictures import Picture, RefusedPicture
from dinnerkit.photos.rules import MADE, PHOTOS, UPLOADS, ids_of, photo_folder, photo_key, upload_key
from dinnerkit.ports.media import MOST_LISTED, MediaInfo, MediaStore

log = structlog.get_logger(__name__)

Decode = Callable[[bytes, str], list[Picture]]

ORPHANED_AFTER = timedelta(days=1)
"""So old a file that no event knows was left by a crash, or by who got a form and never came back; a younger one may be on its way."""


class PhotoWork:
    """Makes photos of files, and cleans up after them. All of it may be done twice, or broken off anywhere and begun again.

    Args:
        photos: what the events have.
        media: where the files lie.
        decode: makes pictures of a file, under limits.
        clock: tells the time.
        most_bytes: of a file that is read at all.
    """

    def __init__(self, photos: EventPhotos, media: MediaStore, decode: Decode, clock: Clock, most_bytes: int) -> None:
        self._photos = photos
        self._media = media
        self._decode = decode
        self._clock = clock
        self._most_bytes = most_bytes

    def make(self, event_id: str, photo_id: str) -> None:
        """Make the photo, and show it; or say why there can be none. The file goes in either case.

        Raises:
            Unavailable: the store can't be reached, or the machine is too busy: it is tried again.
            BackendFault: photos can't be decoded here.
        """
        upload = self._state(event_id).upload
        if upload is not None and upload.id == photo_id and upload.state == PROCESSING:
            try:
                sizes = self._made(event_id, photo_id)
            except RefusedPicture as error:
                log.info("photo_refused", event_id=event_id, code=error.code)
                self._photos.refuse(event_id, photo_id, error.code)
            else:
                self._photos.show(event_id, Photo(photo_id, upload.alt, sizes))
        self.clean(event_id, photo_id)

    def clean(self, event_id: str, photo_id: str) -> None:
        """Remove the files of a photo that are not needed: all of one that is not shown, of one that is the file that it came from.

        Raises:
            Unavailable: the store can't be reached: it is tried again.
        """
        state = self._state(event_id)
        if _becomes_one(state, photo_id):
            return
        self._media.delete(upload_key(event_id, photo_id))
        if not _is_shown(state, photo_id):
            for info in self._media.listed(photo_folder(event_id, photo_id)):
                self._media.delete(info.key)

    def sweep(self) -> int:
        """Remove the files that no event knows of and that are a day old; how many.

        Raises:
            Unavailable: the store can't be reached: it is done at the next turn.
        """
        return sum(self._swept(page) for prefix in (UPLOADS, PHOTOS) for page in self._pages(prefix))

    def _made(self, event_id: str, photo_id: str) -> tuple[tuple[int, int], ...]:
        """The sizes of what was made of the file and lies in the store now.

        Raises:
            RefusedPicture: nothing can be made of it.
        """
        key = upload_key(event_id, photo_id)
        info = self._media.stat(key)
        if info is None:
            raise RefusedPicture("missing")
        if info.size > self._most_bytes:
            raise RefusedPicture("too_large")
        medium = self._media.get(key)
        if medium is None:
            raise RefusedPicture("missing")
        pictures = self._decode(medium.content, medium.info.content_type)
        for picture in pictures:
            self._media.put(photo_key(event_id, photo_id, picture.width), picture.content, MADE)
        return tuple((picture.width, picture.height) for picture in pictures)

    def _state(self, event_id: str) -> PhotoState:
        try:
            return self._photos.of(event_id)
        except NoSuchEvent:
            return PhotoState(None, None)

    def _pages(self, prefix: str) -> Iterator[list[MediaInfo]]:
        after = ""
        while page := list(self._media.listed(prefix, after)):
            yield page
            after = page[-1].key
            if len(page) < MOST_LISTED:
                return

    def _swept(self, page: list[MediaInfo]) -> int:
        before = self._clock() - ORPHANED_AFTER
        by_event: dict[str, list[tuple[str, MediaInfo]]] = defaultdict(list)
        for info in page:
            ids = ids_of(info.key)
            if ids is not None and info.stored_at < before:
                by_event[ids[0]].append((ids[1], info))
        states = self._photos.of_many(by_event)
        swept = 0
        for event_id, files in by_event.items():
            state = states.get(event_id, PhotoState(None, None))
            for photo_id, info in files:
                if not _is_needed(state, photo_id, info.key):
                    self._media.delete(info.key)
                    swept += 1
        if swept:
            log.info("photos_swept", files=swept)
        return swept


def _is_needed(state: PhotoState, photo_id: str, key: str) -> bool:
    return _becomes_one(state, photo_id) or (_is_shown(state, photo_id) and key.startswith(PHOTOS))


def _becomes_one(state: PhotoState, photo_id: str) -> bool:
    return state.upload is not None and state.upload.id == photo_id and state.upload.state == PROCESSING


def _is_shown(state: PhotoState, photo_id: str) -> bool:
    return state.photo is not None and state.photo.id == photo_id
