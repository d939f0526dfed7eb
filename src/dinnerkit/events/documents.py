"""How events are stored, and the indexes that serve every list of them."""

from __future__ import annotations

from typing import Any, ClassVar

import mongoengine
from pymongo import ASCENDING, DESCENDING, GEOSPHERE, IndexModel

from dinnerkit.delivery.outbox import OUTBOX_INDEX, SendingDocument
from dinnerkit.events.rules import MOST_SEATS, Format, Status, WaitlistOrder
from dinnerkit.storage import StoredDocument


def _listed(name: str, *keys: str) -> IndexModel:
    return IndexModel([(key, ASCENDING) for key in keys], name=name, partialFilterExpression={"listed": True})


class Venue(mongoengine.EmbeddedDocument):  # type: ignore[misc]
    """Where the dinner is; the location is a GeoJSON point, longitude first."""

    name = mongoengine.StringField(required=True)
    address = mongoengine.StringField(required=True)
    location = mongoengine.PointField(required=True, auto_index=False)


class TableSize(mongoengine.EmbeddedDocument):  # type: ignore[misc]
    """How many guests sit at one table."""

    min = mongoengine.IntField(required=True, min_value=1)
    max = mongoengine.IntField(required=True, min_value=1)


class Price(mongoengine.EmbeddedDocument):  # type: ignore[misc]
    """What one seat costs, in minor units of an ISO 4217 currency."""

    amount = mongoengine.LongField(required=True, min_value=0)
    currency = mongoengine.StringField(required=True, regex=r"^[A-Z]{3}$")


class RefundTerms(mongoengine.EmbeddedDocument):  # type: ignore[misc]
    """What a guest who cancels gets back."""

    full_until_hours = mongoengine.IntField(required=True, min_value=0)
    late_percent = mongoengine.IntField(required=True, min_value=0, max_value=100)
    late_until_hours = mongoengine.IntField(required=True, default=0, min_value=0)
    late_fee = mongoengine.LongField(null=True, min_value=0)
    late_only_if_resold = mongoengine.BooleanField(required=True, default=False)


class Hold(mongoengine.EmbeddedDocument):  # type: ignore[misc]
    """Seats taken by a booking: until a moment, or for good where ``until`` is null. Written by ``events.seats`` alone."""

    hold = mongoengine.StringField(required=True)
    booking = mongoengine.StringField(required=True)
    user = mongoengine.StringField(required=True)
    guests = mongoengine.IntField(required=True, min_value=1)
    until = mongoengine.DateTimeField(null=True)
    giver = mongoengine.StringField()


class WaitingParty(mongoengine.EmbeddedDocument):  # type: ignore[misc]
    """A party that waits for seats. Written by ``events.seats`` alone."""

    entry = mongoengine.StringField(required=True)
    user = mongoengine.StringField(required=True)
    guests = mongoengine.IntField(required=True, min_value=1)
    at = mongoengine.DateTimeField(required=True)


class ForResale(mongoengine.EmbeddedDocument):  # type: ignore[misc]
    """Seats that were given back late, whose money goes back once they are sold again. Written by ``events.seats`` alone."""

    booking = mongoengine.StringField(required=True)
    seats = mongoengine.IntField(required=True, min_value=1)
    left = mongoengine.IntField(required=True, min_value=1)


class PhotoSize(mongoengine.EmbeddedDocument):  # type: ignore[misc]
    """A size in which there is a photo, in pixels."""

    width = mongoengine.IntField(required=True, min_value=1)
    height = mongoengine.IntField(required=True, min_value=1)


class ShownPhoto(mongoengine.EmbeddedDocument):  # type: ignore[misc]
    """The photo of an event. Written by ``events.photos`` alone."""

    id = mongoengine.StringField(required=True)
    alt = mongoengine.StringField()
    sizes = mongoengine.EmbeddedDocumentListField(PhotoSize, required=True)


class PhotoUpload(mongoengine.EmbeddedDocument):  # type: ignore[misc]
    """A file that is to become the photo. Written by ``events.photos`` alone."""

    id = mongoengine.StringField(required=True)
    alt = mongoengine.StringField()
    state = mongoengine.StringField(required=True)
    at = mongoengine.DateTimeField(required=True)
    code = mongoengine.StringField()


class FeedDocument(StoredDocument):
    """The calendar of a host's dinners: whether it can be read, and how many addresses it has had. ``_id`` is the host's."""

    meta: ClassVar[dict[str, Any]] = {"collection": "feeds"}
    collection_name: ClassVar[str] = "feeds"

    id = mongoengine.StringField(primary_key=True)
    open = mongoengine.BooleanField(required=True)
    number = mongoengine.IntField(required=True, min_value=1)


class EventDocument(SendingDocument):
    """A dinner.

    ``city_key``, ``cuisine_key`` and ``tag_keys`` are what ``rules.search_key`` makes of the names beside them, so that "munchen"
    finds München. ``listed`` is true from the publication until the event is cancelled or has begun; the indexes of the public lists
    hold only such events, and so don't grow with the years. A query that names ``listed`` must still ask for ``starts_at`` after now,
    as it is cleared a little late. ``version`` rises with each change by the host; the accounting of seats does not touch it.
    """

    id = mongoengine.StringField(primary_key=True)
    host = mongoengine.StringField(required=True)
    title = mongoengine.StringField(required=True)
    description = mongoengine.StringField(required=True)
    cuisine = mongoengine.StringField(required=True)
    cuisine_key = mongoengine.StringField(required=True)
    starts_at = mongoengine.DateTimeField(required=True)
    timezone = mongoengine.StringField(required=True)
    city = mongoengine.StringField(required=True)
    city_key = mongoengine.StringField(required=True)
    venue = mongoengine.EmbeddedDocumentField(Venue, required=True)
    table_size = mongoengine.EmbeddedDocumentField(TableSize, required=True)
    price = mongoengine.EmbeddedDocumentField(Price, required=True)
    deposit = mongoengine.EmbeddedDocumentField(Price)
    changes_until_hours = mongoengine.IntField(required=True, default=2, min_value=0)
    tags = mongoengine.ListField(mongoengine.StringField())
    tag_keys = mongoengine.ListField(mongoengine.StringField())
    format = mongoengine.StringField(required=True, choices=tuple(Format))
    waitlist_order = mongoengine.StringField(choices=tuple(WaitlistOrder))
    refund_policy = mongoengine.EmbeddedDocumentField(RefundTerms, required=True)

    photo = mongoengine.EmbeddedDocumentField(ShownPhoto)
    photo_upload = mongoengine.EmbeddedDocumentField(PhotoUpload)

    status = mongoengine.StringField(required=True, choices=tuple(Status))
    listed = mongoengine.BooleanField(required=True, default=False)
    created_at = mongoengine.DateTimeField(required=True)
    updated_at = mongoengine.DateTimeField(required=True)
    published_at = mongoengine.DateTimeField(null=True)
    version = mongoengine.IntField(required=True, default=1, min_value=1)

    moved_at = mongoengine.DateTimeField(null=True)
    free_until = mongoengine.DateTimeField(null=True)
    """When the host last moved the published dinner, and until when those who had booked by then get all their money back."""

    seats = mongoengine.IntField(required=True, min_value=1, max_value=MOST_SEATS)
    seats_left = mongoengine.IntField(required=True, min_value=0, max_value=MOST_SEATS)
    holds = mongoengine.EmbeddedDocumentListField(Hold)
    waitlist = mongoengine.EmbeddedDocumentListField(WaitingParty)
    resale = mongoengine.EmbeddedDocumentListField(ForResale)
    seq = mongoengine.IntField(required=True, default=0, min_value=0)

    meta: ClassVar[dict[str, Any]] = {"collection": "events"}
    collection_name: ClassVar[str] = "events"
    index_models: ClassVar[tuple[IndexModel, ...]] = (
        _listed("listed_by_start", "starts_at", "_id"),
        _listed("listed_by_city_and_start", "city_key", "starts_at", "_id"),
        _listed("listed_by_cuisine_and_start", "cuisine_key", "starts_at", "_id"),
        _listed("listed_by_tag_and_start", "tag_keys", "starts_at", "_id"),
        _listed("listed_by_price", "price.amount", "starts_at", "_id"),
        _listed("listed_by_city_and_price", "city_key", "price.amount", "starts_at", "_id"),
        IndexModel(
            [("venue.location", GEOSPHERE), ("starts_at", ASCENDING)], name="listed_by_place", partialFilterExpression={"listed": True}
        ),
        IndexModel([("host", ASCENDING), ("_id", DESCENDING)], name="by_host"),
        IndexModel([("holds.until", ASCENDING)], name="holds_by_end", sparse=True),
        IndexModel([("holds.user", ASCENDING)], name="holds_by_user", sparse=True),
        IndexModel([("waitlist.user", ASCENDING)], name="waiting", sparse=True),
        OUTBOX_INDEX,
    )
