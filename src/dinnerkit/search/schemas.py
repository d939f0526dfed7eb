"""The requests and answers of the search routes."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, post_load, validate

from dinnerkit.events.listing import EventQuery
from dinnerkit.events.schemas import EventQuerySchema, EventSummarySchema
from dinnerkit.http.fields import TextField, WholeField
from dinnerkit.http.schemas import StrictSchema
from dinnerkit.ports.search import LONGEST_TEXT, MOST_SUGGESTIONS, Order
from dinnerkit.search.rules import SearchQuery

_MONTH = r"^2[0-9]{3}-(0[1-9]|1[0-2])$"


def _order() -> Any:
    """In place of the order of the plain list, whose kind it has not."""
    description = "By relevance and without q, or by distance and without near: by start."
    return fields.Enum(Order, by_value=fields.String, load_default=Order.RELEVANCE, metadata={"description": description})


class SearchQuerySchema(EventQuerySchema):
    q = TextField(LONGEST_TEXT, blank=True, load_default="", metadata={"description": "Words that are all in the event."})
    month = fields.String(
        validate=[validate.Length(equal=7), validate.Regexp(_MONTH)],
        metadata={"description": "In which it starts where its guests are, such as 2026-12.", "pattern": _MONTH},
    )
    sort = _order()

    @post_load
    def _value(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        limit, cursor = data.pop("limit"), data.pop("cursor")
        own = {"text": data.pop("q"), "order": data.pop("sort"), "month": data.pop("month", None)}
        return {"query": SearchQuery(filters=EventQuery(**data), **own), "limit": limit, "cursor": cursor}


class FacetValueSchema(StrictSchema):
    value = fields.String(required=True)
    count = fields.Integer(required=True, strict=True, validate=validate.Range(min=1))


class FacetsSchema(StrictSchema):
    """How many of all that was found have each value; prices in bands of minor units, both ends included."""

    city = fields.List(fields.Nested(FacetValueSchema), required=True)
    cuisine = fields.List(fields.Nested(FacetValueSchema), required=True)
    month = fields.List(fields.Nested(FacetValueSchema), required=True)
    price = fields.List(fields.Nested(FacetValueSchema), required=True)


class SearchPageSchema(StrictSchema):
    items = fields.List(fields.Nested(EventSummarySchema), required=True)
    next = fields.String(required=True, allow_none=True, metadata={"description": "The cursor of the next page, null at the end."})
    facets = fields.Nested(FacetsSchema, required=True)
    degraded = fields.Boolean(
        required=True, metadata={"description": "The index gave no answer: these are all events that meet the filters, whatever q is."}
    )


class SuggestQuerySchema(StrictSchema):
    q = TextField(LONGEST_TEXT, blank=True, load_default="", metadata={"description": "What was typed so far."})
    limit = WholeField(1, MOST_SUGGESTIONS, text=True, load_default=10)


class SuggestionsSchema(StrictSchema):
    items = fields.List(fields.String(), required=True)


class AlikeQuerySchema(StrictSchema):
    limit = WholeField(1, 100, text=True, load_default=20)


class AlikeSchema(StrictSchema):
    """Somebody who agreed to be found."""

    name = fields.String(required=True, metadata={"description": "The first name."})
    city = fields.String(required=True, allow_none=True)
    languages = fields.List(fields.String(), required=True)
    interests = fields.List(fields.String(), required=True)
    similarity = fields.Float(
        required=True,
        metadata={"description": "At least so alike, in few steps: 0.9, 0.8 or 0.6, where 1 is the same in all five traits."},
    )


class AlikePageSchema(StrictSchema):
    items = fields.List(fields.Nested(AlikeSchema), required=True)
    next = fields.String(required=True, allow_none=True, metadata={"description": "Always null: only the most alike are told."})
