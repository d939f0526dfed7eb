"""The queries and answers of the routes of queues, jobs and dead letters."""

from __future__ import annotations

from marshmallow import fields, validate

from dinnerkit.delivery.jobs import MOST_SHOWN, STATES
from dinnerkit.http.fields import MomentField, WholeField
from dinnerkit.http.schemas import PageQuery, StrictSchema
from dinnerkit.queues import QUEUES


class DeadLetterQuery(PageQuery):
    queue = fields.String(load_default=None, validate=validate.OneOf(tuple(QUEUES)))


class JobsQuery(StrictSchema):
    state = fields.String(load_default="waiting", validate=validate.OneOf(STATES))
    limit = WholeField(1, MOST_SHOWN, text=True, load_default=20)


class _QueueSchema(StrictSchema):
    name = fields.String(required=True)
    backlog = fields.Integer(required=True, metadata={"description": "Jobs that wait or run."})
    age_seconds = fields.Float(required=True, metadata={"description": "Of the oldest of these."})
    dead_letters = fields.Integer(required=True)
    finished = fields.Integer(required=True, metadata={"description": "Jobs, since ever."})
    failed = fields.Integer(required=True, metadata={"description": "For good."})
    retried = fields.Integer(required=True, metadata={"description": "Attempts that failed and were followed by another."})


class QueuesSchema(StrictSchema):
    items = fields.List(fields.Nested(_QueueSchema), required=True)


class _JobSchema(StrictSchema):
    id = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    handler = fields.String(required=True)
    kind = fields.String(required=True, metadata={"description": "Of the message."})
    attempts = fields.Integer(required=True)
    created_at = MomentField(required=True)
    started_at = MomentField(required=True, allow_none=True)
    ended_at = MomentField(required=True, allow_none=True)
    next_at = MomentField(metadata={"description": "Where it waits: when its next attempt may begin."})
    error = fields.String(required=True, allow_none=True, metadata={"description": "The kind of the last one."})


class JobsSchema(StrictSchema):
    items = fields.List(fields.Nested(_JobSchema), required=True)


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
