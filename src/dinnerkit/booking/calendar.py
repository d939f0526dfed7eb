"""A booking as a calendar entry (RFC 5545), which the guest's calendar brings up to date and takes out again."""

from __future__ import annotations

from datetime import datetime

import icalendar

from dinnerkit.booking.rules import OVER, SETTLED
from dinnerkit.booking.service import BookingService
from dinnerkit.booking.store import Booking
from dinnerkit.clock import Clock
from dinnerkit.events.rules import DINNER_LENGTH, Event, Status
from dinnerkit.events.service import EventService

MEDIA_TYPE = "text/calendar"

_STATUSES = dict.fromkeys(SETTLED, "CONFIRMED") | dict.fromkeys(OVER, "CANCELLED")
_RANKS = {"expired": 1, "confirmed": 2, "seated": 2, "checked_in": 3, "no_show": 3, "cancelled": 4, "transferred": 4}
"""The order in which a booking can come by its statuses; all others are 0. Those of one rank are the same to a calendar."""


class BookingCalendar:
    """Writes the calendar entries of bookings, from what the event says at present."""

    def __init__(self, bookings: BookingService, events: EventService, clock: Clock, public_url: str) -> None:
        self._bookings = bookings
        self._events = events
        self._clock = clock
        self._url = public_url.rstrip("/")

    def of_guest(self, user_id: str, booking_id: str) -> bytes:
        """The calendar file of the user's booking.

        Raises:
            NoSuchBooking: there is none, or it is somebody else's.
        """
        return self.of(self._bookings.get(user_id, booking_id))

    def of(self, booking: Booking) -> bytes:
        """The calendar file of a booking; the caller has checked who may see it."""
        return written(booking, self._events.event(booking.event), self._clock(), f"{self._url}/bookings/{booking.id}")


def written(booking: Booking, event: Event, now: datetime, url: str) -> bytes:
    """A calendar file with one entry.

    Its UID is the same for the life of the booking. SEQUENCE rises with each change by the host and each step of the booking, so that a
    calendar never takes an older file for news. An entry that is over is told as a cancellation.
    """
    status = "cancelled" if event.status is Status.CANCELLED else booking.status
    entry = icalendar.Event()
    entry.add("uid", f"{booking.id}@dinnerkit")
    entry.add("sequence", event.version * (max(_RANKS.values()) + 1) + _RANKS.get(status, 0))
    entry.add("dtstamp", now)
    entry.add("dtstart", event.details.starts_at)
    entry.add("dtend", event.details.starts_at + DINNER_LENGTH)
    entry.add("summary", event.details.title)
    entry.add("status", _STATUSES.get(status, "TENTATIVE"))
    entry.add("location", ", ".join(part for part in (event.details.venue.name, event.details.venue.address, event.details.city) if part))
    entry.add("geo", (event.details.venue.location.lat, event.details.venue.location.lon))
    entry.add("description", "1 guest" if booking.guests == 1 else f"{booking.guests} guests")
    entry.add("url", url)
    entry.add("transp", "OPAQUE")
    calendar = icalendar.Calendar()
    calendar.add("prodid", "-//dinnerkit//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "CANCEL" if _STATUSES.get(status) == "CANCELLED" else "PUBLISH")
    calendar.add_component(entry)
    return bytes(calendar.to_ical())
