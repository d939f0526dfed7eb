"""Why a photo can't be taken or shown."""

from __future__ import annotations

from typing import ClassVar

from dinnerkit.errors import Conflict, Invalid, NotFound, TooLarge, Unavailable


class NoSuchPhoto(NotFound):
    """There is no such photo, or not any more."""

    code: ClassVar[str] = "not_found"


class PhotoTooLarge(TooLarge):
    """The file is larger than photos may be; ``most_bytes`` in the details says how large that is."""

    code: ClassVar[str] = "photo_too_large"


class NotAPhotoType(Invalid):
    """The content type is none of those that are taken; ``types`` in the details lists them."""

    code: ClassVar[str] = "not_a_photo_type"


class UploadMissing(Conflict):
    """What was to be uploaded is not there, or not any more."""

    code: ClassVar[str] = "upload_missing"


class PhotosUnavailable(Unavailable):
    """The store of the photos can't be reached."""

    code: ClassVar[str] = "photos_unavailable"
