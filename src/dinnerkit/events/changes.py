"""What a host's wish does to an event: the decision alone, as values to set, counts to raise, guards and messages. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from dinnerkit.events.errors import CapacityBelowSold, EventHasBegun, EventHasBookings, EventIsCancelled, EventNotDraft, EventNotReady
from dinnerkit.events.messages import EventCancelled, EventChanged, EventPublished
from dinnerkit.events.rows import stored
from dinnerkit.events.rules import FREE_CANCELLATION, MOVING, TERMS, Event, EventDetails, Status
from dinnerkit.events.validation import check, unready
from dinnerkit.messages import Message


@dataclass(frozen=True, slots=True)
class Change:
    """One conditional update. ``guards`` must hold of the stored event, beside the version that was read."""

    sets: Mapping[str, Any]
    increments: Mapping[str, int] = field(default_factory=dict)
    guards: Mapping[str, Any] = field(default_factory=dict)
    messages: tuple[Message, ...] = ()


def publish(event: Event, now: datetime) -> Change:
    """Show a draft to everyone.

    Raises:
        EventNotDraft: it was published or cancelled before.
        EventNotReady: it is unfinished.
    """
    if event.status is not Status.DRAFT:
        raise EventNotDraft(f"The event is {event.status}; only a draft is published.", event_status=event.status.value)
    _must_be_ready(event.details, now)
    return Change(
        {"status": Status.PUBLISHED.value, "listed": True, "published_at": now},
        messages=(EventPublished(event_id=event.id, host_id=event.host),),
    )


def cancel(event: Event, now: datetime) -> Change:
    """Call the event off; a draft goes silently.

    Raises:
        EventIsCancelled: it is already.
        EventHasBegun: it is too late.
    """
    _must_be_open(event, now)
    told = (EventCancelled(event_id=event.id, host_id=event.host),) if event.status is Status.PUBLISHED else ()
    return Change({"status": Status.CANCELLED.value, "listed": False}, messages=told)


def edit(event: Event, details: EventDetails, now: datetime) -> Change | None:
    """Give the event other details; None where they are the ones that it has.

    Raises:
        Invalid: a value can't be stored or shown.
        EventIsCancelled, EventHasBegun: it can't be changed any more.
        EventNotReady: it is published, and would not be ready to be.
        EventHasBookings: ``rules.TERMS`` would change for guests who hold seats.
        CapacityBelowSold: fewer seats than are sold would be left.
    """
    check(details)
    _must_be_open(event, now)
    old = stored(event.details)
    sets = {name: value for name, value in stored(details).items() if value != old[name]}
    if not sets:
        return None
    guards: dict[str, Any] = {}
    increments: dict[str, int] = {}
    if added := details.seats - event.details.seats:
        if details.seats < event.sold:
            raise CapacityBelowSold(f"{event.sold} seats are sold.", sold=event.sold)
        guards["seats_left"] = {"$gte": -added}
        increments = {"seats_left": added, "seq": 1}
    if event.status is Status.DRAFT:
        return Change(sets, increments, guards)
    _must_be_ready(details, now)
    if terms := [name for name in TERMS if name in sets]:
        if event.sold:
            raise EventHasBookings("Guests hold seats on these terms: they can't be changed now.", terms=terms)
        guards["seats_left"] = event.details.seats
    if any(name in sets for name in MOVING):
        sets |= {"moved_at": now, "free_until": min(now + FREE_CANCELLATION, details.starts_at)}
    names = [name for name in sets if name in old and not name.endswith(("_key", "_keys"))]
    return Change(sets, increments, guards, (EventChanged(event_id=event.id, host_id=event.host, fields=names),))


def _must_be_ready(details: EventDetails, now: datetime) -> None:
    if problems := unready(details, now):
        raise EventNotReady("The event is not ready to be public.", problems=problems)


def _must_be_open(event: Event, now: datetime) -> None:
    if event.status is Status.CANCELLED:
        raise EventIsCancelled("The event is cancelled.")
    if event.status is Status.PUBLISHED and event.begun(now):
        raise EventHasBegun("The event has begun.")
