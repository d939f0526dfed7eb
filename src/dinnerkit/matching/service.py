"""The seating of an event's guests: asked for by the host, computed by a worker, published, and shown to each guest."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable

from pymongo.database import Database

from dinnerkit.accounts.people import People, Person
from dinnerkit.booking.store import Booking, BookingStore
from dinnerkit.clock import Clock
from dinnerkit.delivery.outbox import Outbox
from dinnerkit.events.rules import Event
from dinnerkit.events.service import EventService
from dinnerkit.identity import Principal
from dinnerkit.matching.app_errors import NobodyToSeat, NoSuchSeating, NoTableYet, SeatingFailed, SeatingNotDone
from dinnerkit.matching.comparing import Comparison, compare
from dinnerkit.matching.documents import SeatingDocument
from dinnerkit.matching.errors import RuleInvalid, SeatingImpossible
from dinnerkit.matching.guests import Guest, Traits
from dinnerkit.matching.locks import LockedTable, Locks
from dinnerkit.matching.messages import SeatingPublished, SeatingRequested
from dinnerkit.matching.rule_kinds import Floor
from dinnerkit.matching.rules import DEFAULT_RULES
from dinnerkit.matching.seating import seat
from dinnerkit.matching.seatings import Place, SeatedTable, StoredSeating, Wishes, from_row, to_rows
from dinnerkit.storage import Row, collection, insert

_PROGRESS_SECONDS = 1.0
_SEATED = ("confirmed",)

NO_WISHES = Wishes()


class SeatingService:
    """What hosts and guests do with seatings. A seating is a function of the guests and its seed: computing it again gives the same."""

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
            NoSuchSeating: there is none whose tables could be kept.
            RuleInvalid: it has no table of such a number.
            NobodyToSeat: nobody is confirmed.
        """
        self._events.managed(principal, event_id)
        earlier = self._seatings.find_one({"_id": seating_id, "event": event_id})
        if earlier is not None:
            return from_row(earlier)
        if not self._bookings.of_event(event_id, _SEATED):
            raise NobodyToSeat("no guest is confirmed yet")
        locked = self._locked(principal, event_id, *wishes.keep) if wishes.keep else []
        document = SeatingDocument(
            id=seating_id,
            event=event_id,
            status="queued",
            progress=0.0,
            seed=wishes.seed,
            best_effort=wishes.best_effort,
            least=wishes.least,
            locked=locked,
            created_at=self._clock(),
            outbox=self._outbox.entries(SeatingRequested(seating_id=seating_id)),
        )
        return from_row(insert(self._database, document))

    def compute(self, seating_id: str) -> None:
        """Seat the guests; safe to repeat, and to run twice at once."""
        row = self._seatings.find_one({"_id": seating_id, "status": "queued"})
        if row is None:
            return
        event = self._events.event(row["event"])
        places = _places(self._bookings.of_event(event.id, _SEATED))
        rules = DEFAULT_RULES if row.get("least") is None else (*DEFAULT_RULES, Floor(row["least"]))
        try:
            seating = seat(
                self._guests(event, places),
                size=(event.details.table_size.min, event.details.table_size.max),
                rules=rules,
                seed=row["seed"],
                best_effort=row["best_effort"],
                locked=Locks(tuple(LockedTable(frozenset(guests)) for guests in row.get("locked", ()))),
                progress=_Progress(self._note_progress, seating_id),
            )
        except SeatingImpossible as error:
            values: Row = {"status": "impossible", "problem": {"message": error.message, **error.details}}
        else:
            values = {"status": "done", **to_rows(seating, {place.guest_id: place for place in places})}
        finished = values | {"progress": 1.0, "finished_at": self._clock()}
        self._seatings.update_one({"_id": seating_id, "status": "queued"}, {"$set": finished})

    def get(self, principal: Principal, event_id: str, seating_id: str) -> StoredSeating:
        """A seating, for the event's host.

        Raises:
            NoSuchEvent, NotTheHost, NoSuchSeating: it is not there, or not this user's to see.
        """
        self._events.managed(principal, event_id)
        row = self._seatings.find_one({"_id": seating_id, "event": event_id})
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
        return [from_row(row) for row in self._seatings.find(query, {"tables": 0, "outbox": 0}).sort("_id", -1).limit(limit)]

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
        row = self._seatings.find_one({"event": event_id}, sort=[("_id", -1)])
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
                {"_id": seating_id, "published_at": seating.published_at},
                {"$set": {"status": "published", "published_at": self._clock()}, "$push": self._outbox.push(told)},
            )
        return self.get(principal, event_id, seating_id)

    def published(self, event_id: str) -> StoredSeating | None:
        """The seating in force; the caller has checked who may see it."""
        row = self._seatings.find_one({"event": event_id, "status": "published"}, sort=[("published_at", -1)])
        return from_row(row) if row else None

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
        seating = self.published(booking.event) if booking.status == "confirmed" else None
        for table in seating.tables if seating else ():
            if any(place.booking == booking.id for place in table.places):
                return table
        raise NoTableYet("the tables are not published yet")

    def people_at(self, tables: Iterable[SeatedTable]) -> dict[str, Person]:
        """The users who sit at these tables, by id; those who are gone are missing."""
        return self._people.find({place.user for table in tables for place in table.places})

    def _locked(self, principal: Principal, event_id: str, seating_id: str, numbers: Collection[int]) -> list[list[str]]:
        """The guests of the tables of these numbers, from 1."""
        tables = self.get(principal, event_id, seating_id).tables
        if wrong := sorted(number for number in numbers if not 1 <= number <= len(tables)):
            raise RuleInvalid(f"there is no table {wrong[0]} to keep; there are {len(tables)}")
        return [[place.guest_id for place in tables[number - 1].places] for number in sorted(numbers)]

    def _guests(self, event: Event, places: list[Place]) -> list[Guest]:
        users = {place.user for place in places}
        people = self._people.find(users)
        met = self._met(event.id, users)
        own_guests = {place.user: place.guest_id for place in places if not place.companion}
        crowds = {place.booking for place in places if place.companion}
        return [
            _guest(
                place, people.get(place.user), event, {own_guests[user] for user in met.get(place.user, ())}, party=place.booking in crowds
            )
            for place in places
        ]

    def _met(self, event_id: str, users: set[str]) -> dict[str, set[str]]:
        """Whom of these users each of them has sat with at earlier dinners."""
        met: dict[str, set[str]] = {}
        query = {"status": "published", "event": {"$ne": event_id}, "tables.places.user": {"$in": list(users)}}
        for row in self._seatings.find(query, ("tables.places.user",)):
            for table in row["tables"]:
                company = {place["user"] for place in table["places"]} & users
                for user in company:
                    met.setdefault(user, set()).update(company - {user})
        return met

    def _note_progress(self, seating_id: str, fraction: float) -> None:
        self._seatings.update_one({"_id": seating_id, "status": "queued"}, {"$set": {"progress": fraction}})


def tables_or_why(seating: StoredSeating) -> StoredSeating | None:
    """The seating if it has tables, None while it is being computed.

    Raises:
        SeatingFailed: the rules could not be met.
    """
    if seating.status == "impossible":
        problem = dict(seating.problem or {})
        raise SeatingFailed(problem.pop("message", "the rules can't all be met"), **problem)
    return None if seating.status == "queued" else seating


class _Progress:
    """Passes progress on to the database, not more often than once a second."""

    def __init__(self, note: Callable[[str, float], None], seating_id: str) -> None:
        self._note = note
        self._seating_id = seating_id
        self._next = time.monotonic() + _PROGRESS_SECONDS

    def __call__(self, fraction: float) -> None:
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + _PROGRESS_SECONDS
            self._note(self._seating_id, fraction)


def _places(bookings: Iterable[Booking]) -> list[Place]:
    return [Place(booking.id, booking.user, companion) for booking in bookings for companion in range(booking.guests)]


def _guest(place: Place, person: Person | None, event: Event, met: set[str], *, party: bool) -> Guest:
    """The guest as seating sees them; whoever is brought along has told nothing, and just sits with whom they came."""
    together = place.booking if party else None
    if person is None or place.companion:
        return Guest(place.guest_id, party=together)
    return Guest(
        place.guest_id,
        traits=Traits(**person.traits) if person.traits else None,
        age=event.details.starts_at.year - person.birth_year if person.birth_year else None,
        languages=frozenset(person.languages),
        interests=frozenset(person.interests),
        budget=person.budget,
        party=together,
        met=frozenset(met),
    )
