"""Feedback given, changed and taken back, and what seating makes of it.

What one guest says about another is told to nobody: not to the other, not to the host, not to admins. Seating alone reads it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from pymongo.database import Database

from dinnerkit.accounts.people import People
from dinnerkit.booking.rules import CAME
from dinnerkit.booking.store import Booking, BookingStore
from dinnerkit.clock import Clock
from dinnerkit.errors import Invalid
from dinnerkit.matching.feedback.documents import FeedbackDocument
from dinnerkit.matching.feedback.errors import FeedbackClosed, FeedbackNotOpen, NotThere
from dinnerkit.matching.feedback.rules import SAT_TOGETHER, Bonds, bonds, closes_at, opens_at
from dinnerkit.matching.service import SeatingService
from dinnerkit.storage import Row, collection, to_row


@dataclass(frozen=True, slots=True)
class Mate:
    """Somebody of the same table; ``id`` is their booking's, which gives no access to it."""

    id: str
    user: str
    name: str
    wish: str | None


@dataclass(frozen=True, slots=True)
class Feedback:
    """What a guest has said of a dinner, or may say until ``closes_at``."""

    rating: int | None
    mates: tuple[Mate, ...]
    closes_at: datetime


class FeedbackService:
    """Takes feedback of those who were there."""

    def __init__(self, database: Database[Row], bookings: BookingStore, seatings: SeatingService, people: People, clock: Clock) -> None:
        self._feedback = collection(database, FeedbackDocument)
        self._bookings = bookings
        self._seatings = seatings
        self._people = people
        self._clock = clock

    def open_to(self, booking: Booking) -> bool:
        """Whether its guest may say something now."""
        starts_at = booking.about["starts_at"]
        return booking.status in CAME and opens_at(starts_at) <= self._clock() <= closes_at(starts_at)

    def of(self, booking: Booking) -> Feedback:
        """What the booking's guest has said, and about whom they may say something.

        Raises:
            NotThere, FeedbackNotOpen: it is not theirs to say anything, or not yet.
        """
        self._must_be_over(booking)
        row = self._feedback.find_one({"_id": booking.id}) or {}
        wishes = {wish["user"]: wish["wish"] for wish in row.get("wishes", ())}
        mates = sorted(self._mates(booking), key=lambda mate: (mate.name, mate.booking))
        found = tuple(Mate(mate.booking, mate.user, mate.name, wishes.get(mate.user)) for mate in mates)
        return Feedback(row.get("rating"), found, closes_at(booking.about["starts_at"]))

    def give(self, booking: Booking, rating: int | None, wishes: Mapping[str, str]) -> Feedback:
        """Say how it was, in place of what was said before; ``wishes`` are by the ids of the mates.

        Raises:
            NotThere, FeedbackNotOpen, FeedbackClosed: it is not theirs to say anything, not yet, or not any more.
            Invalid: somebody in ``wishes`` was not of the same table.
        """
        known = {mate.id: mate.user for mate in self.of(booking).mates}
        if self._clock() > closes_at(booking.about["starts_at"]):
            raise FeedbackClosed("this dinner was too long ago")
        if strangers := sorted(wishes.keys() - known.keys()):
            raise Invalid("that is nobody of your table", fields={f"wishes.{name}": "Nobody of your table." for name in strangers})
        document = FeedbackDocument(
            id=booking.id,
            event=booking.event,
            user=booking.user,
            rating=rating,
            wishes=[{"user": known[mate], "wish": wish} for mate, wish in sorted(wishes.items())],
            at=self._clock(),
        )
        self._feedback.replace_one({"_id": booking.id}, to_row(document), upsert=True)
        return self.of(booking)

    def take_back(self, booking: Booking) -> None:
        """Forget what the booking's guest said; never too late, and safe to repeat."""
        self._feedback.delete_one({"_id": booking.id, "user": booking.user})

    def bonds(self, users: Collection[str]) -> Bonds:
        """What seating must and would like to do about these users."""
        among = set(users)
        rows = self._feedback.find({"user": {"$in": sorted(among)}, "wishes.0": {"$exists": True}}, ("user", "wishes")).sort("at", 1)
        return bonds((row["user"], wish["user"], wish["wish"]) for row in rows for wish in row["wishes"] if wish["user"] in among)

    def rating(self, event_id: str) -> tuple[float, int] | None:
        """The mean rating of a dinner and how many gave one, for its host; None where fewer than three did: they could be guessed."""
        ratings = [row["rating"] for row in self._feedback.find({"event": event_id, "rating": {"$ne": None}}, ("rating",))]
        return (sum(ratings) / len(ratings), len(ratings)) if len(ratings) >= _FEWEST_TOLD else None

    def _must_be_over(self, booking: Booking) -> None:
        if booking.status not in CAME:
            raise NotThere("only those who were there can say how it was")
        if self._clock() < opens_at(booking.about["starts_at"]):
            raise FeedbackNotOpen("this dinner is not over yet")

    def _mates(self, booking: Booking) -> list[_Seated]:
        """Who sat with the booking's guest; of those whom others brought we know nothing."""
        there = {other.id: other for other in self._bookings.of_event(booking.event, CAME) if other.user != booking.user}
        seating = self._seatings.published(booking.event)
        if seating is None:
            near = list(there) if len(there) < SAT_TOGETHER else []
        else:
            tables = [{place.booking for place in table.places} for table in seating.tables]
            near = [other for table in tables if booking.id in table for other in table & there.keys()]
        people = self._people.find({there[other].user for other in near})
        return [_Seated(other, there[other].user, people[there[other].user].first_name) for other in near if there[other].user in people]


@dataclass(frozen=True, slots=True)
class _Seated:
    booking: str
    user: str
    name: str


_FEWEST_TOLD = 3
