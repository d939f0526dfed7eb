"""The computing of a seating: what a worker does once a host has asked for one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from pymongo.database import Database

from dinnerkit.accounts.people import People, Person
from dinnerkit.booking.rules import SETTLED
from dinnerkit.booking.store import Booking, BookingStore, Companion
from dinnerkit.clock import Clock
from dinnerkit.events.rules import Event
from dinnerkit.events.service import EventService
from dinnerkit.matching.documents import SeatingDocument
from dinnerkit.matching.errors import SeatingImpossible
from dinnerkit.matching.feedback.service import FeedbackService
from dinnerkit.matching.people.guests import Guest, Traits
from dinnerkit.matching.rules.again import TogetherAgain
from dinnerkit.matching.rules.default_rules import DEFAULT_RULES, BlockedApart
from dinnerkit.matching.rules.kinds import Floor, Rule
from dinnerkit.matching.seating.locks import LockedTable, Locks
from dinnerkit.matching.seating.reseating import Changes, reseat
from dinnerkit.matching.seating.seat import seat
from dinnerkit.matching.seating.tables import Seating
from dinnerkit.matching.seatings import Place, as_seating, brought, from_row, to_rows
from dinnerkit.storage import Row, collection

_TELL_SECONDS, _NOTE_SECONDS = 0.25, 1.0
_TELLING = 0.05
"""So large a share must be done to tell from it how long the rest will take."""

Tell: TypeAlias = Callable[[str, Mapping[str, Any]], None]
"""Told how an event's seating goes on: ``{"seating_id", "status", "progress", "seconds_left"}``, at the end with ``"score"`` instead."""


class SeatingWork:
    """Computes what :class:`dinnerkit.matching.service.SeatingService` was asked for.

    A seating is a function of the guests and the host's wishes: when a worker is killed, another computes the same. An event is in one
    city, so the nights of several cities are as many seatings, which workers compute side by side.

    Args:
        database: where seatings are kept.
        events: whose guests are seated.
        bookings: who comes.
        people: what guests have told of themselves.
        feedback: what they wish about each other.
        clock: the time.
        tell: called with an event's id and how its seating goes on, after that is stored where it is.
    """

    def __init__(
        self,
        database: Database[Row],
        events: EventService,
        bookings: BookingStore,
        people: People,
        feedback: FeedbackService,
        clock: Clock,
        tell: Tell = lambda _event, _state: None,
    ) -> None:
        self._tell = tell
        self._seatings = collection(database, SeatingDocument)
        self._events = events
        self._bookings = bookings
        self._people = people
        self._feedback = feedback
        self._clock = clock

    def compute(self, seating_id: str) -> None:
        """Seat the guests; safe to repeat, and to run twice at once."""
        row = self._seatings.find_one({"_id": seating_id, "status": "queued"})
        if row is None:
            return
        event = self._events.event(row["event"])
        bookings = self._bookings.of_event(event.id, SETTLED)
        places = _places(bookings)
        try:
            seating = self._seated(row, event, *self._guests(event, places, brought(bookings)))
        except SeatingImpossible as error:
            values: Row = {"status": "impossible", "problem": discreet(error)}
        else:
            values = {"status": "done", **to_rows(seating, {place.guest_id: place for place in places})}
        finished = values | {"progress": 1.0, "finished_at": self._clock()}
        self._seatings.update_one({"_id": seating_id, "status": "queued"}, {"$set": finished})
        self._tell(event.id, {"seating_id": seating_id, "status": values["status"], "progress": 1.0, "score": values.get("score")})

    def _seated(self, row: Row, event: Event, guests: list[Guest], again: frozenset[tuple[str, str]]) -> Seating:
        size = (event.details.table_size.min, event.details.table_size.max)
        rules: tuple[Rule, ...] = DEFAULT_RULES if row.get("least") is None else (*DEFAULT_RULES, Floor(row["least"]))
        rules = (*rules, TogetherAgain(again)) if again else rules
        if mended := row.get("mends"):
            before, changes, there = self._since(mended["seating"], guests)
            return reseat(before, changes, mended["moves"], guests=there, size=size, rules=rules, seed=row["seed"]).seating
        return seat(
            guests,
            size=size,
            rules=rules,
            seed=row["seed"],
            best_effort=row["best_effort"],
            locked=Locks(tuple(LockedTable(frozenset(names)) for names in row.get("locked", ()))),
            progress=_Progress(
                lambda share: self._note_progress(row["_id"], share),
                lambda share, left: self._tell(
                    event.id,
                    {"seating_id": row["_id"], "status": "queued", "progress": round(share, 3), "seconds_left": left and round(left, 1)},
                ),
            ),
        )

    def _since(self, seating_id: str, guests: list[Guest]) -> tuple[Seating, Changes, list[Guest]]:
        """The earlier seating, what has changed since, and the guests that it had: of those who are gone nothing matters any more."""
        earlier = as_seating(from_row(self._seatings.find_one({"_id": seating_id}) or {}))
        had = {name for table in earlier.tables for name in table.guests}
        gone = had - {guest.id for guest in guests}
        there = [guest for guest in guests if guest.id in had] + [Guest(name) for name in sorted(gone)]
        return earlier, Changes(frozenset(gone), tuple(guest for guest in guests if guest.id not in had)), there

    def _guests(
        self, event: Event, places: list[Place], brought: Mapping[str, Companion]
    ) -> tuple[list[Guest], frozenset[tuple[str, str]]]:
        """The guests, and which of them one would like to see together again."""
        users = {place.user for place in places}
        people = self._people.find(users)
        met = self._met(event.id, users)
        own_guests = {place.user: place.guest_id for place in places if not place.companion}
        crowds = {place.booking for place in places if place.companion}
        bonds = self._feedback.bonds(own_guests.keys())
        guests = []
        for place in places:
            if place.companion:
                guests.append(_brought(place, brought.get(place.guest_id)))
                continue
            again, never = (_partners(place.user, pairs) for pairs in (bonds.again, bonds.never))
            company = {own_guests[user] for user in met.get(place.user, set()) - again}
            blocked = frozenset(own_guests[user] for user in never)
            guests.append(_guest(place, people.get(place.user), event, company, blocked, party=place.booking in crowds))
        return guests, frozenset((own_guests[one], own_guests[other]) for one, other in bonds.again)

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


class _Progress:
    """Passes progress on: a few times a second to those who look, and once a second to the database.

    Args:
        note: given the share that is done.
        tell: given the same, and how many more seconds it will take at this pace; None where it is too early to say.
    """

    def __init__(self, note: Callable[[float], None], tell: Callable[[float, float | None], None]) -> None:
        self._note, self._tell = note, tell
        self._began = time.monotonic()
        self._told, self._noted = self._began, self._began

    def __call__(self, share: float) -> None:
        now = time.monotonic()
        if now - self._told < _TELL_SECONDS:
            return
        self._told = now
        if now - self._noted >= _NOTE_SECONDS:
            self._noted = now
            self._note(share)
        self._tell(share, (now - self._began) * (1 - share) / share if share >= _TELLING else None)


def _places(bookings: Iterable[Booking]) -> list[Place]:
    return [Place(booking.id, booking.user, companion) for booking in bookings for companion in range(booking.guests)]


def discreet(error: SeatingImpossible) -> dict[str, Any]:
    """Why not everybody can be seated, for the host, who must not learn from it who would not sit with whom."""
    problem = {"message": error.message, **error.details}
    causes = error.details.get("causes", ())
    if any(cause["rule"] == BlockedApart.name for cause in causes):
        told = [cause for cause in causes if cause["rule"] != BlockedApart.name]
        problem |= {
            "message": "; ".join([cause["text"] for cause in told] or ["there is no seating that keeps every rule"]),
            "causes": told,
        }
    return problem


def _partners(user: str, pairs: frozenset[tuple[str, str]]) -> set[str]:
    return {other for pair in pairs if user in pair for other in pair if other != user}


def _brought(place: Place, companion: Companion | None) -> Guest:
    """Whoever is brought along sits with whom they came; what they have told counts as it does for everybody."""
    if companion is None:
        return Guest(place.guest_id, party=place.booking)
    traits = Traits(**companion.traits) if companion.traits else None
    return Guest(place.guest_id, traits=traits, diets=frozenset(companion.diets), party=place.booking)


def _guest(place: Place, person: Person | None, event: Event, met: set[str], blocked: frozenset[str], *, party: bool) -> Guest:
    """The guest as seating sees them."""
    together = place.booking if party else None
    if person is None:
        return Guest(place.guest_id, party=together, blocked=blocked)
    return Guest(
        place.guest_id,
        traits=Traits(**person.traits) if person.traits else None,
        age=event.details.starts_at.year - person.birth_year if person.birth_year else None,
        languages=frozenset(person.languages),
        interests=frozenset(person.interests),
        budget=person.budget,
        diets=frozenset(person.diets),
        party=together,
        met=frozenset(met),
        blocked=blocked,
    )
