"""The addresses of photos in what is told of events: only a request knows where the app is mounted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, MutableMapping
from typing import Any, TypeAlias, TypeVar, cast

from flask import url_for
from werkzeug.routing import BuildError

E = TypeVar("E")

_PLACE = "PLACE"


Folder: TypeAlias = Callable[[], str | None]


def photo_folder() -> str | None:
    """What the addresses of all photos begin with, by where the present request came in; None where the app shows none."""
    try:
        url = url_for("dinnerkit_photos.read_photo", event_id=_PLACE, photo_id=_PLACE, width=_PLACE)
    except BuildError:
        return None
    return url.partition(_PLACE)[0]


def with_addresses(event: E, folder: Folder = photo_folder) -> E:
    """The event as it was read, its photo with the address of each size; without the photo where the app shows none."""
    row = cast("MutableMapping[str, Any]", event)
    if row["photo"]:
        row["photo"] = _addressed(row["id"], row["photo"], folder())
    return event


def all_with_addresses(events: Iterable[E], folder: Folder = photo_folder) -> list[E]:
    """The same for many, which asks the app for the addresses once."""
    found = list(events)
    rows = [cast("MutableMapping[str, Any]", event) for event in found]
    if any(row["photo"] for row in rows):
        place = folder()
        for row in rows:
            if row["photo"]:
                row["photo"] = _addressed(row["id"], row["photo"], place)
    return found


def photo_with_addresses(event_id: str, photo: dict[str, Any]) -> dict[str, Any] | None:
    """A photo with the address of each size."""
    return _addressed(event_id, photo, photo_folder())


def _addressed(event_id: str, photo: dict[str, Any], folder: str | None) -> dict[str, Any] | None:
    if folder is None:
        return None
    sizes = [{**size, "url": f"{folder}{event_id}/{photo['id']}/{size['width']}.webp"} for size in photo["sizes"]]
    return {**photo, "sizes": sizes}
