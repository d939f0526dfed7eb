"""The use cases of photos: hosts give one to their dinner, or take it away, and everybody is shown it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from dinnerkit.accounts.attempts import AttemptLimit, Attempts
from dinnerkit.errors import Invalid, Unavailable
from dinnerkit.events.errors import NotTheHost
from dinnerkit.events.photos import EventPhotos, PhotoState
from dinnerkit.events.rules import Event
from dinnerkit.events.seat_errors import NoSuchEvent
from dinnerkit.events.service import EventService
from dinnerkit.identity import Principal
from dinnerkit.ids import new_id
from dinnerkit.photos.errors import NoSuchPhoto, NotAPhotoType, PhotosUnavailable, PhotoTooLarge, UploadMissing
from dinnerkit.photos.rules import FORMATS, photo_key, upload_key
from dinnerkit.ports.media import DirectDownloads, DirectUploads, MediaStore, Medium, UploadForm
from dinnerkit.retry import Breaker

UPLOAD_SECONDS = 900
"""How long a form for an upload to the store itself is good."""

DOWNLOAD_SECONDS = 7200
"""How long an address of the store itself is good at least; nobody keeps it for longer than half of that."""

UPLOADS_A_HOUR = AttemptLimit("photo", 40, timedelta(hours=1))
"""For each host: decoding is dear, and a store may cost money."""

FORMS_A_HOUR = AttemptLimit("photo_form", 40, timedelta(hours=1))
"""The same for forms, each of which lets a file of the largest size lie in the store for a day."""

_REST_SECONDS = 5.0
"""How long a store that could not be reached is left alone by those who only look."""


@dataclass(frozen=True, slots=True)
class NewUpload:
    """How to send a file: by the store's own form, or, where ``form`` is None, through the app."""

    id: str
    form: UploadForm | None


class PhotoService:
    """What hosts do with the photos of their dinners. Another's dinner is not there for them."""

    def __init__(self, events: EventService, photos: EventPhotos, media: MediaStore, attempts: Attempts, most_bytes: int) -> None:
        self._events = events
        self._photos = photos
        self._media = media
        self._attempts = attempts
        self.most_bytes = most_bytes

    def state(self, principal: Principal, event_id: str) -> PhotoState:
        """The photo that is shown, and what becomes of the next one.

        Raises:
            NoSuchEvent: there is none, or it is another's.
        """
        self.event(principal, event_id)
        return self._photos.of(event_id)

    def put(self, principal: Principal, event_id: str, content: bytes, content_type: str, alt: str = "") -> PhotoState:
        """Keep the file, of which a worker then makes the photo; until it has, what was shown is shown.

        Raises:
            NoSuchEvent: there is none, or it is another's.
            NotAPhotoType, PhotoTooLarge, Invalid: no photo can come of it.
            TooManyAttempts: the host has sent too many.
            PhotosUnavailable: the store can't be reached.
        """
        self.event(principal, event_id)
        self._check(content_type, len(content))
        self._attempts.count(UPLOADS_A_HOUR, principal.user_id)
        photo_id = new_id()
        try:
            self._media.put(upload_key(event_id, photo_id), content, content_type)
        except Unavailable as error:
            raise PhotosUnavailable(_AWAY) from error
        return self._photos.take(event_id, photo_id, alt)

    def begin(self, principal: Principal, event_id: str, content_type: str, size: int) -> NewUpload:
        """Say how a file of that type and size is to be sent.

        Raises:
            NoSuchEvent: there is none, or it is another's.
            NotAPhotoType, PhotoTooLarge, Invalid: no photo can come of it.
            TooManyAttempts: the host has asked too often.
            PhotosUnavailable: there can be no form now.
        """
        self.event(principal, event_id)
        self._check(content_type, size)
        self._attempts.count(FORMS_A_HOUR, principal.user_id)
        upload_id, form = new_id(), None
        if isinstance(self._media, DirectUploads):
            try:
                form = self._media.upload_form(upload_key(event_id, upload_id), content_type, self.most_bytes, UPLOAD_SECONDS)
            except Unavailable as error:
                raise PhotosUnavailable(_AWAY) from error
        return NewUpload(upload_id, form)

    def finish(self, principal: Principal, event_id: str, upload_id: str, alt: str = "") -> PhotoState:
        """Take what was sent to the store itself, once it has been looked at: stores may have taken more than they should.

        Raises:
            NoSuchEvent: there is none, or it is another's.
            UploadMissing: nothing has come.
            NotAPhotoType, PhotoTooLarge: no photo can come of what has; it is removed.
            TooManyAttempts: the host has sent too many.
            PhotosUnavailable: the store can't be reached.
        """
        self.event(principal, event_id)
        found = self._photos.of(event_id)
        if upload_id in {each.id for each in (found.photo, found.upload) if each}:
            return found
        self._attempts.count(UPLOADS_A_HOUR, principal.user_id)  # not by the forms, each of which may be used again and again
        key = upload_key(event_id, upload_id)
        try:
            info = self._media.stat(key)
            if info is None:
                raise UploadMissing("The file has not arrived. Send it first, or again.")
            try:
                self._check(info.content_type, info.size)
            except (NotAPhotoType, PhotoTooLarge):
                self._media.delete(key)
                raise
        except Unavailable as error:
            raise PhotosUnavailable(_AWAY) from error
        return self._photos.take(event_id, upload_id, alt)

    def remove(self, principal: Principal, event_id: str) -> None:
        """Show no photo any more; its files go after that.

        Raises:
            NoSuchEvent: there is none, or it is another's.
        """
        self.event(principal, event_id)
        self._photos.drop(event_id)

    def event(self, principal: Principal, event_id: str) -> Event:
        """The dinner, for its host and admins.

        Raises:
            NoSuchEvent: there is none, or it is another's.
        """
        try:
            return self._events.managed(principal, event_id)
        except NotTheHost:
            raise NoSuchEvent("There is no such event.") from None

    def _check(self, content_type: str, size: int) -> None:
        if content_type not in FORMATS:
            raise NotAPhotoType("A photo is a JPEG, PNG or WebP picture.", types=list(FORMATS))
        if size < 1:
            raise Invalid("The file is empty.")
        if size > self.most_bytes:
            raise PhotoTooLarge(f"A photo has at most {self.most_bytes / 1_048_576:.3g} MiB.", most_bytes=self.most_bytes)


class PhotoFiles:
    """The files that everybody is shown. A store that is away costs one reader its patience every few seconds, and not all of them."""

    def __init__(self, media: MediaStore) -> None:
        self._media = media
        self._breaker = Breaker(_REST_SECONDS)
        self._origin: str | None = None

    @property
    def origin(self) -> str | None:
        """Where the store hands photos out itself; None where it does not, or can't say now."""
        if self._origin is None:
            with suppress(Unavailable):
                url = self.address("0", "0", 1)
                self._origin = "{0.scheme}://{0.netloc}".format(urlsplit(url)) if url else None
        return self._origin

    def address(self, event_id: str, photo_id: str, width: int) -> str | None:
        """Where the store hands the photo out itself; None where it does not."""
        if not isinstance(self._media, DirectDownloads):
            return None
        return self._media.download_url(photo_key(event_id, photo_id, width), DOWNLOAD_SECONDS)

    def get(self, event_id: str, photo_id: str, width: int) -> Medium:
        """The photo of that width.

        Raises:
            NoSuchPhoto: there is none.
            PhotosUnavailable: the store can't be reached.
        """
        if not self._breaker.lets():
            raise PhotosUnavailable(_AWAY)
        try:
            found = self._media.get(photo_key(event_id, photo_id, width))
        except Unavailable as error:
            self._breaker.failed()
            raise PhotosUnavailable(_AWAY) from error
        self._breaker.worked()
        if found is None:
            raise NoSuchPhoto("There is no such photo.")
        return found


_AWAY = "Photos can't be kept or shown at the moment. Try again in a while."
