"""A host's own dinners as a calendar to subscribe to: behind an address that only the host knows, and that can be made worthless."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import icalendar
from pymongo import ReturnDocument
from pymongo.database import Database

from dinnerkit.clock import Clock
from dinnerkit.errors import Forbidden
from dinnerkit.events.documents import EventDocument, FeedDocument
from dinnerkit.events.errors import NoSuchFeed
from dinnerkit.events.rules import DINNER_LENGTH, Status
from dinnerkit.identity import Principal, Role
from dinnerkit.storage import Row, collection

MEDIA_TYPE = "text/calendar"

LONGEST_TOKEN = 200
_MAC_BYTES = 20
_LOOKING_BACK = timedelta(days=90)
_MOST = 500
_FIELDS = ("title", "status", "starts_at", "city", "venue", "seats", "seats_left", "version", "created_at", "updated_at")


class HostFeed:
    """Gives hosts the address of their calendar, and its readers the calendar.

    The token in the address is the host's id and a keyed hash of it and of how many addresses there were before: so nothing secret is
    kept, the address can be shown again, and the next one makes it worthless.
    """

    def __init__(self, database: Database[Row], key: bytes, clock: Clock) -> None:
        self._feeds = collection(database, FeedDocument)
        self._events = collection(database, EventDocument)
        self._key = key
        self._clock = clock

    def token(self, principal: Principal) -> str | None:
        """The token of the host's calendar; None where there is none."""
        row = self._feeds.find_one({"_id": principal.user_id, "open": True})
        return self._signed(principal.user_id, row["number"]) if row else None

    def open(self, principal: Principal) -> str:
        """The same; made where there is none.

        Raises:
            Forbidden: the user is no host.
        """
        if not principal.may(Role.HOST):
            raise Forbidden("Only hosts have a calendar of their dinners.")
        new = {"$set": {"open": True}, "$setOnInsert": {"number": 1}}
        row = self._feeds.find_one_and_update({"_id": principal.user_id}, new, upsert=True, return_document=ReturnDocument.AFTER)
        return self._signed(principal.user_id, row["number"] if row else 1)

    def close(self, principal: Principal) -> None:
        """Make the address worthless; the next one is another."""
        self._feeds.update_one({"_id": principal.user_id, "open": True}, {"$set": {"open": False}, "$inc": {"number": 1}})

    def calendar(self, token: str) -> bytes:
        """The calendar behind a token: the dinners with how many seats are taken, and nobody's name.

        Raises:
            NoSuchFeed: there is none, or not any more; it takes the same time whatever is wrong.
        """
        user_id = token.partition(".")[0] if len(token) <= LONGEST_TOKEN else ""
        row = self._feeds.find_one({"_id": user_id})
        expected = self._signed(user_id, row["number"] if row else 0)
        if not hmac.compare_digest(token.encode("utf-8", "surrogatepass"), expected.encode()) or row is None or not row["open"]:
            raise NoSuchFeed("there is no such calendar")
        since = self._clock() - _LOOKING_BACK
        query = {"host": user_id, "published_at": {"$ne": None}, "starts_at": {"$gte": since}}
        return _written(self._events.find(query, _FIELDS).sort([("starts_at", 1), ("_id", 1)]).limit(_MOST))

    def _signed(self, user_id: str, number: int) -> str:
        mac = hmac.digest(self._key, f"{user_id}:{number}".encode("utf-8", "surrogatepass"), "sha256")[:_MAC_BYTES]
        return f"{user_id}.{base64.b32encode(mac).decode().lower()}"


def _written(rows: Any) -> bytes:
    """The file; it changes only when a dinner does, so that a reader can be told that it has it already."""
    calendar = icalendar.Calendar()
    calendar.add("prodid", "-//dinnerkit//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", "My dinners")
    for row in rows:
        calendar.add_component(_entry(row))
    return bytes(calendar.to_ical())


def _entry(row: Mapping[str, Any]) -> icalendar.Event:
    starts_at: datetime = row["starts_at"]
    taken = row["seats"] - row["seats_left"]
    entry = icalendar.Event()
    entry.add("uid", f"{row['_id']}.host@dinnerkit")
    entry.add("sequence", row["version"])
    entry.add("dtstamp", row["updated_at"])
    entry.add("dtstart", starts_at)
    entry.add("dtend", starts_at + DINNER_LENGTH)
    entry.add("summary", f"{row['title']} ({taken} of {row['seats']})")
    entry.add("description", f"{taken} of {row['seats']} seats are taken.")
    entry.add("status", "CANCELLED" if row["status"] == Status.CANCELLED else "CONFIRMED")
    entry.add("location", ", ".join(part for part in (row["venue"]["name"], row["venue"]["address"], row["city"]) if part))
    return entry
