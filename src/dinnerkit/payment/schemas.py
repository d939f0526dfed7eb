"""The requests and answers of the payment routes."""

from __future__ import annotations

from marshmallow import fields, validate

from dinnerkit.http.fields import SecretField
from dinnerkit.http.schemas import StrictSchema


class AuthenticationSchema(StrictSchema):
    client_secret = SecretField(200, required=True)
    approve = fields.Boolean(load_default=True, truthy={True}, falsy={False})


class NewPayoutAccountSchema(StrictSchema):
    country = fields.String(
        required=True, validate=validate.Regexp("^[A-Z]{2}$", error="Two letters of ISO 3166-1, such as DE."), metadata={"example": "DE"}
    )


class PayoutAccountSchema(StrictSchema):
    country = fields.String(required=True)
    ready = fields.Boolean(required=True)
    missing = fields.List(fields.String(), required=True)
    url = fields.String(required=True, allow_none=True)


class AuthenticatedSchema(StrictSchema):
    status = fields.String(required=True)
