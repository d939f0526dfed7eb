"""The requests and answers of the photo routes."""

from __future__ import annotations

from marshmallow import fields, validate

from dinnerkit.events.photos import PROCESSING, REFUSED
from dinnerkit.events.schemas import PhotoSchema
from dinnerkit.http.fields import IdField, MomentField, TextField, WholeField
from dinnerkit.http.schemas import StrictSchema
from dinnerkit.photos.rules import FORMATS, LONGEST_ALT, REASONS

_ALT = {"description": "What is to be seen, in words for those who can't."}


class AltQuerySchema(StrictSchema):
    alt = TextField(LONGEST_ALT, blank=True, load_default="", metadata=_ALT)


class NewUploadSchema(StrictSchema):
    content_type = fields.String(required=True, validate=validate.OneOf(tuple(FORMATS)))
    size = WholeField(1, 1 << 40, required=True, metadata={"description": "In bytes."})


class UploadTakenSchema(StrictSchema):
    alt = TextField(LONGEST_ALT, blank=True, load_default="", metadata=_ALT)


class UploadFormSchema(StrictSchema):
    """How to send the file.

    ``POST``: a multipart form of all ``fields``, then the file as the field ``file``; afterwards tell that it is there. ``PUT``: the file
    itself, with its content type and your credentials; that is all.
    """

    id = IdField(required=True)
    method = fields.String(required=True, validate=validate.OneOf(("POST", "PUT")))
    url = fields.String(required=True)
    fields_ = fields.Dict(keys=fields.String(), values=fields.String(), required=True, data_key="fields")
    most_bytes = fields.Integer(required=True)
    expires_at = MomentField(required=True)


class UploadSchema(StrictSchema):
    id = IdField(required=True)
    state = fields.String(required=True, validate=validate.OneOf((PROCESSING, REFUSED)))
    alt = fields.String(required=True)
    code = fields.String(required=True, allow_none=True, metadata={"description": f"Why it is refused: one of {', '.join(REASONS)}."})
    message = fields.String(required=True, allow_none=True, metadata={"description": "The same in words."})


class PhotoStateSchema(StrictSchema):
    """The photo that is shown, and the file that is to take its place, as long as it has not."""

    photo = fields.Nested(PhotoSchema, required=True, allow_none=True)
    upload = fields.Nested(UploadSchema, required=True, allow_none=True)
