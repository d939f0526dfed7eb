"""The answers of the dead letters' routes."""

from __future__ import annotations

from marshmallow import fields

from dinnerkit.http.fields import MomentField
from dinnerkit.http.schemas import StrictSchema


class DeadLetterSchema(StrictSchema):
    id = fields.String(required=True)
    handler = fields.String(required=True)
    queue = fields.String(required=True)
    kind = fields.String(required=True)
    data = fields.Dict(required=True)
    attempts = fields.Integer(required=True)
    error = fields.String(required=True)
    created_at = MomentField(required=True)
    died_at = MomentField(required=True)
