"""What can go wrong with deliveries."""

from __future__ import annotations

from typing import ClassVar

from dinnerkit.errors import NotFound


class NoSuchQueue(NotFound):
    """No queue has that name."""

    code: ClassVar[str] = "not_found"


class NoSuchDeadLetter(NotFound):
    """No dead letter has that id; it may have been retried or discarded already."""

    code: ClassVar[str] = "not_found"
