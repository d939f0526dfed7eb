"""What can go wrong on a live connection."""

from __future__ import annotations

from typing import ClassVar

from dinnerkit.errors import Forbidden, Invalid, Unavailable


class UpgradeRequired(Invalid):
    """This address speaks WebSocket."""

    code: ClassVar[str] = "upgrade_required"


class BadOrigin(Forbidden):
    """A page of another site opened the connection with this site's cookie."""

    code: ClassVar[str] = "bad_origin"


class BadFrame(Invalid):
    """What was sent means nothing here."""

    code: ClassVar[str] = "bad_frame"


class TooManyConnections(Unavailable):
    """This process holds as many live connections as it can."""

    code: ClassVar[str] = "too_many_connections"
