"""Why an event can't be changed as asked. What concerns its seats is in :mod:`dinnerkit.events.seat_errors`."""

from __future__ import annotations

from typing import ClassVar

from dinnerkit.errors import Conflict, Forbidden, NotFound


class NotTheHost(Forbidden):
    """Only its host and admins may do this with the event."""

    code: ClassVar[str] = "not_the_host"


class EventNotDraft(Conflict):
    """It was published or cancelled already."""

    code: ClassVar[str] = "event_not_draft"


class EventNotReady(Conflict):
    """It is unfinished or contradicts itself; ``problems`` in the details says where, by field."""

    code: ClassVar[str] = "event_not_ready"


class EventIsCancelled(Conflict):
    """It is cancelled, for good."""

    code: ClassVar[str] = "event_cancelled"


class EventHasBegun(Conflict):
    """It has begun: what happened can't be changed."""

    code: ClassVar[str] = "event_begun"


class NoSuchFeed(NotFound):
    """There is no such calendar, or not any more."""

    code: ClassVar[str] = "not_found"


class EventHasBookings(Conflict):
    """Guests hold seats on the terms that were to be changed; ``terms`` in the details names these."""

    code: ClassVar[str] = "event_has_bookings"


class CapacityBelowSold(Conflict):
    """More seats are sold than would be left; ``sold`` in the details says how many."""

    code: ClassVar[str] = "capacity_below_sold"


class EventWasChanged(Conflict):
    """Somebody changed it since the caller read it; ``version`` in the details is the present one."""

    code: ClassVar[str] = "event_changed"
