"""Bookings follow their event: when a host moves a dinner, each guest's booking says so, and the guest is told."""

from __future__ import annotations

from typing import Any

from dinnerkit.booking.making import DEPOSIT_KEPT, about
from dinnerkit.booking.messages import BookingMoved
from dinnerkit.booking.rules import EXPECTED, LIVE, UNPAID, asked_at, next_reminder
from dinnerkit.booking.store import Booking, BookingStore
from dinnerkit.clock import Clock
from dinnerkit.events.rules import MOVING
from dinnerkit.events.seat_holds import EventFacts
from dinnerkit.events.seats import Seats
from dinnerkit.ids import new_id

_MOST_TRIES = 5


class Following:
    """Brings what bookings say of their event up to date."""

    def __init__(self, store: BookingStore, seats: Seats, clock: Clock) -> None:
        self._store = store
        self._seats = seats
        self._clock = clock

    def follow(self, event_id: str) -> int:
        """Update the event's bookings, those that wait too; how many were behind. Safe to repeat.

        What a guest is told is the difference between what the booking said and what is so now: so nobody is told twice.
        """
        updated = 0
        for _ in range(_MOST_TRIES):  # whoever took another step at that moment, such as to pay, is still behind
            facts = self._seats.facts(event_id)
            behind = [booking for booking in self._store.of_event(event_id, LIVE | {"waitlisted"}) if booking.about != about(facts)]
            updated += sum(self._update(booking, facts) for booking in behind)
            if not behind:
                break
        return updated

    def catch_up(self, booking: Booking, facts: EventFacts | None = None) -> Booking:
        """Update one booking that was over, or not made yet, when the others followed; as it is then. Safe to repeat.

        ``facts`` are of the event, if it was read after the booking was made or came back to life.
        """
        for _ in range(_MOST_TRIES):
            facts = facts or self._seats.facts(booking.event)
            if booking.status not in LIVE or booking.about == about(facts):
                break
            self._update(booking, facts)
            booking, facts = self._store.find(booking.id) or booking, None
        return booking

    def _update(self, booking: Booking, facts: EventFacts) -> bool:
        now = self._clock()
        values: dict[str, Any] = {"about": about(facts)}
        moved = [name for name in MOVING if booking.about[name] != values["about"][name]]
        told = []
        if moved:
            values["free_until"] = facts.free_until
            told.append(
                BookingMoved(
                    booking_id=booking.id,
                    event_id=booking.event,
                    user_id=booking.user,
                    was={name: booking.about[name] for name in MOVING},
                    change_id=new_id(),
                )
            )
        if "starts_at" in moved and booking.deposit_due_at and booking.status in UNPAID | EXPECTED:
            values["deposit_due_at"] = facts.starts_at + DEPOSIT_KEPT
        if "starts_at" in moved and booking.status in EXPECTED:
            values |= {"remind_at": next_reminder(facts.starts_at, now), "ask_at": asked_at(facts.starts_at, facts.timezone)}
        return self._store.move(booking, (booking.status,), values, *told, when={"about": booking.about}) is not None
