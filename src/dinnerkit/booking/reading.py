"""Bookings as JSON for their guests: who asks at the same moment as others is answered by the same question.

Each is written once for as long as the database sends the same of it. What is remembered goes by the bytes that the database has just
sent, so it can't be behind them, and nothing purges it; the guest's id is among them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple

from orjson import Fragment
from pymongo.database import Database

from dinnerkit.booking.documents import BookingDocument
from dinnerkit.booking.errors import NoSuchBooking
from dinnerkit.booking.presenting import presented
from dinnerkit.booking.rules import has_expired
from dinnerkit.booking.service import BookingService
from dinnerkit.booking.store import Booking, booking_of
from dinnerkit.booking.waiting import WaitingList
from dinnerkit.clock import Clock
from dinnerkit.http.json_bytes import json_to_keep, to_json
from dinnerkit.http.paging import decode_cursor, encode_cursor
from dinnerkit.joint_finds import Find, JointFinds, row_of
from dinnerkit.storage import Row, collection

_SHOWN: Final = dict.fromkeys(("outbox", "remind_at", "ask_at", "updated_at"), 0)
"""Without what no guest is shown, and what changes while that stays the same."""

_REMEMBERED = 1024
"""At about 2.5 kB each."""


@dataclass(frozen=True, slots=True)
class EncodedBooking:
    """A booking as JSON; ``document`` is what the database sent.

    The JSON is that of a booking which does not wait: where one stands on a waiting list is not known from its booking.
    """

    id: str
    status: str
    expires_at: datetime | None
    json: bytes
    document: bytes

    @property
    def is_waiting(self) -> bool:
        """Whether its party is on a waiting list."""
        return self.status == "waitlisted"

    def booking(self) -> Booking:
        """The booking itself, but for when its guest is reminded and asked."""
        return booking_of(row_of(self.document))


@lru_cache(maxsize=_REMEMBERED)
def encoded(document: bytes) -> EncodedBooking:
    """The booking that the database sent as these bytes."""
    booking = booking_of(row_of(document))
    return EncodedBooking(booking.id, booking.status, booking.expires_at, json_to_keep(presented(booking)), document)


class _Wanted(NamedTuple):
    """So many of a guest's bookings at most, the newest first: that one, or those before another, or all."""

    user: str
    limit: int
    booking: str | None = None
    before: str | None = None

    def find(self) -> Find:
        wanted: Row = {"user": self.user}
        if self.booking is not None:
            wanted["_id"] = self.booking
        elif self.before is not None:
            wanted["_id"] = {"$lt": self.before}
        return Find(wanted, _SHOWN, {"_id": -1}, self.limit)


class BookingReader:
    """Shows guests their bookings.

    Args:
        database: whose primary is asked each time, so that guests see at once what they have done.
        bookings: ends those whose time is over.
        waiting: knows where parties stand.
        clock: the time.
    """

    def __init__(self, database: Database[Row], bookings: BookingService, waiting: WaitingList, clock: Clock) -> None:
        rows = collection(database, BookingDocument)
        self._bookings = bookings
        self._waiting = waiting
        self._clock = clock
        self._finds: JointFinds[_Wanted, tuple[EncodedBooking, ...]] = JointFinds(
            lambda question: question(rows, None), _Wanted.find, _encoded_all
        )

    def page(self, user_id: str, limit: int, cursor: str | None) -> bytes:
        """The user's bookings, newest first, as a page of :class:`~dinnerkit.booking.schemas.BookingSchema`.

        Raises:
            BadCursor: the cursor is not of such a list.
        """
        before = decode_cursor(cursor, str)[0] if cursor else None
        found = self._finds.answer(_Wanted(user_id, limit + 1, before=before))
        shown = found[:limit]
        further = encode_cursor(shown[-1].id) if len(found) > limit else None
        waiting = {one.id: one.booking() for one in shown if one.is_waiting}
        positions = self._waiting.positions(user_id, waiting.values())
        items: list[Any] = [presented(waiting[one.id], positions.get(one.id)) if one.id in waiting else Fragment(one.json) for one in shown]
        return to_json({"items": items, "next": further})

    def one(self, user_id: str, booking_id: str) -> bytes:
        """The user's booking, as a :class:`~dinnerkit.booking.schemas.BookingSchema`.

        Raises:
            NoSuchBooking: there is none, or it is somebody else's.
        """
        found = self._finds.answer(_Wanted(user_id, 1, booking=booking_id))
        if not found:
            raise NoSuchBooking("there is no such booking")
        [one] = found
        if not one.is_waiting and not has_expired(one.status, one.expires_at, self._clock()):
            return one.json
        booking = one.booking() if one.is_waiting else self._bookings.get(user_id, booking_id)
        return to_json(presented(booking, self._waiting.position(booking)))


def _encoded_all(_: _Wanted, found: Iterable[bytes]) -> tuple[EncodedBooking, ...]:
    return tuple([encoded(document) for document in found])
