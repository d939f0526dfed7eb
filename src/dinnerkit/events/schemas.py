"""The requests and answers of the event routes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields, post_load, validate

from dinnerkit.events.listing import DEFAULT_RADIUS_KM, LARGEST_RADIUS_KM, EventQuery, Sort
from dinnerkit.events.rules import (
    LONGEST_ADDRESS,
    LONGEST_DESCRIPTION,
    LONGEST_NAME,
    LONGEST_NOTICE_HOURS,
    LONGEST_TAG,
    LONGEST_TITLE,
    MAX_FEE,
    MOST_SEATS,
    MOST_TAGS,
    EventDetails,
    Format,
    Location,
    RefundPolicy,
    Status,
    TableSize,
    Venue,
    WaitlistOrder,
    timezones,
    usual_tables,
)
from dinnerkit.http.fields import FlagField, IdField, MomentField, TextField, WholeField
from dinnerkit.http.schemas import MoneyField, PageQuery, StrictSchema
from dinnerkit.money import MAX_AMOUNT, Money

_FRACTION = r"(\.[0-9]{1,12})?"
_LATITUDE = rf"-?([1-8]?[0-9]{_FRACTION}|90(\.0{{1,12}})?)"
_LONGITUDE = rf"-?((1[0-7][0-9]|[1-9]?[0-9]){_FRACTION}|180(\.0{{1,12}})?)"
NEAR_PATTERN = rf"^{_LATITUDE},{_LONGITUDE}$"
"""Latitude and longitude in decimal degrees: ``48.1374,11.5755``."""

SMALLEST_RADIUS_KM = 0.1

_ZONE = validate.OneOf(timezones(), error="Not an IANA time zone such as Europe/Berlin.")
_CHANGES = {"description": "Until so many hours before the start guests may give their seats to somebody else, and say whom they bring."}
_WAITLIST_ORDER = {"description": "Who is offered free seats. Only a match night has tables to fit; elsewhere it is first come."}
_DEPOSIT = {"description": "Of one seat, in the price's currency: given back to those who come or cancel in time, kept from the others."}


class NumberField(fields.Float):
    """A number of JSON within bounds; never a text or a boolean."""

    def __init__(self, least: float, most: float, **kwargs: Any) -> None:
        super().__init__(validate=validate.Range(least, most), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, attr, data, **kwargs)


class PlaceField(fields.String):
    """A place as a query names it; see :data:`NEAR_PATTERN`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(metadata={"pattern": NEAR_PATTERN, **kwargs.pop("metadata", {})}, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        if not re.fullmatch(NEAR_PATTERN, text):
            raise ValidationError("Not a latitude and longitude such as 48.1374,11.5755.")
        latitude, longitude = text.split(",")
        return Location(float(latitude), float(longitude))


class LocationSchema(StrictSchema):
    lat = NumberField(-90, 90, required=True, metadata={"description": "Degrees north."})
    lon = NumberField(-180, 180, required=True, metadata={"description": "Degrees east."})

    @post_load
    def _value(self, data: dict[str, Any], **_: Any) -> Location:
        return Location(**data)


class VenueSchema(StrictSchema):
    name = TextField(LONGEST_NAME, required=True)
    address = TextField(LONGEST_ADDRESS, blank=True, load_default="")
    location = fields.Nested(LocationSchema, required=True)

    @post_load
    def _value(self, data: dict[str, Any], **_: Any) -> Venue:
        return Venue(**data)


class TableSizeSchema(StrictSchema):
    """How many guests sit at one table; to be published, an event needs min ≤ max ≤ its seats."""

    min = WholeField(1, MOST_SEATS, required=True)
    max = WholeField(1, MOST_SEATS, required=True)

    @post_load
    def _value(self, data: dict[str, Any], **_: Any) -> TableSize:
        return TableSize(**data)


class RefundPolicySchema(StrictSchema):
    """All back until the first deadline; then a part, by percentage or less a fee, until the second; then nothing."""

    full_until_hours = WholeField(
        0, LONGEST_NOTICE_HOURS, load_default=48, metadata={"description": "Until so many hours before the start all is refunded."}
    )
    late_percent = WholeField(0, 100, load_default=0, metadata={"description": "What is refunded after that, in per cent."})
    late_until_hours = WholeField(
        0,
        LONGEST_NOTICE_HOURS,
        load_default=0,
        metadata={"description": "Until so many hours before the start that is refunded; not above full_until_hours."},
    )
    late_fee = WholeField(
        0,
        MAX_FEE,
        load_default=None,
        allow_none=True,
        metadata={"description": "Instead of a percentage: kept of each seat, in minor units of the price's currency."},
    )
    late_only_if_resold = FlagField(
        load_default=False, metadata={"description": "What is refunded late is refunded for each seat that is sold again, and not before."}
    )

    @post_load
    def _value(self, data: dict[str, Any], **_: Any) -> RefundPolicy:
        return RefundPolicy(**data)


def _or_none(deposit: Money | None) -> Money | None:
    """A deposit of nothing is none."""
    return deposit if deposit and deposit.amount else None


def _tags(**kwargs: Any) -> fields.List[str]:
    description = "Those that differ only in case or accents are kept once."
    return fields.List(TextField(LONGEST_TAG), validate=validate.Length(max=MOST_TAGS), metadata={"description": description}, **kwargs)


class NewEventSchema(StrictSchema):
    """A draft. Its date and its tables are looked at when it is published."""

    title = TextField(LONGEST_TITLE, required=True)
    description = TextField(LONGEST_DESCRIPTION, blank=True, lines=True, load_default="")
    cuisine = TextField(LONGEST_NAME, required=True)
    starts_at = MomentField(required=True)
    timezone = fields.String(required=True, validate=_ZONE, metadata={"description": "Where the guests' clocks are."})
    city = TextField(LONGEST_NAME, required=True)
    venue = fields.Nested(VenueSchema, required=True)
    seats = WholeField(1, MOST_SEATS, required=True)
    table_size = fields.Nested(TableSizeSchema, metadata={"description": "From 4 to 8 unless told, as far as there are seats."})
    price = MoneyField(required=True, metadata={"description": "Of one seat."})
    changes_until_hours = WholeField(0, LONGEST_NOTICE_HOURS, load_default=2, metadata=_CHANGES)
    deposit = MoneyField(load_default=None, allow_none=True, metadata=_DEPOSIT)
    tags = _tags(load_default=list)
    format = fields.Enum(Format, by_value=fields.String, load_default=Format.TABLE)
    waitlist_order = fields.Enum(WaitlistOrder, by_value=fields.String, load_default=WaitlistOrder.FIRST_COME, metadata=_WAITLIST_ORDER)
    refund_policy = fields.Nested(RefundPolicySchema, load_default=RefundPolicy)

    @post_load
    def _value(self, data: dict[str, Any], **_: Any) -> EventDetails:
        tables = data.get("table_size") or usual_tables(data["seats"])
        return EventDetails(**data | {"tags": tuple(data["tags"]), "table_size": tables, "deposit": _or_none(data["deposit"])})


class EventChangesSchema(StrictSchema):
    """What is left out stays; what is named is replaced as a whole."""

    title = TextField(LONGEST_TITLE)
    description = TextField(LONGEST_DESCRIPTION, blank=True, lines=True)
    cuisine = TextField(LONGEST_NAME)
    starts_at = MomentField()
    timezone = fields.String(validate=_ZONE)
    city = TextField(LONGEST_NAME)
    venue = fields.Nested(VenueSchema)
    seats = WholeField(1, MOST_SEATS)
    table_size = fields.Nested(TableSizeSchema)
    price = MoneyField()
    changes_until_hours = WholeField(0, LONGEST_NOTICE_HOURS, metadata=_CHANGES)
    deposit = MoneyField(allow_none=True, metadata=_DEPOSIT)
    tags = _tags()
    format = fields.Enum(Format, by_value=fields.String)
    waitlist_order = fields.Enum(WaitlistOrder, by_value=fields.String, metadata=_WAITLIST_ORDER)
    refund_policy = fields.Nested(RefundPolicySchema)
    version = WholeField(
        1, 2**31 - 1, metadata={"description": "Change it only if this is still its version; otherwise 409 event_changed."}
    )

    @post_load
    def _value(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        deposit = {"deposit": _or_none(data["deposit"])} if "deposit" in data else {}
        return data | deposit | ({"tags": tuple(data["tags"])} if "tags" in data else {})


class EventQuerySchema(PageQuery):
    city = TextField(LONGEST_NAME, metadata={"description": "Compared without case and accents, as are cuisine and tag."})
    cuisine = TextField(LONGEST_NAME)
    tag = TextField(LONGEST_TAG)
    starts_from = MomentField(data_key="from", metadata={"description": "The earliest start."})
    starts_before = MomentField(data_key="to", metadata={"description": "Where the starts end; itself left out."})
    min_price = WholeField(0, MAX_AMOUNT, text=True, metadata={"description": "As max_price."})
    max_price = WholeField(
        0, MAX_AMOUNT, text=True, metadata={"description": "In minor units of each event's own currency; nothing is converted."}
    )
    near = PlaceField(metadata={"description": "Latitude and longitude in degrees, such as 48.1374,11.5755."})
    radius_km = fields.Float(
        validate=validate.Range(SMALLEST_RADIUS_KM, LARGEST_RADIUS_KM),
        load_default=DEFAULT_RADIUS_KM,
        metadata={"description": "How far from near the venue may lie; means nothing without it."},
    )
    sort = fields.Enum(
        Sort,
        by_value=fields.String,
        load_default=Sort.STARTS_AT,
        metadata={"description": "By price: the amounts, whatever their currency. By distance: from near, and by start without it."},
    )

    @post_load
    def _value(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        limit, cursor = data.pop("limit"), data.pop("cursor")
        return {"query": EventQuery(**data), "limit": limit, "cursor": cursor}


class PhotoSizeSchema(StrictSchema):
    width = fields.Integer(required=True, metadata={"description": "In pixels."})
    height = fields.Integer(required=True, metadata={"description": "In pixels."})
    url = fields.String(required=True, metadata={"description": "A path on this host. What is at it never changes: keep it for ever."})


class PhotoSchema(StrictSchema):
    id = IdField(required=True)
    alt = fields.String(required=True, metadata={"description": "What is to be seen, in the host's words; may be empty."})
    sizes = fields.List(fields.Nested(PhotoSizeSchema), required=True, metadata={"description": "The narrowest first; all are WebP."})


class EventSummarySchema(StrictSchema):
    id = IdField(required=True)
    host_id = fields.String(required=True)
    title = fields.String(required=True)
    cuisine = fields.String(required=True)
    starts_at = MomentField(required=True)
    timezone = fields.String(required=True, metadata={"description": "An IANA zone, such as Europe/Berlin."})
    city = fields.String(required=True)
    venue = fields.Nested(VenueSchema, required=True)
    seats = fields.Integer(required=True)
    seats_left = fields.Integer(required=True)
    table_size = fields.Nested(TableSizeSchema, required=True)
    price = MoneyField(required=True, metadata={"description": "Of one seat."})
    changes_until_hours = fields.Integer(required=True, metadata=_CHANGES)
    deposit = MoneyField(required=True, allow_none=True, metadata=_DEPOSIT)
    tags = fields.List(fields.String(), required=True)
    format = fields.Enum(Format, by_value=fields.String, required=True)
    waitlist_order = fields.Enum(WaitlistOrder, by_value=fields.String, required=True, metadata=_WAITLIST_ORDER)
    refund_policy = fields.Nested(RefundPolicySchema, required=True)
    status = fields.Enum(Status, by_value=fields.String, required=True)
    version = fields.Integer(required=True, metadata={"description": "Rises with each change by the host."})
    created_at = MomentField(required=True)
    updated_at = MomentField(required=True)
    published_at = MomentField(required=True, allow_none=True)
    photo = fields.Nested(PhotoSchema, required=True, allow_none=True, metadata={"description": "Null where there is none."})
    distance_km = fields.Float(metadata={"description": "From near, where the query had it."})


class FeedSchema(StrictSchema):
    url = fields.String(required=True, allow_none=True, metadata={"description": "Of the calendar; null where there is none."})


class EventSchema(EventSummarySchema):
    class Meta(StrictSchema.Meta):
        """Marshmallow's options."""

        exclude = ("distance_km",)

    description = fields.String(required=True)
