"""Whom of those who wait a table suits best that has just lost somebody."""

from __future__ import annotations

from collections.abc import Sequence

import structlog
from pymongo.errors import PyMongoError

from dinnerkit.booking.rules import SETTLED
from dinnerkit.booking.store import BookingStore
from dinnerkit.errors import DinnerkitError
from dinnerkit.events.seat_holds import SeatHold
from dinnerkit.events.seat_rules import Waiting
from dinnerkit.events.service import EventService
from dinnerkit.matching.guest_list import GuestList
from dinnerkit.matching.seatings import Place, places_of
from dinnerkit.matching.service import SeatingService
from dinnerkit.ports.offload import Offload, inline

log = structlog.get_logger(__name__)

_MOST_COMPANY = 200
"""So many of a whole night's guests are looked at, where there is no table: in the order of their bookings."""


class BestFit:
    """Orders parties by how well they suit the table that lost somebody, or the night where there is none.

    The order depends on nothing but what is stored, so that whoever has to choose again after a conflict or a crash chooses alike.
    """

    def __init__(
        self, events: EventService, bookings: BookingStore, seatings: SeatingService, guest_list: GuestList, offload: Offload = inline
    ) -> None:
        self._offload = offload
        self._events = events
        self._bookings = bookings
        self._seatings = seatings
        self._guest_list = guest_list

    def order(self, event_id: str, freed: SeatHold | None, waiting: Sequence[Waiting]) -> Sequence[Waiting]:
        """The parties, the best first; those who would break a hard rule last; of equals the one who came first.

        A choice that can't be made must not keep seats: then it is first come, first served.
        """
        try:
            return self._ordered(event_id, freed, waiting)
        except (DinnerkitError, PyMongoError) as error:
            log.warning("no_best_fit", dinner=event_id, error=type(error).__name__)
            return waiting

    def _ordered(self, event_id: str, freed: SeatHold | None, waiting: Sequence[Waiting]) -> Sequence[Waiting]:
        company, at_a_table = self._company(event_id, freed)
        if not company or len(waiting) <= 1:
            return waiting
        candidates = [Place(party.entry, party.user, 0) for party in waiting]
        guests, again = self._guest_list.of(self._events.event(event_id), [*company, *candidates])

        def best_first() -> list[int]:
            # A web process computes this alone of all seating, and hardly ever: numpy and the rules come when it does, off its event loop.
            from dinnerkit.matching.fitting import best_first  # noqa: PLC0415

            return best_first(guests, again, len(company), at_a_table=at_a_table)

        return [waiting[number] for number in self._offload(best_first, ("dinnerkit.matching.fitting",))]

    def _company(self, event_id: str, freed: SeatHold | None) -> tuple[list[Place], bool]:
        """Who sits at the table of the last seating that lost somebody, less who is gone; or the night's guests, and False."""
        coming = {booking.id: booking for booking in self._bookings.of_event(event_id, SETTLED)}
        gone = freed.booking if freed else None
        seating = self._seatings.last_made(event_id)
        for table in seating.tables if seating and gone else ():
            if any(place.booking == gone for place in table.places):
                left = [place for place in table.places if place.booking in coming and place.booking != gone]
                if left:
                    return left, True
        others = [booking for name, booking in coming.items() if name != gone]
        return places_of(others)[:_MOST_COMPANY], False
