"""Why seats can't be had."""

from __future__ import annotations

from typing import ClassVar

from dinnerkit.errors import Conflict, NotFound


class NoSuchEvent(NotFound):
    """No event has that id, or it is nobody's business yet."""

    code: ClassVar[str] = "not_found"


class SoldOut(Conflict):
    """Fewer seats are left than were asked for; the details say how many."""

    code: ClassVar[str] = "sold_out"


class AlreadyBooked(Conflict):
    """The guest has a live booking for this event."""

    code: ClassVar[str] = "already_booked"


class BookingClosed(Conflict):
    """The event is cancelled, or has begun."""

    code: ClassVar[str] = "booking_closed"


class SeatsAvailable(Conflict):
    """There is nothing to wait for: the seats can be booked now."""

    code: ClassVar[str] = "seats_available"


class AlreadyWaiting(Conflict):
    """The guest is on the waiting list; the details say where."""

    code: ClassVar[str] = "already_waiting"


class WaitingListFull(Conflict):
    """More parties wait than could ever be seated."""

    code: ClassVar[str] = "waiting_list_full"


class PartyTooLarge(Conflict):
    """The party has more members than the event has seats."""

    code: ClassVar[str] = "party_too_large"


class NotWaiting(NotFound):
    """The guest is not on the waiting list."""

    code: ClassVar[str] = "not_waiting"
