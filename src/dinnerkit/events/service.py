"""The use cases of events: plan, publish, change and cancel them, and find them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any, TypedDict, TypeVar

from pymongo import ASCENDING, DESCENDING, ReturnDocument
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from dinnerkit.clock import Clock
from dinnerkit.delivery.outbox import Outbox
from dinnerkit.errors import Forbidden
from dinnerkit.events import changes
from dinnerkit.events.changes import Change
from dinnerkit.events.documents import EventDocument
from dinnerkit.events.encoded import EncodedEvent
from dinnerkit.events.errors import EventWasChanged, NotTheHost
from dinnerkit.events.listing import EventQuery, Sort, following
from dinnerkit.events.pages import Page, Pages
from dinnerkit.events.rows import EVENT, SUMMARY, VIEW, EventSummary, EventView, event_of, stored, summary_of, view_of
from dinnerkit.events.rules import Event, EventDetails, Location, Status, manages
from dinnerkit.events.seat_errors import NoSuchEvent
from dinnerkit.events.validation import check
from dinnerkit.http.paging import decode_cursor
from dinnerkit.identity import Principal, Role
from dinnerkit.ids import new_id
from dinnerkit.secondaries import Question, Secondaries
from dinnerkit.storage import Row, collection, insert
from dinnerkit.texts import search_key

T = TypeVar("T")


class Choice(TypedDict):
    """A value that a filter can take, in its most common spelling, and how many events have it."""

    value: str
    count: int


class Choices(TypedDict):
    """What the lists can be narrowed to."""

    cities: list[Choice]
    cuisines: list[Choice]


class EventService:
    """What hosts do with events, and how everybody finds them. The seats are :class:`dinnerkit.events.seats.Seats`' affair."""

    def __init__(
        self,
        database: Database[Row],
        clock: Clock,
        changed: Callable[[str], None] = lambda _event: None,
        secondaries: Secondaries | None = None,
    ) -> None:
        """Work on the events of a database.

        Args:
            database: where events are kept.
            clock: the time.
            changed: called with an event's id after it was published, cancelled or given other details.
            secondaries: who is asked for what everybody may see; the primary, unless given.
        """
        self._secondaries = secondaries or Secondaries(database)
        self._changed = changed
        self._database = database
        self._events = collection(database, EventDocument)
        self._clock = clock
        self._pages = Pages(self._public, clock)
        self._outbox = Outbox(clock)

    def create(self, principal: Principal, details: EventDetails, event_id: str | None = None) -> EventView:
        """Make a draft. It may be unfinished: what :func:`validation.unready` finds is asked for only when it is published.

        Asked again with the same ``event_id``, it answers with the event that it made.

        Raises:
            Forbidden: the user is no host.
            Invalid: a value can't be stored or shown.
        """
        if not principal.may(Role.HOST):
            raise Forbidden("Only hosts plan events.")
        check(details)
        now = self._clock()
        draft = EventDocument(
            id=event_id or new_id(),
            host=principal.user_id,
            status=Status.DRAFT.value,
            created_at=now,
            updated_at=now,
            seats_left=details.seats,
            **stored(details),
        )
        with suppress(DuplicateKeyError):
            insert(self._database, draft)
        return self.get(draft.id, principal)

    def get(self, event_id: str, principal: Principal | None = None) -> EventView:
        """The event, for anybody once it was published; before, for its host and admins.

        Raises:
            NoSuchEvent: there is none, or it is not for this user to see.
        """
        row = self._events.find_one({"_id": event_id}, VIEW)
        if row is None or (row["published_at"] is None and not manages(principal, row["host"])):
            raise NoSuchEvent("There is no such event.")
        return view_of(row)

    def shown(self, event_id: str) -> EventView:
        """The event for anybody, perhaps from a secondary; what that does not find is looked for where :meth:`get` looks.

        Raises:
            NoSuchEvent: there is none, or it was never published.
        """
        row = self._public(lambda events, session: events.find_one({"_id": event_id, "published_at": {"$ne": None}}, VIEW, session=session))
        return view_of(row) if row is not None else self.get(event_id)

    def managed(self, principal: Principal, event_id: str) -> Event:
        """The event, for its host and admins alone.

        Raises:
            NoSuchEvent: there is none, or it is not for this user to see.
            NotTheHost: it is somebody else's.
        """
        event = self.event(event_id)
        if not event.visible_to(principal):
            raise NoSuchEvent("There is no such event.")
        if not manages(principal, event.host):
            raise NotTheHost("Only its host may do this.")
        return event

    def update(self, principal: Principal, event_id: str, new: Mapping[str, Any], version: int | None = None) -> EventView:
        """Change some of the details; ``new`` maps names of :class:`EventDetails`' fields to whole new values.

        Seats are added or taken away together with the seats that are left. The terms that guests agreed to stay while anyone holds a seat.

        Raises:
            NoSuchEvent, NotTheHost: it is not this user's to change.
            EventWasChanged: ``version`` was given and is not the present one.
            Invalid, EventIsCancelled, EventHasBegun, EventNotReady, EventHasBookings, CapacityBelowSold: as :func:`changes.edit` says.
        """

        def change(event: Event) -> Change | None:
            if version is not None and version != event.version:
                raise EventWasChanged("The event was changed meanwhile: read it again.", version=event.version)
            return changes.edit(event, replace(event.details, **new), self._clock())

        return self._change(principal, event_id, change)

    def publish(self, principal: Principal, event_id: str) -> EventView:
        """Show a draft to everyone and open it for booking.

        Raises:
            NoSuchEvent, NotTheHost: it is not this user's to publish.
            EventNotDraft: it was published or cancelled before.
            EventNotReady: it is unfinished.
        """
        return self._change(principal, event_id, lambda event: changes.publish(event, self._clock()))

    def cancel(self, principal: Principal, event_id: str) -> EventView:
        """Call the event off. A draft goes silently; what was published tells those who react, with refunds and mails.

        Raises:
            NoSuchEvent, NotTheHost: it is not this user's to cancel.
            EventIsCancelled: it is already.
            EventHasBegun: it is too late.
        """
        return self._change(principal, event_id, lambda event: changes.cancel(event, self._clock()))

    def upcoming(self, query: EventQuery, limit: int = 20, cursor: str | None = None) -> Page[EventSummary]:
        """Published events that have not begun, a page at a time; each turns up once, whatever is published or cancelled in between.

        Raises:
            BadCursor: the cursor is not of a list in this order.
        """
        return self._pages.rows(query, limit, cursor)

    def upcoming_encoded(self, query: EventQuery, limit: int = 20, cursor: str | None = None) -> Page[EncodedEvent]:
        """The same as JSON, for those who pass it on. Those who ask for the same page at the same moment are given one, not to be changed.

        Raises:
            BadCursor: the cursor is not of a list in this order.
        """
        return self._pages.encoded(query, limit, cursor)

    def hosted(self, principal: Principal, limit: int = 20, cursor: str | None = None) -> Page[EventSummary]:
        """The user's own events in every state, the newest first.

        Raises:
            BadCursor: the cursor is not of such a list.
        """
        before = {"_id": {"$lt": decode_cursor(cursor, str)[0]}} if cursor else {}
        own = {"host": principal.user_id, **before}
        rows = list(self._events.find(own, SUMMARY, sort=[("_id", DESCENDING)], limit=limit + 1))
        return {"items": [summary_of(row) for row in rows[:limit]], "next": following(rows, limit, lambda row: (row["_id"],))}

    def listed(self, event_ids: Collection[str]) -> dict[str, EventSummary]:
        """Those of these events that are published and have not begun, by id."""
        wanted = {"_id": {"$in": list(event_ids)}, "listed": True, "starts_at": {"$gt": self._clock()}}
        rows = self._public(lambda events, session: list(events.find(wanted, SUMMARY, session=session)))
        return {row["_id"]: summary_of(row) for row in rows}

    def walk_listed(self) -> Iterator[Event]:
        """Each event that is published and has not begun, read bit by bit; what changes meanwhile may be as it was or as it is."""
        wanted = {"listed": True, "starts_at": {"$gt": self._clock()}}
        with self._events.find(wanted, EVENT, sort=[("starts_at", ASCENDING), ("_id", ASCENDING)]) as rows:
            yield from (event_of(row) for row in rows)

    def next_beginning(self) -> datetime | None:
        """When the next of the published events begins, which is when it is in no list any more; None where there is none."""
        wanted = {"listed": True, "starts_at": {"$gt": self._clock()}}
        row = self._events.find_one(wanted, {"starts_at": 1}, sort=[("starts_at", ASCENDING)])
        return row["starts_at"] if row else None

    def true_until(self, page: Page[EncodedEvent], order: Sort) -> datetime | None:
        """When a page of :meth:`upcoming_encoded` in this order is another without any change, since an event has begun."""
        if page["next"] is not None and order is not Sort.STARTS_AT:
            return self.next_beginning()  # what follows may begin before what is on the page, and then there may be no next one
        items = page["items"][:1] if order is Sort.STARTS_AT else page["items"]
        return min((event.row["starts_at"] for event in items), default=None)

    def place_of(self, city: str) -> Location | None:
        """Where the city is: the venue of its next dinner; None where it has none."""
        wanted = {"listed": True, "city_key": search_key(city), "starts_at": {"$gt": self._clock()}}
        row = self._events.find_one(wanted, {"venue.location": 1}, sort=[("starts_at", ASCENDING), ("_id", ASCENDING)])
        if row is None:
            return None
        lon, lat = row["venue"]["location"]["coordinates"]
        return Location(lat, lon)

    def choices(self) -> Choices:
        """The cities and cuisines of the published events that have not begun, by name.

        It reads all of these events: keep the answer for a while.
        """
        groups = [
            {"$match": {"listed": True, "starts_at": {"$gt": self._clock()}}},
            {"$group": {"_id": {"city": "$city", "cuisine": "$cuisine"}, "count": {"$sum": 1}}},
        ]
        rows = self._public(lambda events, session: list(events.aggregate(groups, session=session)))
        return {"cities": _choices(rows, "city"), "cuisines": _choices(rows, "cuisine")}

    def delist_begun(self) -> int:
        """Take the events that have begun out of the indexes of the lists; how many.

        The lists are right without it. Called now and then, it keeps the indexes as small as what they are for.
        """
        begun = {"listed": True, "starts_at": {"$lte": self._clock()}}
        return self._events.update_many(begun, {"$set": {"listed": False}}).modified_count

    def _public(self, question: Question[T]) -> T:
        """The answer to a question about what everybody may see."""
        return self._secondaries.ask(self._events, question)

    def _change(self, principal: Principal, event_id: str, change: Callable[[Event], Change | None]) -> EventView:
        """Read, decide, and write unless somebody wrote in between; then again."""
        while True:
            event = self.managed(principal, event_id)
            decided = change(event)
            if decided is None:
                return self.get(event_id, principal)
            update: dict[str, Any] = {
                "$set": {**decided.sets, "updated_at": self._clock()},
                "$inc": {"version": 1, **decided.increments},
            }
            if decided.messages:
                update["$push"] = self._outbox.push(*decided.messages)
            wanted = {"_id": event.id, "version": event.version, **decided.guards}
            row = self._events.find_one_and_update(wanted, update, projection=VIEW, return_document=ReturnDocument.AFTER)
            if row is not None:
                self._changed(event.id)
                return view_of(row)

    def event(self, event_id: str) -> Event:
        """The event, for other services: whoever asks them has been checked by them.

        Raises:
            NoSuchEvent: there is none.
        """
        row = self._events.find_one({"_id": event_id}, EVENT)
        if row is None:
            raise NoSuchEvent("There is no such event.")
        return event_of(row)


def _choices(rows: list[Row], name: str) -> list[Choice]:
    """Counts by key, shown in the spelling that most events use."""
    spellings: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        value = row["_id"][name]
        spellings[search_key(value)][value] += row["count"]
    found = sorted(spellings.items())
    return [{"value": counts.most_common(1)[0][0], "count": counts.total()} for _, counts in found]
