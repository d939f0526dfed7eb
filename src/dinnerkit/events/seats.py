"""The accounts of an event's seats: taken, kept, given back, and offered to those who wait.

They all lie in the event's own document, so that each change is one atomic update:

- ``seats_left`` = ``seats`` − the guests of all ``holds``, always;
- a hold belongs to one booking; it ends at ``until``, or stays where that is null; a hold's id is never used twice, so giving it back twice
  does nothing;
- no party on the ``waitlist`` fits into ``seats_left``: what becomes free is offered in the very update that frees it; only what a host
  adds waits for a moment, and nobody can take it meanwhile;
- ``resale`` lists the seats that were given back late, in their order, until they are sold again: the update that gives seats for good
  takes as many off its head, and tells of them;
- ``seq`` rises with every change of these, for the updates that depend on what was read.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any

from pymongo import ReturnDocument
from pymongo.database import Database

from dinnerkit.clock import Clock
from dinnerkit.delivery.outbox import Outbox
from dinnerkit.errors import Invalid
from dinnerkit.events.documents import EventDocument
from dinnerkit.events.refusing import Refusals
from dinnerkit.events.rules import Format, WaitlistOrder
from dinnerkit.events.seat_errors import AlreadyBooked, BookingClosed, NoSuchEvent
from dinnerkit.events.seat_holds import FACTS, EventFacts, SeatHold, facts_of, holds_of
from dinnerkit.events.seat_messages import SeatsOffered, SeatsPassedOn, SeatsResold
from dinnerkit.events.seat_rules import ForResale, Waiting, next_in_line, sold_again
from dinnerkit.storage import Row, collection

_ACCOUNTS = ("seats_left", "seq", "holds", "waitlist")
_SWEEP_BATCH = 200

_FITS: Row = {"$map": {"input": "$waitlist", "in": {"$lte": ["$$this.guests", "$seats_left"]}}}
_NOBODY_IS_PASSED_OVER: list[Row] = [{"waitlist": {"$size": 0}}, {"$expr": {"$not": [{"$anyElementTrue": [_FITS]}]}}]
"""A host who adds seats does not offer them in the same update: until somebody has, newcomers must not slip in before those who wait."""


Chooser = Callable[[str, SeatHold | None, Sequence[Waiting]], Sequence[Waiting]]
"""Puts the parties that fit into an event's free seats in order, after the hold was freed. What it says depends on stored state alone."""


def _first_come(_event: str, _freed: SeatHold | None, waiting: Sequence[Waiting]) -> Sequence[Waiting]:
    return waiting


class Seats:
    """Changes the accounts of seats, each by one conditional update of the event."""

    def __init__(
        self,
        database: Database[Row],
        clock: Clock,
        offer_seconds: int,
        changed: Callable[[str], None] = lambda _event: None,
        best_fit: Chooser = _first_come,
    ) -> None:
        """Work on the events of a database.

        Args:
            database: where events are kept.
            clock: the time.
            offer_seconds: how long a party from the waiting list has to answer.
            changed: called with an event's id after other seats are left of it.
            best_fit: who of those who wait suits best, for the events whose host wants that.
        """
        self._events = collection(database, EventDocument)
        self._changed = changed
        self._clock = clock
        self._outbox = Outbox(clock)
        self._offer_length = timedelta(seconds=offer_seconds)
        self._best_fit = best_fit
        self._refusals = Refusals(self._events, clock)

    def facts(self, event_id: str) -> EventFacts:
        """The event as a booking sees it.

        Raises:
            NoSuchEvent: there is none, or it was never published.
        """
        row = self._events.find_one({"_id": event_id, "published_at": {"$ne": None}}, FACTS)
        if row is None:
            raise NoSuchEvent("there is no such event")
        return facts_of(row)

    def titles(self, event_ids: Collection[str]) -> dict[str, str]:
        """What those of the events are called that were ever published."""
        query = {"_id": {"$in": sorted(event_ids)}, "published_at": {"$ne": None}}
        return {row["_id"]: row["title"] for row in self._events.find(query, ("title",))}

    def take(self, wanted: SeatHold) -> EventFacts:
        """Take seats for a booking; whoever had the same hold already keeps it, and nothing changes. Leaves the waiting list.

        Raises:
            Invalid: for no guests.
            NoSuchEvent: there is none, or it was never published.
            BookingClosed: it is cancelled or has begun.
            AlreadyBooked: the guest has another live booking for it.
            SoldOut: fewer seats are left.
        """
        must_be_a_party(wanted.guests)
        if self._refusals.expected(wanted.event) and (held := self._held(wanted)):
            return held
        hold = {name: getattr(wanted, name) for name in ("hold", "booking", "user", "guests", "until")}
        row = self._events.find_one_and_update(
            {
                "_id": wanted.event,
                "status": "published",
                "starts_at": {"$gt": self._clock()},
                "seats_left": {"$gte": wanted.guests},
                "holds.user": {"$ne": wanted.user},
                "holds.hold": {"$ne": wanted.hold},
                "$or": _NOBODY_IS_PASSED_OVER,
            },
            {
                "$inc": {"seats_left": -wanted.guests, "seq": 1},
                "$push": {"holds": hold},
                "$pull": {"waitlist": {"user": wanted.user}},
            },
            projection={**dict.fromkeys(FACTS, 1), "waitlist": {"$elemMatch": {"user": wanted.user}}},
            return_document=ReturnDocument.BEFORE,
        )
        if row is None:
            if held := self._held(wanted):
                return held
            self._free(wanted.event, None)  # what was in the way has gone since, or is whom these seats are offered to first
            return self.take(wanted)
        self._changed(wanted.event)
        waited = row.get("waitlist")
        taken = {"seats_left": row["seats_left"] - wanted.guests}
        return replace(facts_of(row | taken), waited_as=waited[0]["entry"] if waited else None)

    def settle(self, event_id: str, hold_id: str) -> EventFacts | None:
        """Give the seats for good; nothing happens where that was done, or the hold is gone. The event just after, where that was read."""
        unsettled = {"_id": event_id, "holds": {"$elemMatch": {"hold": hold_id, "until": {"$ne": None}}}, "resale.0": {"$exists": False}}
        settled = {"$set": {"holds.$.until": None}, "$inc": {"seq": 1}}
        row = self._events.find_one_and_update(unsettled, settled, projection=FACTS, return_document=ReturnDocument.AFTER)
        if row is None:
            self._resell(event_id, hold_id)
        return facts_of(row) if row else None

    def extend(self, event_id: str, hold_id: str, until: datetime) -> None:
        """Keep the seats until then; nothing happens where the hold is gone or settled."""
        self._set_end(event_id, hold_id, until)

    def pass_on(self, hold: SeatHold, booking_id: str, user_id: str) -> str | None:
        """Give a hold that is settled to another booking, of another guest; the entry that this one had on the waiting list, or None.

        Whoever was given the same hold for the same booking already keeps it, and nothing changes.

        Raises:
            BookingClosed: the event is cancelled or has begun, or the hold is not there any more.
            AlreadyBooked: the other guest has a booking for it.
        """
        told = SeatsPassedOn(
            event_id=hold.event,
            hold_id=hold.hold,
            giver_booking_id=hold.booking,
            booking_id=booking_id,
            user_id=user_id,
            guests=hold.guests,
        )
        mine = {"holds.$[mine].booking": booking_id, "holds.$[mine].user": user_id, "holds.$[mine].giver": hold.booking}
        row = self._events.find_one_and_update(
            {
                "_id": hold.event,
                "status": "published",
                "starts_at": {"$gt": self._clock()},
                "holds": {"$elemMatch": {"hold": hold.hold, "booking": hold.booking, "until": None}},
                "holds.user": {"$ne": user_id},
            },
            {
                "$set": mine,
                "$pull": {"waitlist": {"user": user_id}},
                "$inc": {"seq": 1},
                "$push": self._outbox.push(told),
            },
            projection={"waitlist": {"$elemMatch": {"user": user_id}}},
            array_filters=[{"mine.hold": hold.hold}],
        )
        if row is not None:
            waited = row.get("waitlist")
            return waited[0]["entry"] if waited else None
        holds = self.holds(hold.event)
        if any((other.hold, other.booking, other.user) == (hold.hold, booking_id, user_id) for other in holds):
            return None
        if any(other.user == user_id for other in holds):
            raise AlreadyBooked("you have a booking for this event")
        raise BookingClosed("these seats can't be passed on any more")

    def take_back(self, hold: SeatHold, booking_id: str) -> None:
        """Undo :meth:`pass_on` where the booking that was to get the hold could not be made."""
        back = {"holds.$.booking": hold.booking, "holds.$.user": hold.user}
        passed = {"holds": {"$elemMatch": {"hold": hold.hold, "booking": booking_id}}}
        self._events.update_one({"_id": hold.event} | passed, {"$set": back, "$unset": {"holds.$.giver": ""}, "$inc": {"seq": 1}})

    def give_back(self, hold: SeatHold, *, resell_for: str | None = None) -> list[SeatHold]:
        """Free the seats of a hold and offer them to those who wait; the offers.

        Nothing happens where the hold is gone, or is that of another booking by now, to which it was passed on.

        With ``resell_for``, the id of a booking, :class:`SeatsResold` tells when they are sold again.
        """
        mine = {"hold": hold.hold, "booking": hold.booking}
        update: dict[str, Any] = {"$inc": {"seats_left": hold.guests, "seq": 1}, "$pull": {"holds": mine}}
        if resell_for:
            update["$push"] = _for_resale(resell_for, hold.guests)
        freed = self._events.update_one(
            {"_id": hold.event, "holds": {"$elemMatch": mine | {"guests": hold.guests}}, "waitlist": {"$size": 0}}, update
        )
        if not freed.matched_count:
            return self._free(hold.event, hold, resell_for)
        self._changed(hold.event)
        return []

    def offer_free(self, event_id: str) -> list[SeatHold]:
        """Offer the seats that are left to those who wait, after the capacity grew; the offers."""
        return self._free(event_id, None)

    def overdue(self) -> Iterator[SeatHold]:
        """The holds whose end has passed, some hundreds at a time."""
        now = self._clock()
        for row in self._events.find({"holds.until": {"$lte": now}}, ("holds",)).limit(_SWEEP_BATCH):
            for hold in holds_of(row):
                if hold.until is not None and hold.until <= now:
                    yield hold

    def holds(self, event_id: str) -> list[SeatHold]:
        """All holds of an event."""
        row = self._events.find_one({"_id": event_id}, ("holds",))
        return holds_of(row) if row else []

    def _set_end(self, event_id: str, hold_id: str, until: datetime | None) -> None:
        unsettled = {"$elemMatch": {"hold": hold_id, "until": {"$ne": None}}}
        self._events.update_one({"_id": event_id, "holds": unsettled}, {"$set": {"holds.$.until": until}, "$inc": {"seq": 1}})

    def _held(self, wanted: SeatHold) -> EventFacts | None:
        """The event, where the hold is there already; None where seats may be had by now.

        Raises:
            NoSuchEvent, BookingClosed, AlreadyBooked, SoldOut: as :meth:`take` says.
        """
        return self.facts(wanted.event) if self._refusals.held(wanted) else None

    def _resell(self, event_id: str, hold_id: str) -> None:
        """Settle a hold, and take its seats off those that wait to be sold again."""
        unsettled = {"$elemMatch": {"hold": hold_id, "until": {"$ne": None}}}
        while row := self._events.find_one({"_id": event_id, "holds": unsettled}, ("seq", "holds", "resale")):
            waiting = [ForResale(entry["booking"], entry["seats"], entry["left"]) for entry in row.get("resale", ())]
            hold = next(hold for hold in holds_of(row) if hold.hold == hold_id)
            after = sold_again(waiting, hold.guests)
            told = [
                SeatsResold(event_id=event_id, booking_id=now.booking, seats=now.seats - now.left)
                for before, now in zip(waiting, after, strict=True)
                if now.left < before.left
            ]
            update: dict[str, Any] = {"$set": {"holds.$.until": None, "resale": [asdict(entry) for entry in after if entry.left]}}
            update |= {"$inc": {"seq": 1}, "$push": self._outbox.push(*told)}
            if self._events.update_one({"_id": event_id, "seq": row["seq"], "holds": unsettled}, update).matched_count:
                return

    def _free(self, event_id: str, hold: SeatHold | None, resell_for: str | None = None) -> list[SeatHold]:
        while True:
            row = self._events.find_one({"_id": event_id}, (*_ACCOUNTS, "status", "starts_at", "format", "waitlist_order"))
            if row is None:
                return []
            freed = next((kept for kept in holds_of(row) if hold and (kept.hold, kept.booking) == (hold.hold, hold.booking)), None)
            if freed is None and hold is not None:
                return []
            offers = self._offers(row, freed)
            if freed is None and not offers:
                return []
            if self._write_accounts(row, freed, offers, resell_for):
                self._changed(event_id)
                return offers

    def _offers(self, row: Row, freed: SeatHold | None) -> list[SeatHold]:
        now = self._clock()
        if row["status"] != "published" or row["starts_at"] <= now:
            return []
        waiting = [Waiting(party["entry"], party["user"], party["guests"]) for party in row["waitlist"]]
        left = row["seats_left"] + (freed.guests if freed else 0)
        fitting: Sequence[Waiting] = [party for party in waiting if party.guests <= left]
        if row.get("waitlist_order") == WaitlistOrder.BEST_FIT and row["format"] == Format.MATCH_NIGHT:
            fitting = self._best_fit(row["_id"], freed, fitting)
        chosen = next_in_line(left, fitting)
        until = min(now + self._offer_length, row["starts_at"])
        return [SeatHold(row["_id"], party.entry, party.entry, party.user, party.guests, until) for party in chosen]

    def _write_accounts(self, row: Row, freed: SeatHold | None, offers: list[SeatHold], resell_for: str | None) -> bool:
        """Write what follows from ``row``, unless somebody changed the accounts since it was read."""
        keep = [hold for hold in row["holds"] if freed is None or hold["hold"] != freed.hold]
        new = [{"hold": o.hold, "booking": o.booking, "user": o.user, "guests": o.guests, "until": o.until} for o in offers]
        entries = [offer.hold for offer in offers]
        change = (freed.guests if freed else 0) - sum(offer.guests for offer in offers)
        told = [
            SeatsOffered(event_id=o.event, booking_id=o.booking, hold_id=o.hold, user_id=o.user, guests=o.guests, until=o.until)
            for o in offers
            if o.until is not None
        ]
        update: dict[str, Any] = {
            "$set": {"holds": [*keep, *new]},
            "$inc": {"seats_left": change, "seq": 1},
            "$pull": {"waitlist": {"entry": {"$in": entries}}},
        }
        if told:
            update["$push"] = self._outbox.push(*told)
        if resell_for and freed:
            update["$push"] = update.get("$push", {}) | _for_resale(resell_for, freed.guests)
        unchanged = {"_id": row["_id"], "seq": row["seq"], "status": row["status"]}
        return self._events.update_one(unchanged, update).matched_count == 1


def must_be_a_party(guests: int) -> None:
    """Let only a number of guests pass that a booking can have.

    Raises:
        Invalid: it is below 1.
    """
    if guests < 1:
        raise Invalid("a party has one guest at least", fields={"guests": "It must not be below 1."})


def _for_resale(booking_id: str, seats: int) -> dict[str, Any]:
    return {"resale": {"booking": booking_id, "seats": seats, "left": seats}}
