"""How a route finds its service: by type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from dinnerkit.http.mount import current_mount
from dinnerkit.http.photo_addresses import Folder, photo_folder

T = TypeVar("T")


def service(kind: type[T]) -> T:
    """The app's service of that type: ``service(BookingService).cancel(…)``.

    Raises:
        LookupError: the app was mounted without it.
    """
    return _found(current_mount().services, kind)


@dataclass(frozen=True, slots=True)
class Site:
    """What an answer that is the same for everybody is made with, in Flask and ahead of it.

    Attributes:
        services: the app's, by type.
        photo_folder: says what the addresses of photos begin with.
    """

    services: Mapping[type[Any], Any]
    photo_folder: Folder

    def service(self, kind: type[T]) -> T:
        """As :func:`service`."""
        return _found(self.services, kind)


def site() -> Site:
    """That of the present request in Flask."""
    return Site(current_mount().services, photo_folder)


def _found(services: Mapping[type[Any], Any], kind: type[T]) -> T:
    try:
        return cast("T", services[kind])
    except KeyError:
        raise LookupError(f"this app has no {kind.__name__}") from None
