"""Whom of those who wait a table suits best that has just lost somebody."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import structlog
from numpy.typing import NDArray
from pymongo.errors import PyMongoError

from dinnerkit.booking.rules import SETTLED
from dinnerkit.booking.store import BookingStore
from dinnerkit.errors import DinnerkitError
from dinnerkit.events.seat_holds import SeatHold
from dinnerkit.events.seat_rules import Waiting
from dinnerkit.events.service import EventService
from dinnerkit.matching.guest_list import GuestList, places_of
from dinnerkit.matching.people.crowd import Crowd
from dinnerkit.matching.rules.again import TogetherAgain
from dinnerkit.matching.rules.default_rules import DEFAULT_RULES
from dinnerkit.matching.rules.kinds import HardRule, Index, Rule, SoftRule
from dinnerkit.matching.seatings import Place
from dinnerkit.matching.service import SeatingService

log = structlog.get_logger(__name__)

_MOST_COMPANY = 200
"""So many of a whole night's guests are looked at, where there is no table: in the order of their bookings."""


class BestFit:
    """Orders parties by how well they suit the table that lost somebody, or the night where there is none.

    The order depends on nothing but what is stored, so that whoever has to choose again after a conflict or a crash chooses alike.
    """

    def __init__(self, events: EventService, bookings: BookingStore, seatings: SeatingService, guest_list: GuestList) -> None:
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
        rules: tuple[Rule, ...] = (*DEFAULT_RULES, TogetherAgain(again)) if again else DEFAULT_RULES
        crowd = Crowd.of(guests)
        there, those = np.arange(len(company)), np.arange(len(company), len(guests))
        breaks = _breaks(crowd, rules, there, those, at_a_table=at_a_table)
        fit = _fit(crowd, rules, there, those)
        order = sorted(range(len(waiting)), key=lambda number: (float(breaks[number]), -round(float(fit[number]), 6), number))
        return [waiting[number] for number in order]

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


def _breaks(
    crowd: Crowd, rules: Sequence[Rule], there: NDArray[np.int64], those: NDArray[np.int64], *, at_a_table: bool
) -> NDArray[np.float64]:
    """How much of the company each could not sit with: of a table 1 or 0, of a whole night the share of its guests."""
    refused = np.zeros((len(those), len(there)), np.bool_)
    whole = np.zeros(len(those), np.bool_)
    for keep in (rule.keep(crowd) for rule in rules if isinstance(rule, HardRule)):
        if keep.apart is not None:
            refused |= keep.apart.linked(those[:, None], there[None, :])
        if keep.share is not None:
            refused |= ~(keep.share[those][:, None, :] & keep.share[there][None, :, :]).any(axis=2)
            common = np.bitwise_and.reduce(keep.share[there], axis=0)
            whole |= common.any() & ~(keep.share[those] & common).any(axis=1)
    return (refused.any(axis=1) | whole).astype(np.float64) if at_a_table else refused.mean(axis=1)


def _fit(crowd: Crowd, rules: Sequence[Rule], there: Index, those: Index) -> NDArray[np.float64]:
    """The mean score of each with the company, 0–1."""
    total, fit = 0.0, np.zeros(len(those))
    for rule in rules:
        if isinstance(rule, SoftRule) and rule.in_play(crowd):
            fit += rule.weight * rule.score(crowd, those[:, None], there[None, :]).astype(np.float64).mean(axis=1)
            total += rule.weight
    return fit / total if total else fit
