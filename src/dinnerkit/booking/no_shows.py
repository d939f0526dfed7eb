"""Who did not come: found some hours after the dinner, and put right by its host for some days."""

from __future__ import annotations

from datetime import timedelta

from dinnerkit.booking.messages import GuestsDidNotCome
from dinnerkit.booking.rules import EXPECTED, OVER_AFTER
from dinnerkit.booking.store import Booking, BookingStore
from dinnerkit.clock import Clock
from dinnerkit.events.seats import Seats

LOOKING_BACK = timedelta(days=3)
"""Dinners that began earlier are not looked at any more."""


class NoShows:
    """Marks the bookings of those who did not come."""

    def __init__(self, store: BookingStore, seats: Seats, clock: Clock) -> None:
        self._store = store
        self._seats = seats
        self._clock = clock

    def run(self) -> int:
        """Go over the dinners of the last days that are over, and at which somebody was checked in; how many were marked.

        Where nobody was checked in, the host keeps no door, and nothing is known of anybody. Safe to run in several processes at once.
        """
        now = self._clock()
        begun = (now - LOOKING_BACK, now - OVER_AFTER)
        kept = self._store.events_with({"checked_in"}, begun) & self._store.events_with(EXPECTED, begun)
        # A host may have moved the dinner since, and the bookings not know of it yet.
        over = [event_id for event_id in sorted(kept) if self._seats.facts(event_id).starts_at <= begun[1]]
        return sum(self._mark(booking) for event_id in over for booking in self._store.of_event(event_id, EXPECTED))

    def _mark(self, booking: Booking) -> bool:
        return self._store.move(booking, EXPECTED, {"status": "no_show"}, did_not_come(booking)) is not None


def did_not_come(booking: Booking) -> GuestsDidNotCome:
    """What is told of a booking whose guests did not come."""
    return GuestsDidNotCome(booking_id=booking.id, event_id=booking.event, user_id=booking.user)
