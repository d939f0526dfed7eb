"""What can go wrong with the embedded MongoDB."""

from __future__ import annotations

from typing import ClassVar

from dinnerkit.errors import Unavailable


class EmbeddedMongodFailed(Unavailable):
    """The embedded MongoDB can't be started, or can't go on; the message says why and what to do."""

    code: ClassVar[str] = "embedded_mongod"
