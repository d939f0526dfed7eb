"""The guests of a dinner as seating sees them: from bookings, profiles, earlier dinners and what guests wish about each other."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from pymongo.database import Database

from dinnerkit.accounts.people import People, Person
from dinnerkit.booking.store import Companion
from dinnerkit.events.rules import Event
from dinnerkit.matching.documents import SeatingDocument
from dinnerkit.matching.feedback.service import FeedbackService
from dinnerkit.matching.people.guests import Guest, Traits
from dinnerkit.matching.seatings import Place
from dinnerkit.storage import Row, collection

_NOBODY: Mapping[str, Companion] = MappingProxyType({})


class GuestList:
    """Looks everything up that seating may know."""

    def __init__(self, database: Database[Row], people: People, feedback: FeedbackService) -> None:
        self._seatings = collection(database, SeatingDocument)
        self._people = people
        self._feedback = feedback

    def of(
        self, event: Event, places: list[Place], brought: Mapping[str, Companion] = _NOBODY
    ) -> tuple[list[Guest], frozenset[tuple[str, str]]]:
        """The guests at these places, and which of them one would like to see together again; ``brought`` are companions by guest id."""
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
            company = {own_guests[user] for user in met.get(place.user, ())}
            blocked = frozenset(own_guests[user] for user in _partners(place.user, bonds.never))
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
