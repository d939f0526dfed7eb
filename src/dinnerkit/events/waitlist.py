"""The waiting list of an event: who joins, who leaves, and where one stands."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from pymongo import ReturnDocument
from pymongo.database import Database

from dinnerkit.clock import Clock
from dinnerkit.events.documents import EventDocument
from dinnerkit.events.seat_errors import (
    AlreadyBooked,
    AlreadyWaiting,
    BookingClosed,
    NoSuchEvent,
    NotWaiting,
    PartyTooLarge,
    SeatsAvailable,
    WaitingListFull,
)
from dinnerkit.events.seat_rules import Waiting
from dinnerkit.events.seats import must_be_a_party
from dinnerkit.ids import new_id
from dinnerkit.storage import Row, collection

MAX_WAITING = 1_000
"""The longest waiting list; it lies in the event's document."""


@dataclass(frozen=True, slots=True)
class Place:
    """An entry of the list, and where it stands, from 1."""

    entry: str
    position: int


class Waitlist:
    """First come, first served; see :mod:`dinnerkit.events.seats` for how seats get from here into holds."""

    def __init__(self, database: Database[Row], clock: Clock) -> None:
        self._events = collection(database, EventDocument)
        self._clock = clock

    def join(self, event_id: str, user_id: str, guests: int, *, entry_id: str | None = None) -> int:
        """Put a party at the end of the list; its position, from 1.

        ``entry_id`` is a new id, which the booking of an offer will have.

        Raises:
            Invalid: for no guests.
            NoSuchEvent: there is none, or it was never published.
            BookingClosed: it is cancelled or has begun.
            SeatsAvailable: the party can book now.
            AlreadyBooked: the guest has a live booking, or an offer.
            AlreadyWaiting: the guest waits already.
            PartyTooLarge: the event has not that many seats at all.
            WaitingListFull: ``MAX_WAITING`` parties wait.
        """
        must_be_a_party(guests)
        party = {"entry": entry_id or new_id(), "user": user_id, "guests": guests, "at": self._clock()}
        row = self._events.find_one_and_update(
            {
                "_id": event_id,
                "status": "published",
                "starts_at": {"$gt": self._clock()},
                "seats": {"$gte": guests},
                "seats_left": {"$lt": guests},
                "holds.user": {"$ne": user_id},
                "waitlist.user": {"$ne": user_id},
                f"waitlist.{MAX_WAITING - 1}": {"$exists": False},
            },
            {"$push": {"waitlist": party}, "$inc": {"seq": 1}},
            projection=("waitlist.user",),
            return_document=ReturnDocument.AFTER,
        )
        return _position(row, user_id) if row else self._why_not(event_id, user_id, guests)

    def leave(self, event_id: str, user_id: str, entry_id: str | None = None) -> str:
        """Take the guest's party off the list; the id of its entry. With ``entry_id`` only if it has that one.

        Raises:
            NotWaiting: it is not there.
        """
        party = {"user": user_id} | ({"entry": entry_id} if entry_id else {})
        waiting = {"_id": event_id, "waitlist": {"$elemMatch": party}}
        row = self._events.find_one_and_update(
            waiting,
            {"$pull": {"waitlist": party}, "$inc": {"seq": 1}},
            projection={"waitlist": {"$elemMatch": party}},
        )
        if row is None:
            raise NotWaiting("you are not on this waiting list")
        entry: str = row["waitlist"][0]["entry"]
        return entry

    def place(self, event_id: str, user_id: str) -> Place | None:
        """Where the guest's party stands, or None."""
        row = self._events.find_one({"_id": event_id, "waitlist.user": user_id}, ("waitlist.user", "waitlist.entry"))
        if row is None:
            return None
        position = _position(row, user_id)
        return Place(row["waitlist"][position - 1]["entry"], position)

    def places(self, event_ids: Collection[str], user_id: str) -> dict[str, Place]:
        """Where the guest's party stands at each of the events where it waits, by one query."""
        at = {"$indexOfArray": ["$waitlist.user", {"$literal": user_id}]}
        shown = {"at": at, "entry": {"$arrayElemAt": ["$waitlist.entry", at]}}
        waiting = {"_id": {"$in": sorted(event_ids)}, "waitlist.user": user_id}
        return {
            row["_id"]: Place(row["entry"], row["at"] + 1) for row in self._events.aggregate([{"$match": waiting}, {"$project": shown}])
        }

    def position(self, event_id: str, user_id: str) -> int | None:
        """Where the guest stands, from 1, or None."""
        place = self.place(event_id, user_id)
        return place.position if place else None

    def parties(self, event_id: str) -> list[Waiting]:
        """The parties who wait, in their order."""
        row = self._events.find_one({"_id": event_id}, ("waitlist",))
        return [Waiting(party["entry"], party["user"], party["guests"]) for party in row["waitlist"]] if row else []

    def waiting(self, event_id: str) -> list[str]:
        """The users who wait, in their order."""
        return [party.user for party in self.parties(event_id)]

    def events_with_a_list(self) -> list[str]:
        """The events to come for which somebody waits."""
        query = {"listed": True, "starts_at": {"$gt": self._clock()}, "waitlist.user": {"$exists": True}}
        return [row["_id"] for row in self._events.find(query, ("_id",))]

    def _why_not(self, event_id: str, user_id: str, guests: int) -> int:
        row = self._events.find_one({"_id": event_id, "published_at": {"$ne": None}})
        if row is None:
            raise NoSuchEvent("there is no such event")
        if row["status"] != "published" or row["starts_at"] <= self._clock():
            raise BookingClosed("this event takes no more bookings")
        if any(hold["user"] == user_id for hold in row["holds"]):
            raise AlreadyBooked("you have a booking for this event")
        if any(party["user"] == user_id for party in row["waitlist"]):
            raise AlreadyWaiting("you are on this waiting list", position=_position(row, user_id))
        if guests > row["seats"]:
            raise PartyTooLarge(f"the event has {row['seats']} seats", seats=row["seats"])
        if len(row["waitlist"]) >= MAX_WAITING:
            raise WaitingListFull("the waiting list is full")
        if row["seats_left"] < guests:  # what was in the way has gone since
            return self.join(event_id, user_id, guests)
        raise SeatsAvailable("seats are available: book them", seats_left=row["seats_left"])


def _position(row: Row, user_id: str) -> int:
    return next(place for place, party in enumerate(row["waitlist"], start=1) if party["user"] == user_id)
