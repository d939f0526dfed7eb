"""Media in this process's memory, for the store of yours that takes its place."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from dinnerkit.ports.contracts import built_for
from dinnerkit.ports.media import MOST_LISTED, MediaInfo, Medium, check_key, check_listing, check_medium
from dinnerkit.ports.urls import parse_url


class AcmeMedia:
    """Whole media by their keys.

    Args:
        place: which media; stores of the same place share them.
    """

    def __init__(self, place: str) -> None:
        self._place = _PLACES.setdefault(place, _Place())

    def put(self, key: str, content: bytes, content_type: str) -> MediaInfo:
        """Keep the medium, in place of what is under the key; in one step, so that nobody ever reads half of it."""
        check_medium(key, content, content_type)
        etag = hashlib.sha256(content).hexdigest()
        info = MediaInfo(key, len(content), content_type, etag, datetime.now(UTC))
        with self._place.lock:
            self._place.kept[key] = Medium(info, content)
        return info

    def get(self, key: str) -> Medium | None:
        """The medium, or None where there is none."""
        check_key(key)
        return self._place.kept.get(key)

    def stat(self, key: str) -> MediaInfo | None:
        """What is known of the medium, or None where there is none."""
        found = self.get(key)
        return None if found is None else found.info

    def delete(self, key: str) -> None:
        """Remove the medium, if there is one."""
        check_key(key)
        with self._place.lock:
            self._place.kept.pop(key, None)

    def listed(self, prefix: str = "", after: str = "", limit: int = MOST_LISTED) -> Sequence[MediaInfo]:
        """The media whose keys begin with ``prefix`` and come after ``after``, in order."""
        check_listing(prefix, after, limit)
        with self._place.lock:
            keys = sorted(key for key in self._place.kept if key.startswith(prefix) and key > after)
            return [self._place.kept[key].info for key in keys[:limit]]

    def ping(self) -> None:
        """Memory is always there; a store that is not raises ``dinnerkit.errors.Unavailable``, here and above."""

    def close(self) -> None:
        """Memory has nothing to give back; a client's connections would be closed here."""


@built_for(1, AcmeMedia)
def open_media(url: str) -> AcmeMedia:
    """``acme://PLACE``.

    Raises:
        SettingError: the URL has options.
    """
    return AcmeMedia(parse_url(url).only().location)


@dataclass(slots=True)
class _Place:
    """In place of the store: the media by their keys."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    kept: dict[str, Medium] = field(default_factory=dict)


_PLACES: dict[str, _Place] = {}
