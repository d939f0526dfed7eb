"""How a route finds its service: by type."""

from __future__ import annotations

from typing import TypeVar, cast

from dinnerkit.http.mount import current_mount

T = TypeVar("T")


def service(kind: type[T]) -> T:
    """The app's service of that type: ``service(BookingService).cancel(…)``.

    Raises:
        LookupError: the app was mounted without it.
    """
    services = current_mount().services
    try:
        return cast("T", services[kind])
    except KeyError:
        raise LookupError(f"this app has no {kind.__name__}") from None
