"""The seating of an event's guests: asked for by the host, computed by a worker, published, and shown to each guest."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from pymongo.database import Database

from dinnerkit.accounts.people import People, Person
from dinnerkit.booking.rules import SETTLED
from dinnerkit.booking.store import Booking, BookingStore
from dinnerkit.clock import Clock
from dinnerkit.delivery.outbox import Outbox
from dinnerkit.events.service import EventService
from dinnerkit.identity import Principal
from dinnerkit.matching.app_errors import NobodyToSeat, NoSuchSeating, NoTableYet, SeatingFailed, SeatingNotDone
from dinnerkit.matching.comparing import Comparison, compare
from dinnerkit.matching.documents import SeatingDocument
from dinnerkit.matching.errors import RuleInvalid
from dinnerkit.matching.messages import SeatingPublished, SeatingRequested
from dinnerkit.matching.presenting import refusal
from dinnerkit.matching.seatings import MOST_KEPT, Place, SeatedTable, Staying, StoredSeating, Wishes, from_row, places_of
from dinnerkit.storage import Row, collection, insert

NO_WISHES = Wishes()


class SeatingService:
    """What hosts and guests do with seatings; :class:`dinnerkit.matching.computing.SeatingWork` computes them."""

    def __init__(self, database: Database[Row], events: EventService, bookings: BookingStore, people: People, clock: Clock) -> None:
        self._database = database
        self._seatings = collection(database, SeatingDocument)
        self._events = events
        self._bookings = bookings
        self._people = people
        self._clock = clock
        self._outbox = Outbox(clock)

    def request(self, principal: Principal, event_id: str, *, seating_id: str, wishes: Wishes = NO_WISHES) -> StoredSeating:
        """Ask for a seating of the guests who are confirmed now; a worker computes it.

        ``seating_id`` is a new id; the same call with the same id again finds the same seating.

        Raises:
            NoSuchEvent, NotTheHost: the event is not this user's to seat.
            NoSuchSeating, SeatingNotDone: there is none whose tables could be kept or mended.
            RuleInvalid: it has no table of such a number, or no such guest at any; too many guests are to be kept; or something is to
                be kept and mended at once.
            NobodyToSeat: nobody is confirmed.
        """
        self._events.managed(principal, event_id)
        earlier = self._seatings.find_one({"_id": seating_id, "event": event_id})
        if earlier is not None:
            return from_row(earlier)
        if not self._bookings.of_event(event_id, SETTLED):
            raise NobodyToSeat("no guest is confirmed yet")
        if wishes.keep and wishes.mend:
            raise RuleInvalid("either keep tables or guests and seat the others anew, or mend the tables that there are")
        kept = self._kept(principal, event_id, wishes.keep) if wishes.keep else {}
        if wishes.mend:
            self._tables(principal, event_id, wishes.mend[0])
        document = SeatingDocument(
            id=seating_id,
            event=event_id,
            status="queued",
            progress=0.0,
            seed=wishes.seed,
            best_effort=wishes.best_effort,
            least=wishes.least,
            **kept,
            mends={"seating": wishes.mend[0], "moves": wishes.mend[1]} if wishes.mend else {},
            created_at=self._clock(),
            outbox=self._outbox.entries(SeatingRequested(seating_id=seating_id)),
        )
        return from_row(insert(self._database, document))

    def get(self, principal: Principal, event_id: str, seating_id: str) -> StoredSeating:
        """A seating, for the event's host.

        Raises:
            NoSuchEvent, NotTheHost, NoSuchSeating: it is not there, or not this user's to see.
        """
        self._events.managed(principal, event_id)
        row = self._seatings.find_one({"_id": seating_id, "event": event_id}, {"halfway": 0})
        if row is None:
            raise NoSuchSeating("there is no such seating")
        return from_row(row)

    def runs(self, principal: Principal, event_id: str, *, limit: int, before: str | None = None) -> list[StoredSeating]:
        """The seatings of the event, newest first, from behind the one with the id ``before``; without their tables.

        Raises:
            NoSuchEvent, NotTheHost: the event is not this user's to seat.
        """
        self._events.managed(principal, event_id)
        query = {"event": event_id} | ({"_id": {"$lt": before}} if before else {})
        return [from_row(row) for row in self._seatings.find(query, {"tables": 0, "outbox": 0, "halfway": 0}).sort("_id", -1).limit(limit)]

    def compare(self, principal: Principal, event_id: str, one_id: str, other_id: str) -> Comparison:
        """What would change from one seating of the event to another.

        Raises:
            NoSuchEvent, NotTheHost, NoSuchSeating: one is not there, or not this user's to see.
            SeatingNotDone: one has no tables.
        """
        one, other = (self.get(principal, event_id, seating_id) for seating_id in (one_id, other_id))
        if not one.tables or not other.tables:
            raise SeatingNotDone("only seatings that have tables can be compared")
        return compare(one, other)

    def latest(self, event_id: str) -> StoredSeating | None:
        """The seating of the event that was asked for last, whatever became of it; the caller has checked who may see it."""
        row = self._seatings.find_one({"event": event_id}, {"halfway": 0}, sort=[("_id", -1)])
        return from_row(row) if row else None

    def last_made(self, event_id: str) -> StoredSeating | None:
        """The seating with tables that was asked for last; the caller has checked who may see it."""
        row = self._seatings.find_one({"event": event_id, "status": {"$in": ["done", "published"]}}, sort=[("_id", -1)])
        return from_row(row) if row else None

    def publish(self, principal: Principal, event_id: str, seating_id: str) -> StoredSeating:
        """Let the guests see their tables; the seating that is published last is in force, also if it had been before.

        A second call for the one in force changes nothing.

        Raises:
            NoSuchEvent, NotTheHost, NoSuchSeating: it is not there, or not this user's.
            SeatingNotDone: there are no tables to publish.
        """
        seating = self.get(principal, event_id, seating_id)
        if seating.status not in {"done", "published"}:
            raise SeatingNotDone("this seating has no tables to publish")
        in_force = self.published(event_id)
        if in_force is None or in_force.id != seating_id:
            told = SeatingPublished(seating_id=seating_id, event_id=event_id)
            self._seatings.update_one(
                {"_id": seating_id, "event": event_id, "published_at": seating.published_at},
                {"$set": {"status": "published", "published_at": self._clock()}, "$push": self._outbox.push(told)},
            )
        return self.get(principal, event_id, seating_id)

    def published(self, event_id: str) -> StoredSeating | None:
        """The seating in force; the caller has checked who may see it."""
        row = self._seatings.find_one({"event": event_id, "status": "published"}, sort=[("published_at", -1)])
        return from_row(row) if row else None

    def seat_bookings(self, event_id: str) -> None:
        """Make the bookings that have a table in the seating in force seated, and the others not; safe to repeat."""
        seating = self.published(event_id)
        while seating is not None:
            self._bookings.seat(event_id, {place.booking for table in seating.tables for place in table.places})
            written, seating = seating, self.published(event_id)
            if seating is not None and (seating.id, seating.published_at) == (written.id, written.published_at):
                return

    def pass_on(self, event_id: str, booking_id: str, to_booking_id: str, to_user_id: str) -> None:
        """Let whoever got the seats of a booking have its places in all seatings of the event; safe to repeat."""
        lists = ("tables.$[].places.$[mine]", "unseated.$[mine]")
        place, left = ({f"{name}.booking": to_booking_id, f"{name}.user": to_user_id} for name in lists)
        mine = [{"mine.booking": booking_id}]
        self._seatings.update_many({"event": event_id, "tables.places.booking": booking_id}, {"$set": place}, array_filters=mine)
        self._seatings.update_many({"event": event_id, "unseated.booking": booking_id}, {"$set": left}, array_filters=mine)
        seating = self.published(event_id)
        if seating is not None:
            self.seat_bookings(event_id)

    def latest_published(self, limit: int) -> list[StoredSeating]:
        """The seatings in force that were published last, one for each event; the caller has checked who may see them."""
        stages: list[Row] = [
            {"$match": {"status": "published"}},
            {"$sort": {"published_at": -1}},
            {"$group": {"_id": "$event", "seating": {"$first": "$$ROOT"}}},
            {"$replaceRoot": {"newRoot": "$seating"}},
            {"$sort": {"published_at": -1, "_id": -1}},
            {"$limit": limit},
        ]
        return [from_row(row) for row in self._seatings.aggregate(stages)]

    def table_of(self, booking: Booking) -> SeatedTable:
        """The table of a guest's booking.

        Raises:
            NoTableYet: no seating is published, or this booking has no place in it.
        """
        seating = self.published(booking.event) if booking.status in SETTLED else None
        for table in seating.tables if seating else ():
            if any(place.booking == booking.id for place in table.places):
                return table
        raise NoTableYet("the tables are not published yet")

    def people_of(self, places: Collection[Place]) -> dict[str, Person]:
        """The users of these places, by id, and those whom they bring and have named, by their ids within the seating."""
        named = self._bookings.companions_of({place.booking for place in places if place.companion})
        people = self._people.find({place.user for place in places})
        for place in places:
            if 1 <= place.companion <= len(named.get(place.booking, ())):
                companion = named[place.booking][place.companion - 1]
                people[place.guest_id] = Person(place.guest_id, companion.name, "", diets=companion.diets, traits=companion.traits)
        return people

    def tables_or_why(self, seating: StoredSeating) -> StoredSeating | None:
        """The seating if it has tables, None while it is being computed.

        Raises:
            SeatingFailed: the rules could not be met.
        """
        if seating.status == "impossible":
            problem = self.refusal(seating)
            raise SeatingFailed(problem.pop("message"), **problem)
        return None if seating.status == "queued" else seating

    def refusal(self, seating: StoredSeating) -> dict[str, Any]:
        """Why not everybody could be seated, told to the host by names; the caller has checked who may see it."""
        concerned = {guest for cause in (seating.problem or {}).get("causes", ()) for guest in cause["guests"]}
        coming = places_of(self._bookings.of_event(seating.event, SETTLED))
        places = [place for place in coming if place.guest_id in concerned]
        return refusal(seating, places, self.people_of(places))

    def _kept(self, principal: Principal, event_id: str, staying: Staying) -> Row:
        """Who stays, as it is stored: the guests of whole tables, and of each table those who keep their company."""
        if len(staying.guests) > MOST_KEPT:
            raise RuleInvalid(f"at most {MOST_KEPT} guests can be kept one by one")
        tables = [[place.guest_id for place in table.places] for table in self._tables(principal, event_id, staying.seating)]
        if wrong := sorted(number for number in staying.tables if not 1 <= number <= len(tables)):
            raise RuleInvalid(f"there is no table {wrong[0]} to keep; there are {len(tables)}")
        if missing := staying.guests.difference(*tables):
            raise RuleInvalid("not all of the guests to keep have a table in the earlier seating", guests=sorted(missing))
        company = [[guest for guest in table if guest in staying.guests] for table in tables]
        return {
            "keeps": staying.seating,
            "locked": [tables[number - 1] for number in sorted(staying.tables)],
            "locked_guests": [guests for guests in company if guests],
        }

    def _tables(self, principal: Principal, event_id: str, seating_id: str) -> tuple[SeatedTable, ...]:
        tables = self.get(principal, event_id, seating_id).tables
        if not tables:
            raise SeatingNotDone("the earlier seating has no tables")
        return tables
