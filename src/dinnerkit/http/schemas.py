"""Schemas that every domain's own build on."""

from __future__ import annotations

from functools import cache
from typing import Any, cast

from marshmallow import INCLUDE, RAISE, Schema, fields, post_load, validate

from dinnerkit.http import paging
from dinnerkit.http.fields import TextField, WholeField, currencies
from dinnerkit.money import MAX_AMOUNT, Money


def _nothing() -> None:
    """A default that, unlike a plain None, does not make null a value to be sent."""


class StrictSchema(Schema):
    """A schema that refuses what it does not know."""

    class Meta:
        """Marshmallow's options."""

        unknown = RAISE


class MoneySchema(StrictSchema):
    """An amount in minor units of its currency; loads to :class:`dinnerkit.money.Money`."""

    amount = WholeField(0, MAX_AMOUNT, required=True, metadata={"description": "In the currency's minor unit, such as cents."})
    currency = fields.String(
        required=True,
        validate=validate.OneOf(currencies(), error="Not an ISO 4217 currency such as EUR."),
        metadata={"description": "ISO 4217."},
    )

    @post_load
    def _money(self, data: dict[str, Any], **_: Any) -> Money:
        return Money(data["amount"], data["currency"])


class MoneyField(fields.Nested):
    """Money within another schema: ``price = MoneyField(required=True)``."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(MoneySchema, **kwargs)


class PageQuery(StrictSchema):
    """The query of a list; a list's own filters go into a subclass."""

    limit = WholeField(1, 100, text=True, load_default=20)
    cursor = TextField(paging.MAX_LENGTH, load_default=_nothing, metadata={"description": "The next of the page before."})


class ProblemErrorSchema(StrictSchema):
    """What is wrong with one field."""

    field = fields.String(required=True, metadata={"description": "Dotted; empty where it is about the whole."})
    message = fields.String(required=True)


class ProblemSchema(Schema):
    """RFC 9457 problem details; some problems have further members, such as seats_left."""

    class Meta:
        """Marshmallow's options."""

        unknown = INCLUDE

    type = fields.String(required=True, metadata={"format": "uri"})
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    code = fields.String(required=True, metadata={"description": "Stable; made for programs."})
    request_id = fields.String(required=True)
    errors = fields.List(fields.Nested(ProblemErrorSchema), metadata={"description": "With status 422."})


class _Page(StrictSchema):
    next = fields.String(required=True, allow_none=True, metadata={"description": "The cursor of the next page, null at the end."})


@cache
def page_schema(item: type[Schema]) -> type[Schema]:
    """The schema of a page of items: ``{"items": […], "next": "cursor" or null}``."""
    name = f"{item.__name__.removesuffix('Schema')}PageSchema"
    members: dict[str, Any] = {"items": fields.List(fields.Nested(item), required=True)}
    return cast("type[Schema]", type(name, (_Page,), members))
