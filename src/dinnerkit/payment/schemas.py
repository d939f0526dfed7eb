"""The requests and answers of the payment routes."""

from __future__ import annotations

from marshmallow import fields

from dinnerkit.http.fields import SecretField
from dinnerkit.http.schemas import StrictSchema


class AuthenticationSchema(StrictSchema):
    client_secret = SecretField(200, required=True)
    approve = fields.Boolean(load_default=True, truthy={True}, falsy={False})


class AuthenticatedSchema(StrictSchema):
    status = fields.String(required=True)
