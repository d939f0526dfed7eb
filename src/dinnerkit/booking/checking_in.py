"""The door: tickets are shown, and their guests are in."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from babel.dates import format_datetime

from dinnerkit.accounts.people import People, Person
from dinnerkit.booking.errors import (
    AlreadyCheckedIn,
    BookingNotConfirmed,
    DinnerNotBegun,
    NoSuchBooking,
    NoSuchTicket,
    TooLateToCorrect,
)
from dinnerkit.booking.messages import GuestsCheckedIn
from dinnerkit.booking.no_shows import did_not_come
from dinnerkit.booking.rules import SETTLED, sources
from dinnerkit.booking.service import BookingService
from dinnerkit.booking.store import Booking, BookingStore
from dinnerkit.booking.tickets import Tickets, drawn
from dinnerkit.clock import Clock
from dinnerkit.events.rules import Event, Status
from dinnerkit.events.service import EventService
from dinnerkit.identity import Principal
from dinnerkit.messages import Message

CORRECTABLE_FOR = timedelta(days=7)
"""How long after the beginning of a dinner its host can say who was there."""


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
            TooLateToCorrect: it was too long ago.
        """
        event = self._events.managed(principal, event_id)
        booking = self._of_ticket(event_id, ticket)
        if event.status is Status.CANCELLED:
            raise BookingNotConfirmed("this dinner was called off", booking_status="cancelled")
        now = self._clock()
        if booking.status != "checked_in":
            _must_be_in_time(event, now)
        came = min(at, now) if at else now
        values = {"status": "checked_in", "checked_in_at": came}
        arrived = self._store.move(booking, sources("checked_in"), values, _told(booking, came=True))
        if arrived is None:
            raise _not_let_in(self._store.find(booking.id) or booking)
        return self._arrival(arrived, self._people.contact(arrived.user))

    def shown(self, principal: Principal, event_id: str, ticket: str) -> Arrival:
        """The booking of a ticket, as it is.

        Raises:
            NoSuchEvent, NotTheHost: the door is not this user's to keep.
            NoSuchTicket: it is not one of ours for this event.
        """
        self._events.managed(principal, event_id)
        booking = self._of_ticket(event_id, ticket)
        return self._arrival(booking, self._people.contact(booking.user))

    def note(self, principal: Principal, event_id: str, booking_id: str, at: datetime | None = None, *, came: bool) -> Arrival:
        """Say of a booking's guests that they came, or did not: at the door without a ticket, or afterwards, to put it right.

        A second call answers the same. ``at`` is as for :meth:`check_in`.

        Raises:
            NoSuchEvent, NotTheHost: the door is not this user's to keep.
            NoSuchBooking: there is none of this event.
            BookingNotConfirmed: it gives no right to come, or not any more.
            DinnerNotBegun: nobody can have missed it yet.
            TooLateToCorrect: it was too long ago.
        """
        event = self._events.managed(principal, event_id)
        booking = self._store.find(booking_id)
        if booking is None or booking.event != event_id:
            raise NoSuchBooking("there is no such booking of this event")
        if event.status is Status.CANCELLED:
            raise BookingNotConfirmed("this dinner was called off", booking_status="cancelled")
        now = self._clock()
        _must_be_in_time(event, now)
        if not came and not event.begun(now):
            raise DinnerNotBegun("nobody can have missed this dinner yet")
        target = "checked_in" if came else "no_show"
        if booking.status != target:
            values = {"status": target, "checked_in_at": (min(at, now) if at else now) if came else None}
            booking = (
                self._store.move(booking, sources(target), values, _told(booking, came=came)) or self._store.find(booking.id) or booking
            )
        if booking.status != target:
            raise _not_let_in(booking)
        return self._arrival(booking, self._people.contact(booking.user))

    def arrivals(self, principal: Principal, event_id: str) -> list[Arrival]:
        """Everybody who may come, for a door without a connection; those who are in already are told apart by their status.

        Raises:
            NoSuchEvent, NotTheHost: the door is not this user's to keep.
        """
        self._events.managed(principal, event_id)
        bookings = self._store.of_event(event_id, SETTLED)
        people = self._people.find({booking.user for booking in bookings})
        return [self._arrival(booking, people.get(booking.user)) for booking in bookings]

    def _of_ticket(self, event_id: str, ticket: str) -> Booking:
        booking = self._store.find(self._tickets.booking_id(ticket))
        if booking is None or not self._tickets.valid(ticket, booking) or booking.event != event_id:
            raise NoSuchTicket("this is not a ticket for this event")
        return booking

    def _confirmed(self, user_id: str, booking_id: str) -> Booking:
        booking = self._bookings.get(user_id, booking_id)
        if booking.status not in SETTLED:
            raise BookingNotConfirmed("only a confirmed booking has a ticket", booking_status=booking.status)
        return booking

    def _arrival(self, booking: Booking, person: Person | None) -> Arrival:
        digest = hashlib.sha256(self._tickets.of(booking).encode()).hexdigest()
        return Arrival(booking, person.name if person else None, digest)


def _must_be_in_time(event: Event, now: datetime) -> None:
    """From then on deposits are kept for good."""
    if now >= event.details.starts_at + CORRECTABLE_FOR:
        raise TooLateToCorrect(f"who was there can be told for {CORRECTABLE_FOR.days} days")


def _told(booking: Booking, *, came: bool) -> Message:
    return GuestsCheckedIn(booking_id=booking.id, event_id=booking.event, user_id=booking.user) if came else did_not_come(booking)


def _not_let_in(booking: Booking) -> AlreadyCheckedIn | BookingNotConfirmed:
    if booking.status == "checked_in" and booking.checked_in_at:
        return AlreadyCheckedIn("these guests are in already", checked_in_at=booking.checked_in_at.isoformat().replace("+00:00", "Z"))
    return BookingNotConfirmed(f"this booking is {booking.status.replace('_', ' ')}", booking_status=booking.status)
