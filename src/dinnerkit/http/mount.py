"""Where the extension leaves what the routes need: one ``Mount`` for each app."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

import flask

from dinnerkit.identity import Principal

EXTENSION_KEY = "dinnerkit"

UserResolver: TypeAlias = Callable[[flask.Request], Principal | None]
"""Says on whose behalf a request comes: the principal, None for nobody; raises Unauthenticated for credentials that are wrong."""


@dataclass(frozen=True, slots=True)
class Mount:
    """What one app's routes work with.

    Attributes:
        services: the services by type; besides the domains', those of this package (rate limits, metrics, idempotency).
        user_resolver: says who asks.
        url_prefix: the path under which everything of ours lies, without a slash at the end; may be empty.
        max_body_bytes: the largest request body that our routes take.
        max_file_bytes: the largest of those that take a file.
    """

    services: Mapping[type[Any], Any]
    user_resolver: UserResolver
    url_prefix: str = ""
    max_body_bytes: int = 262_144
    max_file_bytes: int = 262_144

    def covers(self, path: str) -> bool:
        """Whether the path belongs to our API, so that an unknown one is ours to answer."""
        root = f"{self.url_prefix}/v1"
        return path == root or path.startswith(f"{root}/")


def install(app: flask.Flask, mount: Mount) -> None:
    """Put the mount where our routes find it.

    Raises:
        RuntimeError: the app has one already.
    """
    if EXTENSION_KEY in app.extensions:
        raise RuntimeError("this app has a Dinnerkit already")
    app.extensions[EXTENSION_KEY] = mount


def current_mount() -> Mount:
    """The mount of the app that handles the request."""
    return cast("Mount", flask.current_app.extensions[EXTENSION_KEY])
