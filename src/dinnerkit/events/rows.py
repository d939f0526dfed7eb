"""Between stored events and values, and the projections in which the database sends what the API shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any, NotRequired, TypedDict, cast

from dinnerkit.clock import to_millis
from dinnerkit.events.rules import (
    Event,
    EventDetails,
    Format,
    Location,
    RefundPolicy,
    Status,
    TableSize,
    Venue,
    WaitlistOrder,
    distinct_tags,
)
from dinnerkit.money import Money
from dinnerkit.storage import Row
from dinnerkit.texts import search_key


class EventSummary(TypedDict):
    """An event as lists show it. ``distance_km`` is there where the list was asked for what is near."""

    id: str
    host_id: str
    title: str
    cuisine: str
    starts_at: datetime
    timezone: str
    city: str
    venue: dict[str, Any]
    seats: int
    seats_left: int
    table_size: dict[str, int]
    price: dict[str, Any]
    deposit: dict[str, Any] | None
    changes_until_hours: int
    tags: list[str]
    format: str
    waitlist_order: str
    refund_policy: dict[str, Any]
    status: str
    version: int
    created_at: datetime
    updated_at: datetime
    published_at: datetime | None
    photo: dict[str, Any] | None
    distance_km: NotRequired[float]


class EventView(EventSummary):
    """An event as its own page shows it."""

    description: str


_USUAL_NOTICE_HOURS = 2

_AS_STORED = (
    "title",
    "cuisine",
    "starts_at",
    "timezone",
    "city",
    "seats",
    "seats_left",
    "table_size",
    "price",
    "tags",
    "format",
    "status",
    "version",
    "created_at",
    "updated_at",
    "published_at",
)

_MADE_OF = ("host", "venue", "waitlist_order", "deposit", "photo", "changes_until_hours", "refund_policy")

SUMMARY: Mapping[str, Any] = dict.fromkeys((*_AS_STORED, *_MADE_OF), 1)
"""Projects a stored event to what :func:`summary_of` reads. To have it renamed and completed by the database costs that twice as much."""

VIEW: Mapping[str, Any] = {**SUMMARY, "description": 1}
"""Projects a stored event to what :func:`view_of` reads."""

EVENT: Mapping[str, Any] = {"holds": 0, "waitlist": 0, "resale": 0, "outbox": 0}
"""Projects a stored event to what :func:`event_of` reads; the accounts of seats can be large."""


_POLICY = tuple((item.name, item.default) for item in fields(RefundPolicy))


def summary_of(row: Row) -> EventSummary:
    """The stored event as lists show it; those that were made before there was all of this are completed."""
    venue, policy = row["venue"], row.get("refund_policy") or {}
    longitude, latitude = venue["location"]["coordinates"]
    late = row.get("changes_until_hours")
    shown = {name: row[name] for name in _AS_STORED if name in row} | {
        "id": row["_id"],
        "host_id": row["host"],
        "venue": {"name": venue["name"], "address": venue["address"], "location": {"lat": latitude, "lon": longitude}},
        "waitlist_order": row.get("waitlist_order") or WaitlistOrder.FIRST_COME.value,
        "deposit": row.get("deposit"),
        "photo": row.get("photo"),
        "changes_until_hours": _USUAL_NOTICE_HOURS if late is None else late,
        "refund_policy": {name: default if (said := policy.get(name)) is None else said for name, default in _POLICY},
    }
    return cast("EventSummary", shown)


def view_of(row: Row) -> EventView:
    """The stored event as its own page shows it."""
    return cast("EventView", {**summary_of(row), "description": row["description"]})


def event_of(row: Row) -> Event:
    """The stored event as a value."""
    longitude, latitude = row["venue"]["location"]["coordinates"]
    details = EventDetails(
        title=row["title"],
        description=row["description"],
        cuisine=row["cuisine"],
        starts_at=row["starts_at"],
        timezone=row["timezone"],
        city=row["city"],
        venue=Venue(row["venue"]["name"], row["venue"]["address"], Location(latitude, longitude)),
        seats=row["seats"],
        table_size=TableSize(**row["table_size"]),
        price=Money.from_document(row["price"]),
        deposit=Money.from_document(row["deposit"]) if row.get("deposit") else None,
        changes_until_hours=row.get("changes_until_hours", _USUAL_NOTICE_HOURS),
        tags=tuple(row["tags"]),
        format=Format(row["format"]),
        waitlist_order=WaitlistOrder(row.get("waitlist_order") or WaitlistOrder.FIRST_COME),
        refund_policy=RefundPolicy(**row["refund_policy"]),
    )
    return Event(
        id=row["_id"],
        host=row["host"],
        details=details,
        status=Status(row["status"]),
        seats_left=row["seats_left"],
        published_at=row["published_at"],
        version=row["version"],
    )


def stored(details: EventDetails) -> Row:
    """The details as they are stored, with the keys by which they are found."""
    tags = distinct_tags(details.tags)
    return {
        "title": details.title,
        "description": details.description,
        "cuisine": details.cuisine,
        "cuisine_key": search_key(details.cuisine),
        "starts_at": to_millis(details.starts_at),
        "timezone": details.timezone,
        "city": details.city,
        "city_key": search_key(details.city),
        "venue": {
            "name": details.venue.name,
            "address": details.venue.address,
            "location": {"type": "Point", "coordinates": [details.venue.location.lon, details.venue.location.lat]},
        },
        "seats": details.seats,
        "table_size": {"min": details.table_size.min, "max": details.table_size.max},
        "price": details.price.to_document(),
        "changes_until_hours": details.changes_until_hours,
        "deposit": details.deposit.to_document() if details.deposit else None,
        "tags": list(tags),
        "tag_keys": [search_key(tag) for tag in tags],
        "format": details.format.value,
        "waitlist_order": details.waitlist_order.value,
        "refund_policy": details.refund_policy.to_document(),
    }
