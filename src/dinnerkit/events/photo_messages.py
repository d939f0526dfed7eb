"""What the photo of an event tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from dinnerkit.messages import Message


@dataclass(frozen=True, kw_only=True, slots=True)
class PhotoUploaded(Message):
    """A file lies in the store that is to become the photo of an event."""

    kind: ClassVar[str] = "events.photo_uploaded"

    event_id: str
    photo_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PhotoDropped(Message):
    """A photo, or a file that was to become one, is not an event's any more."""

    kind: ClassVar[str] = "events.photo_dropped"

    event_id: str
    photo_id: str
