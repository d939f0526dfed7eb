"""Why somebody gets no seats: told by one small read, and by the same one to all who ask at the same moment."""

from __future__ import annotations

from collections.abc import Sequence

from pymongo.collection import Collection

from dinnerkit.clock import Clock
from dinnerkit.events.seat_errors import AlreadyBooked, BookingClosed, NoSuchEvent, SoldOut
from dinnerkit.events.seat_holds import SeatHold
from dinnerkit.joint_reads import JointReads
from dinnerkit.storage import Row

_REMEMBERED = 1024
_FEW_LEFT = {0: "no seats are left", 1: "only one seat is left"}
"""Of so many dinners it is remembered that they were full."""


class Refusals:
    """Tells who gets no seats, and why.

    What is remembered is only where to look first: of a dinner that had too few seats for somebody, whoever comes next reads whether
    that is still so before they try to take any. So a refusal is never about what was before it was asked for.
    """

    def __init__(self, events: Collection[Row], clock: Clock) -> None:
        self._events = events
        self._clock = clock
        self._full: set[str] = set()
        self._reads: JointReads[str, SeatHold, Row | None] = JointReads(self._read)

    def expected(self, event_id: str) -> bool:
        """Whether somebody was refused for want of seats, and nobody has seen any since."""
        return event_id in self._full

    def held(self, wanted: SeatHold) -> bool:
        """Whether the hold is there already; if not, seats may be had by now.

        Raises:
            NoSuchEvent, BookingClosed, AlreadyBooked, SoldOut: as :meth:`dinnerkit.events.seats.Seats.take` says.
        """
        row = self._reads.ask(wanted.event, wanted)
        if row is None:
            raise NoSuchEvent("there is no such event")
        if any(hold["hold"] == wanted.hold for hold in row["holds"]):
            return True
        if row["status"] != "published" or row["starts_at"] <= self._clock():
            raise BookingClosed("this event takes no more bookings")
        if any(hold["user"] == wanted.user for hold in row["holds"]):
            raise AlreadyBooked("you have a booking for this event")
        left = row["seats_left"]
        if left < wanted.guests:
            self._note(wanted.event)
            raise SoldOut(_FEW_LEFT.get(left, f"only {left} seats are left"), seats_left=left)
        self._full.discard(wanted.event)
        return False

    def _note(self, event_id: str) -> None:
        if len(self._full) >= _REMEMBERED:
            self._full.clear()
        self._full.add(event_id)

    def _read(self, event_id: str, together: Sequence[SeatHold]) -> list[Row | None]:
        """The event as it is, once for each hold that is asked for, with these of its hundreds of holds alone."""
        theirs = [
            {"$in": ["$$this.hold", {"$literal": [wanted.hold for wanted in together]}]},
            {"$in": ["$$this.user", {"$literal": [wanted.user for wanted in together]}]},
        ]
        holds = {"$filter": {"input": "$holds", "cond": {"$or": theirs}}}
        fields = {"status": 1, "starts_at": 1, "seats_left": 1, "holds": holds}
        row = self._events.find_one({"_id": event_id, "published_at": {"$ne": None}}, fields)
        return [row] * len(together)
