"""Reminders: a day and two hours before the dinner, once each.

When the next is due stands in the booking, and is written with whatever decides it: the confirmation, another time, the last reminder, the
end. So the clockwork looks only at what is due, and nothing that it does twice is told twice.
"""

from __future__ import annotations

from dinnerkit.booking.messages import ReminderDue
from dinnerkit.booking.rules import EXPECTED, REMINDERS, next_reminder
from dinnerkit.booking.store import Booking, BookingStore
from dinnerkit.clock import Clock

_BATCH = 500


class Reminders:
    """Finds the bookings whose guests are to be reminded."""

    def __init__(self, store: BookingStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def run(self) -> int:
        """Go once over what is due; how many guests were reminded. Safe to run in several processes at once."""
        due = self._store.due_for_reminder(self._clock(), _BATCH)
        return sum(self._remind(booking) for booking in due)

    def _remind(self, booking: Booking) -> bool:
        now = self._clock()
        starts_at = booking.about["starts_at"]
        # After a long outage the later reminder takes the place of the earlier; a stray moment is no reminder at all.
        lead = min((lead for lead in REMINDERS if starts_at - lead <= now), default=None)
        wanted = lead is not None and now < starts_at and booking.remind_at in {starts_at - known for known in REMINDERS}
        told = []
        if wanted and lead is not None:
            hours = round(lead.total_seconds() / 3600)
            told.append(ReminderDue(booking_id=booking.id, event_id=booking.event, user_id=booking.user, hours=hours, starts_at=starts_at))
        values = {"remind_at": next_reminder(starts_at, now)}
        same = {"remind_at": booking.remind_at, "about": booking.about}
        if booking.status not in EXPECTED:  # its guests are in
            self._store.move(booking, (booking.status,), {"remind_at": None}, when=same)
            return False
        return self._store.move(booking, EXPECTED, values, *told, when=same) is not None and bool(told)
