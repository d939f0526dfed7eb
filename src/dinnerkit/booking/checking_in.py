"""The door: tickets are shown, and their guests are in."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from babel.dates import format_datetime

from dinnerkit.accounts.people import People, Person
from dinnerkit.booking.errors import AlreadyCheckedIn, BookingNotConfirmed, NoSuchTicket
from dinnerkit.booking.messages import GuestsCheckedIn
from dinnerkit.booking.rules import SETTLED, sources
from dinnerkit.booking.service import BookingService
from dinnerkit.booking.store import Booking, BookingStore
from dinnerkit.booking.tickets import Tickets, drawn
from dinnerkit.clock import Clock
from dinnerkit.events.rules import Status
from dinnerkit.events.service import EventService
from dinnerkit.identity import Principal


@dataclass(frozen=True, slots=True)
class Arrival:
    """A booking as the door sees it.

    Attributes:
        name: of the guest; None where the account is gone.
        ticket_digest: SHA-256 of the ticket in hex, by which a scanner without a connection knows a true one.
    """

    booking: Booking
    name: str | None
    ticket_digest: str


class CheckIn:
    """Gives guests their tickets, and lets hosts check them in."""

    def __init__(
        self, store: BookingStore, bookings: BookingService, events: EventService, people: People, tickets: Tickets, clock: Clock
    ) -> None:
        self._store = store
        self._bookings = bookings
        self._events = events
        self._people = people
        self._tickets = tickets
        self._clock = clock

    def ticket(self, user_id: str, booking_id: str) -> str:
        """The ticket of the user's booking.

        Raises:
            NoSuchBooking: there is none, or it is somebody else's.
            BookingNotConfirmed: it gives no right to come.
        """
        return self._tickets.of(self._confirmed(user_id, booking_id))

    def picture(self, user_id: str, booking_id: str) -> bytes:
        """The same as an SVG picture.

        Raises:
            NoSuchBooking, BookingNotConfirmed: as :meth:`ticket` says.
        """
        booking = self._confirmed(user_id, booking_id)
        when = format_datetime(booking.about["starts_at"], "EEE d MMM y, HH:mm", tzinfo=booking.about["timezone"], locale="en_GB")
        guests = "1 guest" if booking.guests == 1 else f"{booking.guests} guests"
        return drawn(self._tickets.of(booking), booking.about["title"], f"{when} · {guests}")

    def check_in(self, principal: Principal, event_id: str, ticket: str, at: datetime | None = None) -> Arrival:
        """Let the guests of a ticket in.

        Args:
            principal: who stands at the door.
            event_id: of which event.
            ticket: as it was scanned.
            at: when it was scanned, by a device that had no connection then; now, where it is not given or lies in the future.

        Raises:
            NoSuchEvent, NotTheHost: the door is not this user's to keep.
            NoSuchTicket: it is not one of ours for this event.
            BookingNotConfirmed: its booking gives no right to come, or not any more.
            AlreadyCheckedIn: its guests are in; the details say since when.
        """
        event = self._events.managed(principal, event_id)
        booking = self._store.find(self._tickets.booking_id(ticket))
        if booking is None or not self._tickets.valid(ticket, booking) or booking.event != event_id:
            raise NoSuchTicket("this is not a ticket for this event")
        if event.status is Status.CANCELLED:
            raise BookingNotConfirmed("this dinner was called off", booking_status="cancelled")
        now = self._clock()
        came = min(at, now) if at else now
        told = GuestsCheckedIn(booking_id=booking.id, event_id=booking.event, user_id=booking.user)
        arrived = self._store.move(booking, sources("checked_in"), {"status": "checked_in", "checked_in_at": came}, told)
        if arrived is None:
            raise _not_let_in(self._store.find(booking.id) or booking)
        return self._arrival(arrived, self._people.contact(arrived.user))

    def arrivals(self, principal: Principal, event_id: str) -> list[Arrival]:
        """Everybody who may come, for a door without a connection; those who are in already are told apart by their status.

        Raises:
            NoSuchEvent, NotTheHost: the door is not this user's to keep.
        """
        self._events.managed(principal, event_id)
        bookings = self._store.of_event(event_id, SETTLED)
        people = self._people.find({booking.user for booking in bookings})
        return [self._arrival(booking, people.get(booking.user)) for booking in bookings]

    def _confirmed(self, user_id: str, booking_id: str) -> Booking:
        booking = self._bookings.get(user_id, booking_id)
        if booking.status not in SETTLED:
            raise BookingNotConfirmed("only a confirmed booking has a ticket", booking_status=booking.status)
        return booking

    def _arrival(self, booking: Booking, person: Person | None) -> Arrival:
        digest = hashlib.sha256(self._tickets.of(booking).encode()).hexdigest()
        return Arrival(booking, person.name if person else None, digest)


def _not_let_in(booking: Booking) -> AlreadyCheckedIn | BookingNotConfirmed:
    if booking.status == "checked_in" and booking.checked_in_at:
        return AlreadyCheckedIn("these guests are in already", checked_in_at=booking.checked_in_at.isoformat().replace("+00:00", "Z"))
    return BookingNotConfirmed(f"this booking is {booking.status.replace('_', ' ')}", booking_status=booking.status)
