"""Why a seating can't be had or shown."""

from __future__ import annotations

from typing import ClassVar

from dinnerkit.errors import Conflict, NotFound


class NoSuchSeating(NotFound):
    """There is no such seating of this event."""

    code: ClassVar[str] = "not_found"


class NoTableYet(NotFound):
    """No seating is published, or it has no place for this booking."""

    code: ClassVar[str] = "not_found"


class NobodyToSeat(Conflict):
    """The event has no confirmed guests."""

    code: ClassVar[str] = "nobody_to_seat"


class SeatingNotDone(Conflict):
    """The seating is still being computed, or could not be made."""

    code: ClassVar[str] = "seating_not_done"


class SeatingFailed(Conflict):
    """The rules could not all be met; the details say whom that concerns."""

    code: ClassVar[str] = "seating_impossible"
