"""Why somebody gets no seats: told by one small read, and by the same one to all who ask at the same moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pymongo.collection import Collection

from dinnerkit.clock import Clock
from dinnerkit.events.seat_errors import AlreadyBooked, BookingClosed, NoSuchEvent, SoldOut
from dinnerkit.joint_reads import JointReads
from dinnerkit.storage import Row

_REMEMBERED = 1024
"""Of so many dinners it is remembered that they were full."""


@dataclass(frozen=True, slots=True)
class Party:
    """Who wants seats, and for which hold."""

    hold: str
    user: str
    guests: int


class Refusals:
    """Tells who gets no seats, and why.

    What is remembered is only where to look first: of a dinner that had too few seats for somebody, whoever comes next reads whether
    that is still so before they try to take any. So a refusal is never about what was before it was asked for.
    """

    def __init__(self, events: Collection[Row], clock: Clock) -> None:
        self._events = events
        self._clock = clock
        self._full: set[str] = set()
        self._reads: JointReads[str, Party, Row | None] = JointReads(self._read)

    def expected(self, event_id: str) -> bool:
        """Whether somebody was refused for want of seats, and nobody has seen any since."""
        return event_id in self._full

    def held(self, event_id: str, party: Party) -> bool:
        """Whether the party has that hold already; if not, seats may be had by now.

        Raises:
            NoSuchEvent, BookingClosed, AlreadyBooked, SoldOut: as :meth:`dinnerkit.events.seats.Seats.take` says.
        """
        row = self._reads.ask(event_id, party)
        if row is None:
            raise NoSuchEvent("there is no such event")
        if any(hold["hold"] == party.hold for hold in row["holds"]):
            return True
        if row["status"] != "published" or row["starts_at"] <= self._clock():
            raise BookingClosed("this event takes no more bookings")
        if any(hold["user"] == party.user for hold in row["holds"]):
            raise AlreadyBooked("you have a booking for this event")
        left = row["seats_left"]
        if left < party.guests:
            self._note(event_id)
            raise SoldOut(f"only {left} seats are left", seats_left=left)
        self._full.discard(event_id)
        return False

    def _note(self, event_id: str) -> None:
        if len(self._full) >= _REMEMBERED:
            self._full.clear()
        self._full.add(event_id)

    def _read(self, event_id: str, parties: Sequence[Party]) -> list[Row | None]:
        """The event as it is, once for each party; of its holds, of which there may be hundreds, only those of these parties."""
        theirs = [
            {"$in": ["$$this.hold", {"$literal": [party.hold for party in parties]}]},
            {"$in": ["$$this.user", {"$literal": [party.user for party in parties]}]},
        ]
        holds = {"$filter": {"input": "$holds", "cond": {"$or": theirs}}}
        fields = {"status": 1, "starts_at": 1, "seats_left": 1, "holds": holds}
        row = self._events.find_one({"_id": event_id, "published_at": {"$ne": None}}, fields)
        return [row] * len(parties)
