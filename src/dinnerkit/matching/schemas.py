"""The requests and answers of the matching routes."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from dinnerkit.accounts.secrecy import LONGEST_TOKEN
from dinnerkit.events.rules import MOST_SEATS
from dinnerkit.http.fields import IdField, MomentField, SecretField, WholeField
from dinnerkit.http.schemas import StrictSchema
from dinnerkit.matching.people.items import ITEMS, TRAITS
from dinnerkit.matching.seatings import MOST_KEPT

LARGEST_SEED = 2**31 - 1


class PersonalitySchema(StrictSchema):
    answers = fields.Dict(
        keys=fields.String(validate=validate.OneOf([item.id for item in ITEMS])),
        values=WholeField(1, 5),
        required=True,
        metadata={"description": "The 50 IPIP Big-Five markers, 1 (disagree) to 5 (agree); at most 10 may be missing."},
    )


class CompanionAnswersSchema(PersonalitySchema):
    token = SecretField(LONGEST_TOKEN, required=True, metadata={"description": "From the private link."})


class TraitsSchema(StrictSchema):
    traits = fields.Nested(StrictSchema.from_dict({name: fields.Float(required=True) for name in TRAITS}, name="Traits"), required=True)


class KeptGuestSchema(StrictSchema):
    booking_id = IdField(required=True)
    companion = WholeField(0, MOST_SEATS, load_default=0, metadata={"description": "As of the place at the earlier table."})


class KeptSchema(StrictSchema):
    seating_id = IdField(required=True)
    tables = fields.List(
        WholeField(1, MOST_SEATS),
        load_default=list,
        validate=validate.Length(1, MOST_KEPT),
        metadata={"description": "The numbers, from 1, of tables that stay as they are, but for guests who don't come any more."},
    )
    guests = fields.List(
        fields.Nested(KeptGuestSchema),
        load_default=list,
        validate=validate.Length(1, MOST_KEPT),
        metadata={
            "description": "People who keep their company: those who shared a table do again, and those who did not don't. "
            "Who sits with them may change, and who doesn't come any more is passed over."
        },
    )

    @validates_schema
    def _something(self, data: dict[str, Any], **_: Any) -> None:
        if not data["tables"] and not data["guests"]:
            raise ValidationError("Say which tables or guests to keep.")


class MendedSeatingSchema(StrictSchema):
    seating_id = IdField(required=True)
    moves = WholeField(
        0,
        MOST_SEATS,
        load_default=0,
        metadata={"description": "How many guests may move for a better score; those who must move are counted."},
    )


class SeatingRequestSchema(StrictSchema):
    seed = WholeField(0, LARGEST_SEED, load_default=0)
    best_effort = fields.Boolean(load_default=False, truthy={True}, falsy={False})
    floor = WholeField(
        0,
        100,
        load_default=None,
        allow_none=True,
        metadata={"description": "The score that no table should be below; `below` says which are all the same."},
    )
    keep = fields.Nested(
        KeptSchema,
        load_default=None,
        allow_none=True,
        metadata={
            "description": "Tables or guests of an earlier seating who stay together, at least one; the others are seated anew.",
            "minProperties": 2,
        },
    )
    mend = fields.Nested(
        MendedSeatingSchema,
        load_default=None,
        allow_none=True,
        metadata={"description": "An earlier seating that is changed as little as can be, for who came and who went since."},
    )


class ReasonSchema(StrictSchema):
    rule = fields.String(required=True)
    text = fields.String(required=True)
    points = fields.Float(required=True)


class PlaceSchema(StrictSchema):
    booking_id = IdField(required=True)
    name = fields.String(required=True)
    companion = fields.Integer(required=True, metadata={"description": "0 for the one who booked; counts whom they bring."})


class UnseatedSchema(PlaceSchema):
    reason = fields.String(required=True)


class NumberedTableSchema(StrictSchema):
    table = fields.Integer(required=True, metadata={"description": "From 1."})
    reason = fields.String(required=True)


class TableSchema(StrictSchema):
    guests = fields.List(fields.Nested(PlaceSchema), required=True)
    score = fields.Float(required=True)
    reasons = fields.List(fields.Nested(ReasonSchema), required=True)


class SeatingSchema(StrictSchema):
    id = IdField(required=True)
    status = fields.String(required=True, validate=validate.OneOf(("done", "published")))
    tables = fields.List(fields.Nested(TableSchema), required=True)
    unseated = fields.List(fields.Nested(UnseatedSchema), required=True)
    below = fields.List(
        fields.Nested(NumberedTableSchema), required=True, metadata={"description": "Tables below the floor that was asked for."}
    )
    broken = fields.List(
        fields.Nested(NumberedTableSchema),
        required=True,
        metadata={"description": "Tables that were kept as they are, and break a rule by now, such as that of their size."},
    )
    score = fields.Float(required=True)
    floor = fields.Float(required=True)
    chance = fields.Float(required=True)
    seed = fields.Integer(required=True)


class SeatingRunSchema(StrictSchema):
    id = IdField(required=True)
    status = fields.String(required=True, validate=validate.OneOf(("queued", "done", "impossible", "published")))
    progress = fields.Float(required=True)
    best = fields.Float(required=True, allow_none=True, metadata={"description": "The best score so far, while the tables are made."})
    seed = fields.Integer(required=True)
    score = fields.Float(required=True, allow_none=True, metadata={"description": "Null, as the next three, where there are no tables."})
    floor = fields.Float(required=True, allow_none=True)
    chance = fields.Float(required=True, allow_none=True)
    unseated = fields.Integer(required=True, allow_none=True)
    created_at = MomentField(required=True)
    published_at = MomentField(required=True, allow_none=True, metadata={"description": "The one that was published last is in force."})


class ComparisonSchema(StrictSchema):
    one = fields.Nested(SeatingRunSchema, required=True)
    other = fields.Nested(SeatingRunSchema, required=True)
    moved = fields.List(fields.Nested(PlaceSchema), required=True, metadata={"description": "Who leaves their table."})
    joined = fields.List(fields.Nested(PlaceSchema), required=True, metadata={"description": "Who has a place only in the other."})
    left = fields.List(fields.Nested(PlaceSchema), required=True, metadata={"description": "Who has a place only in the one."})
    kept_tables = fields.Integer(required=True, metadata={"description": "How many tables have the very same people."})


class SeatingProgressSchema(StrictSchema):
    id = IdField(required=True)
    status = fields.String(required=True, validate=validate.Equal("queued"))
    progress = fields.Float(required=True)
    best = fields.Float(required=True, allow_none=True, metadata={"description": "The best score so far, while the tables are made."})


class ToldReasonSchema(StrictSchema):
    text = fields.String(required=True)


class CompanionSchema(StrictSchema):
    name = fields.String(required=True)
    me = fields.Boolean(required=True)


class MyTableSchema(StrictSchema):
    guests = fields.List(fields.Nested(CompanionSchema), required=True)
    score = fields.Integer(
        required=True, allow_none=True, metadata={"description": "Of 100; null at a table of few, of whom it would tell."}
    )
    reasons = fields.List(fields.Nested(ToldReasonSchema), required=True)
