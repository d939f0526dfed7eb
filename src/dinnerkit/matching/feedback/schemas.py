"""The requests and answers of the feedback routes."""

from __future__ import annotations

from marshmallow import fields, validate

from dinnerkit.http.fields import IdField, MomentField, WholeField
from dinnerkit.http.schemas import StrictSchema
from dinnerkit.matching.feedback.rules import BEST, SAT_TOGETHER, WISHES, WORST

_MOST_MATES = 1_000 + SAT_TOGETHER


class WishSchema(StrictSchema):
    mate = IdField(required=True)
    wish = fields.String(required=True, validate=validate.OneOf(sorted(WISHES)))


class FeedbackChangesSchema(StrictSchema):
    rating = WholeField(WORST, BEST, load_default=None, allow_none=True, metadata={"description": "Of the evening."})
    wishes = fields.List(
        fields.Nested(WishSchema),
        load_default=list,
        validate=validate.Length(max=_MOST_MATES),
        metadata={"description": "About mates, each at most once; the last one counts."},
    )


class MateSchema(StrictSchema):
    mate = IdField(required=True, metadata={"description": "What to call them in `wishes`."})
    name = fields.String(required=True)
    wish = fields.String(required=True, allow_none=True, validate=validate.OneOf(sorted(WISHES)))


class FeedbackSchema(StrictSchema):
    rating = fields.Integer(required=True, allow_none=True)
    mates = fields.List(fields.Nested(MateSchema), required=True)
    closes_at = MomentField(required=True, metadata={"description": "Until when it can be changed."})
